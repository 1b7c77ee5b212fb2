package rules

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestOnlyTheHoursInWhichAPharmacyWorksCount(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Africa/Addis_Ababa")
	if err != nil {
		t.Fatal(err)
	}
	h := &Hours{From: "08:00", To: "18:00", Days: []string{"mon", "tue", "wed", "thu", "fri", "sat"}}
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		from, to string
		want     time.Duration
	}{
		{"2026-11-27 09:00", "2026-11-27 11:30", 150 * time.Minute}, // a Friday
		{"2026-11-27 17:00", "2026-11-28 09:00", 2 * time.Hour},
		{"2026-11-28 17:00", "2026-11-30 09:00", 2 * time.Hour}, // over a Sunday
		{"2026-11-29 01:00", "2026-11-29 23:00", 0},
		{"2026-11-27 19:00", "2026-11-28 07:00", 0},
		{"2026-11-27 00:00", "2026-12-04 00:00", 60 * time.Hour},
	} {
		if got := h.between(at(c.from), at(c.to), zone); got != c.want {
			t.Errorf("from %s to %s are %s, not %s", c.from, c.to, got, c.want)
		}
	}
	var all *Hours
	if got := all.between(at("2026-11-27 00:00"), at("2026-11-29 00:00"), zone); got != 48*time.Hour {
		t.Errorf("of all hours %s", got)
	}
}

// TestAfterIsTheInverseOfBetween draws instants in zones whose clocks change.
func TestAfterIsTheInverseOfBetween(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	for _, name := range []string{"America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			h := &Hours{From: "07:30", To: "21:15", Days: []string{"mon", "wed", "thu", "sat"}[:1+random.IntN(4)]}
			since := time.Date(2026, 1, 1, 0, random.IntN(365*24*60), 0, 0, time.UTC)
			d := time.Duration(1+random.IntN(60*60)) * time.Minute
			if got := h.between(since, h.after(since, d, zone), zone); got != d {
				t.Fatalf("%s after %s in %s by %v come to %s", d, since, name, h, got)
			}
		}
	}
}

func TestHoursThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for _, h := range []*Hours{{From: "8", To: "18:00"}, {From: "18:00", To: "08:00"}, {From: "08:00", To: "25:00"}, {From: "08:00", To: "18:00", Days: []string{"monday"}}} {
		if h.validate() == nil {
			t.Errorf("%+v is accepted", h)
		}
	}
	if err := (&Hours{From: "00:00", To: "24:00"}).validate(); err != nil {
		t.Error(err)
	}
}
