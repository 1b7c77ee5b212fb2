package rules

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// moments gives the moments of a line in a zone from one wall time to another, as local times with their offset.
func moments(t *testing.T, line, zoneName, from, to string) []string {
	t.Helper()
	s, err := ParseSchedule(line)
	if err != nil {
		t.Fatal(err)
	}
	zone := mustZone(t, zoneName)
	at, end := localTime(t, from, zone), localTime(t, to, zone)
	var all []string
	for {
		m := s.Next(at, zone)
		if m.At.IsZero() || !m.At.Before(end) {
			return all
		}
		at = m.At
		all = append(all, at.In(zone).Format("2 Jan 15:04 -07:00"))
	}
}

func localTime(t *testing.T, text string, zone *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(wallLayout, text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestEachLocalDayHasItsScanOnceWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, line, zone, from, to, want string }{
		{"New York, gap", "30 2 * * *", "America/New_York", "2026-03-07T12:00", "2026-03-10T00:00", "8 Mar 03:00 -04:00, 9 Mar 02:30 -04:00"},
		{"New York, fold", "30 1 * * *", "America/New_York", "2026-10-31T12:00", "2026-11-03T00:00", "1 Nov 01:30 -04:00, 2 Nov 01:30 -05:00"},
		{"Cairo, midnight gap", "0 0 * * *", "Africa/Cairo", "2026-04-23T12:00", "2026-04-26T00:00", "24 Apr 01:00 +03:00, 25 Apr 00:00 +03:00"},
		{"Cairo, midnight fold", "0 0 * * *", "Africa/Cairo", "2026-10-29T12:00", "2026-11-01T00:00", "30 Oct 00:00 +02:00, 31 Oct 00:00 +02:00"},
		{"Cairo, late hour fold", "30 23 * * *", "Africa/Cairo", "2026-10-29T12:00", "2026-10-31T00:00", "29 Oct 23:30 +03:00, 30 Oct 23:30 +02:00"},
		{"Beirut, midnight gap", "0 0 * * *", "Asia/Beirut", "2026-03-28T12:00", "2026-03-31T00:00", "29 Mar 01:00 +03:00, 30 Mar 00:00 +03:00"},
		{"São Paulo, midnight gap", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00", "2018-11-06T00:00", "4 Nov 01:00 -02:00, 5 Nov 00:00 -02:00"},
		{"London, gap", "30 1 * * *", "Europe/London", "2026-03-28T12:00", "2026-03-31T00:00", "29 Mar 02:00 +01:00, 30 Mar 01:30 +01:00"},
		{"Lord Howe, half-hour gap", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-06T00:00", "4 Oct 02:30 +11:00, 5 Oct 02:15 +11:00"},
		{"Lord Howe, half-hour fold", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00", "2026-04-07T00:00", "5 Apr 01:45 +11:00, 6 Apr 01:45 +10:30"},
		{"Apia, a day that never was", "0 6 * * *", "Pacific/Apia", "2011-12-28T12:00", "2012-01-01T00:00", "29 Dec 06:00 -10:00, 31 Dec 00:00 +14:00, 31 Dec 06:00 +14:00"},
		{"13th or Friday", "0 6 13 * 5", "UTC", "2026-11-05T12:00", "2026-11-21T00:00", "6 Nov 06:00 +00:00, 13 Nov 06:00 +00:00, 20 Nov 06:00 +00:00"},
		{"Sunday is 7", "0 6 * * 7", "UTC", "2026-11-20T12:00", "2026-12-01T00:00", "22 Nov 06:00 +00:00, 29 Nov 06:00 +00:00"},
		{"to Sunday", "0 6 * * 6-7", "UTC", "2026-11-20T12:00", "2026-11-28T00:00", "21 Nov 06:00 +00:00, 22 Nov 06:00 +00:00"},
		{"every other day to Sunday", "0 6 * * 1-7/3", "UTC", "2026-11-20T12:00", "2026-11-28T00:00", "22 Nov 06:00 +00:00, 23 Nov 06:00 +00:00, 26 Nov 06:00 +00:00"},
		{"wildcard hour, gap", "0 * * * *", "America/New_York", "2026-03-08T00:30", "2026-03-08T04:30", "8 Mar 01:00 -05:00, 8 Mar 03:00 -04:00, 8 Mar 04:00 -04:00"},
		{"wildcard hour, fold", "0 * * * *", "America/New_York", "2026-11-01T00:30", "2026-11-01T02:30", "1 Nov 01:00 -04:00, 1 Nov 01:00 -05:00, 1 Nov 02:00 -05:00"},
		{"every 6 h", "@every 6h", "UTC", "2026-11-20T05:00", "2026-11-20T19:00", "20 Nov 06:00 +00:00, 20 Nov 12:00 +00:00, 20 Nov 18:00 +00:00"},
		{"leap day", "0 6 29 2 *", "UTC", "2026-11-20T05:00", "2029-01-01T00:00", "29 Feb 06:00 +00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(moments(t, c.line, c.zone, c.from, c.to), ", "); got != c.want {
				t.Errorf("%s\n got %s\nwant %s", c.line, got, c.want)
			}
		})
	}
}

func TestASchedulesMomentIsFoundAgainByItsName(t *testing.T) {
	t.Parallel()
	zone := mustZone(t, "Africa/Cairo")
	for _, line := range []string{"0 0 * * *", "0 * * * *"} {
		s, err := ParseSchedule(line)
		if err != nil {
			t.Fatal(err)
		}
		at := localTime(t, "2026-04-23T22:30", zone)
		for range 48 {
			m := s.Next(at, zone)
			if again, err := s.Instant(m.Wall, zone); err != nil || !again.Equal(m.At) {
				t.Fatalf("%s: %s is %v, was %v (%v)", line, m.Wall, again, m.At, err)
			}
			at = m.At
		}
	}
}

func TestAScheduleThatCannotBeMeantIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                             "is empty",
		"TZ=0":                         "names a zone",
		"TZ=UTC":                       "names a zone",
		"CRON_TZ=":                     "names a zone",
		"TZ=Africa/Cairo 0 6 * * *":    "names a zone",
		"@every -1h":                   "whole minutes",
		"@every 0s":                    "whole minutes",
		"@every 90s":                   "whole minutes",
		"@every soon":                  "duration",
		"*/70 * * * *":                 "never comes a second time",
		"0 */24 * * *":                 "never comes a second time",
		"0 0 30 2 *":                   "no such date",
		"0 0 31 4,6 *":                 "no such date",
		"0 6 * *":                      "4 fields",
		"0 0 6 * * *":                  "6 fields",
		"61 6 * * *":                   "above maximum",
		"@never":                       "unrecognized",
		"0 6 * * 8":                    "above maximum",
		"0 6 * * 1-8":                  "above maximum",
		"0 6 * * /":                    "parse",
		"99999999999999999999 6 * * *": "parse",
	} {
		if _, err := ParseSchedule(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", line, err, want)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	for _, line := range []string{"0 6 * * *", "@daily", "TZ=0", "*/5 1-3 * jan-mar 1-7/2", "@every 1h", "0 0 30 2 *"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := ParseSchedule(line)
		if err != nil {
			return
		}
		at := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
		if m := s.Next(at, time.UTC); !m.At.IsZero() && !m.At.After(at) {
			t.Errorf("%q: next of %v is %v", line, at, m.At)
		}
	})
}
