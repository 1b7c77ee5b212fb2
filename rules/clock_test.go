package rules

import (
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func TestTheRememberedDayIsTheDay(t *testing.T) {
	t.Parallel()
	var d days
	for _, name := range []string{"UTC", "Africa/Lusaka", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "America/Havana"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2019; at = at.Add(7 * time.Minute) {
			if got, want := d.of(at, zone), rxvigil.DayOf(at, zone); got != want {
				t.Fatalf("%s in %s is %s, want %s", at, name, got, want)
			}
		}
	}
}
