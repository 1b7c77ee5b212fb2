package rules

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rxvigil/rxvigil"
)

// aCalendar is one tenant and the moments its ticker has seen.
type aCalendar struct {
	mu    sync.Mutex
	zone  string
	last  map[string]string
	ticks []string
	fails int
}

func (c *aCalendar) Tenants() []TenantInfo { return []TenantInfo{{ID: "t", Zone: c.zone}} }

func (c *aCalendar) LastOccurrence(scan string, _ rxvigil.Tenant) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last[scan]
}

func (c *aCalendar) Tick(_ context.Context, t Tick) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fails > 0 {
		c.fails--
		return errors.New("no connection")
	}
	text := t.Wall
	if len(t.Missed) > 0 {
		text += " missed " + strings.Join(t.Missed, " ")
	}
	if t.Skip {
		text += " skipped"
	}
	c.ticks = append(c.ticks, text)
	return nil
}

// runFor runs a scheduler inside a bubble, whose clock begins at 2000-01-01T00:00Z.
func runFor(t *testing.T, d time.Duration, c *aCalendar, scan Scan) []string {
	t.Helper()
	pack := DefaultPack()
	pack.Scans = []Scan{scan}
	s, err := NewScheduler(pack, c, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return c.ticks
}

func TestTheSchedulerTicksAtSixOnTheTenantsClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := runFor(t, 52*time.Hour, &aCalendar{zone: "Africa/Addis_Ababa"}, Scan{Name: "daily", Cron: "0 6 * * *"})
		want := []string{"2000-01-01T06:00", "2000-01-02T06:00", "2000-01-03T06:00"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
	})
}

func TestMomentsThatPassedAreCaughtUpWithByPolicy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scan Scan
		want []string
	}{
		{Scan{CatchUp: Latest}, []string{"1999-12-31T06:00 missed 1999-12-29T06:00 1999-12-30T06:00"}},
		{Scan{CatchUp: All}, []string{"1999-12-29T06:00", "1999-12-30T06:00", "1999-12-31T06:00"}},
		{Scan{CatchUp: Skip}, []string{"1999-12-31T06:00 missed 1999-12-29T06:00 1999-12-30T06:00 skipped"}},
		{Scan{CatchUp: Skip, MaxAge: 24 * time.Hour}, []string{"1999-12-31T06:00 missed 1999-12-29T06:00 1999-12-30T06:00"}},
	} {
		t.Run(fmt.Sprint(c.scan.CatchUp, c.scan.MaxAge), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c.scan.Name, c.scan.Cron = "daily", "0 6 * * *"
				got := runFor(t, time.Hour, &aCalendar{zone: "UTC", last: map[string]string{"daily": "1999-12-28T06:00"}}, c.scan)
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("ticks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestATickThatCannotBeSentIsSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := runFor(t, 6*time.Hour+3*time.Second, &aCalendar{zone: "UTC", fails: 2}, Scan{Name: "daily", Cron: "0 6 * * *"})
		if diff := cmp.Diff([]string{"2000-01-01T06:00"}, got); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
	})
}

func tickAt(wall string) Input {
	return Input{Commands: []Command{{Op: RunTick, Tick: Tick{Scan: "daily", Tenant: "t", Wall: wall}}}}
}

// TestALotExpiringAtMonthsEndIsToldOnceThoughTheScheduleStoodStill is T3.
func TestALotExpiringAtMonthsEndIsToldOnceThoughTheScheduleStoodStill(t *testing.T) {
	t.Parallel()
	s := setupAt(t, Config{Pack: DefaultPack()}, time.Date(2026, 7, 30, 6, 0, 0, 0, time.UTC))
	s.expect("seed", s.commit(aMedicine("M", "Metformin", 1), umiLot("M-1", "x", "M", "9", "0", "2026-08-31")))
	s.at = s.at.AddDate(0, 0, 5)
	s.expect("after three days without one", s.send(tickAt("2026-08-04T06:00")),
		"RAISED expiry warning expires_30 x / Metformin / M-1 days 27 quantity 9")
	s.expect("the same moment again", s.send(tickAt("2026-08-04T06:00")))
	s.at = s.at.AddDate(0, 0, 28)
	out := s.send(tickAt("2026-09-01T06:00"))
	s.expect("the day after", out,
		"CHANGED expiry critical expired x / Metformin / M-1 days -1 quantity 9",
		"RAISED low_stock critical out x / Metformin available 0 min 1")
	s.expectStock("the day after", out, "x/M 9 0 9 → 9 0 0")
	if len(out.Occurrences) != 1 || out.Occurrences[0].Status != Done {
		t.Errorf("occurrences %+v", out.Occurrences)
	}
}

func TestMissedMomentsAreRecordedAndNotKept(t *testing.T) {
	t.Parallel()
	s := setup(t)
	in := tickAt("2026-11-22T06:00")
	in.Commands[0].Tick.Missed, in.Commands[0].Tick.Skip = []string{"2026-11-21T06:00"}, true
	var got []string
	for _, o := range s.send(in).Occurrences {
		got = append(got, o.Wall+" "+string(o.Status))
	}
	if diff := cmp.Diff([]string{"2026-11-21T06:00 missed", "2026-11-22T06:00 missed"}, got); diff != "" {
		t.Errorf("occurrences (-want +got):\n%s", diff)
	}
}

// TestAMidnightScanInCairoRunsOnceEachLocalDay is T4. The bubble's clock cannot be set, so the scheduler is asked round by
// round.
func TestAMidnightScanInCairoRunsOnceEachLocalDay(t *testing.T) {
	t.Parallel()
	for from, want := range map[string][]string{
		"2026-04-22T20:00": {"2026-04-23T00:00", "2026-04-24T00:00", "2026-04-25T00:00"},
		"2026-10-28T20:00": {"2026-10-29T00:00", "2026-10-30T00:00", "2026-10-31T00:00"},
	} {
		c := &aCalendar{zone: "Africa/Cairo"}
		pack := DefaultPack()
		pack.Scans = []Scan{{Name: "daily", Cron: "0 0 * * *"}}
		s, err := NewScheduler(pack, c, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		at := localTime(t, from, mustZone(t, "Africa/Cairo"))
		s.began = at
		for range 4 * 24 * 60 {
			s.round(t.Context(), at)
			if at = at.Add(time.Minute); len(c.ticks) == 3 {
				break
			}
		}
		if diff := cmp.Diff(want, c.ticks); diff != "" {
			t.Errorf("ticks (-want +got):\n%s", diff)
		}
	}
}
