package rules

import (
	"archive/zip"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// allZones are those of the tz database that the program carries.
func allZones(t *testing.T) []*time.Location {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	var all []*time.Location
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		zone, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, zone)
	}
	if len(all) < 400 {
		t.Fatalf("only %d zones", len(all))
	}
	return all
}

// TestEachDayHasItsScanOnceInEveryZone draws a time of the day for each zone, and follows two years with a leap day in them.
func TestEachDayHasItsScanOnceInEveryZone(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 1))
	for _, zone := range allZones(t) {
		hour, minute := random.IntN(24), random.IntN(60)
		s, err := ParseSchedule(fmt.Sprintf("%d %d * * *", minute, hour))
		if err != nil {
			t.Fatal(err)
		}
		day := time.Date(2027, 7, 1, 0, 0, 0, 0, time.UTC)
		last := time.Date(2027, 6, 30, 23, 59, 59, 0, zone)
		for range 2 * 366 {
			m := s.Next(last, zone)
			if want := day.Add(time.Duration(hour*60+minute) * time.Minute).Format(wallLayout); m.Wall != want || !m.At.After(last) {
				t.Fatalf("%s at %02d:%02d: after %s comes %s, called %s, not %s", zone, hour, minute, last, m.At, m.Wall, want)
			}
			last, day = m.At, day.AddDate(0, 0, 1)
		}
	}
}

// TestALotIsUsableThroughItsDayInEveryZone holds in each zone, at the first and the last instant of the days around month ends, leap days
// and changes of the clock: expired is what today is behind.
func TestALotIsUsableThroughItsDayInEveryZone(t *testing.T) {
	t.Parallel()
	for _, zone := range allZones(t) {
		for _, date := range []string{"2026-02-28", "2026-03-29", "2026-08-31", "2026-10-25", "2026-11-01", "2026-12-31", "2028-02-29"} {
			expires, err := rxvigil.ParseDay(date)
			if err != nil {
				t.Fatal(err)
			}
			first, err := time.ParseInLocation(time.DateOnly, date, zone)
			if err != nil {
				t.Fatal(err)
			}
			for first.Format(time.DateOnly) < date { // a day may begin at one
				first = first.Add(time.Minute)
			}
			next := first.Add(20 * time.Hour)
			for next.Format(time.DateOnly) == date {
				next = next.Add(time.Minute)
			}
			l := &lot{expires: expires, flags: lotDated, shelf: &shelf{medicine: &medicine{tenant: &tenant{book: newBook()}}}}
			for at, want := range map[time.Time]bool{first: false, next.Add(-time.Second).Truncate(time.Second): false, next: true} {
				if got := l.expired(rxvigil.DayOf(at, zone)); got != want {
					t.Fatalf("%s: a lot of %s has expired at %s: %v", zone, date, at, got)
				}
			}
		}
	}
}
