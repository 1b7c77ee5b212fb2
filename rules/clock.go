package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// ahead is how far a commit time may run ahead of the wall clock in our own newest message.
const ahead = 30 * time.Second

// clock is engine time. Commit times step back under load, so it never does; and a wild source clock must not expire every
// lot, so it is held by our own messages (DESIGN 2.4). It counts microseconds, as Postgres does: what is stored comes back.
type clock struct {
	now, wall time.Time
}

// advance moves to a commit; wall is zero when the transaction carries no message of ours.
func (c *clock) advance(at, wall time.Time) {
	if !wall.IsZero() {
		c.wall = wall
	}
	if limit := c.wall.Add(ahead); !c.wall.IsZero() && at.After(limit) {
		at = limit
	}
	if at = at.Truncate(time.Microsecond); at.After(c.now) {
		c.now = at.UTC()
	}
}

func (c clock) usage() Usage { return Usage{Now: c.now, Wall: c.wall} }

// zoneOf is where the day of a shelf is decided: branch, tenant, configuration, default.
func (e *Engine) zoneOf(t *tenant, b *branch) *time.Location {
	switch {
	case b != nil && b.zone != nil:
		return b.zone
	case t.zone != nil:
		return t.zone
	case e.zones[t.id] != nil:
		return e.zones[t.id]
	}
	return e.zone
}

// earliestDay is today in the zone of the tenant where the day is youngest.
func (e *Engine) earliestDay(t *tenant) rxvigil.Day {
	day := rxvigil.DayOf(e.clock.now, e.zoneOf(t, nil))
	for _, b := range t.branches {
		day = min(day, rxvigil.DayOf(e.clock.now, e.zoneOf(t, b)))
	}
	return day
}

func (e *Engine) today(s *shelf) rxvigil.Day {
	return rxvigil.DayOf(e.clock.now, e.zoneOf(s.medicine.tenant, s.branch))
}

// dayOf is today for the goroutine that writes.
func (e *Engine) dayOf(s *shelf) rxvigil.Day {
	return e.days.of(e.clock.now, e.zoneOf(s.medicine.tenant, s.branch))
}

// dayAt is the day of an instant where a shelf stands, but none that is still to come; today when the instant is not known.
func (e *Engine) dayAt(s *shelf, at rxvigil.Value) (rxvigil.Day, bool) {
	today := e.dayOf(s)
	if day, known := e.dayThen(s, at); known {
		return min(day, today), true
	}
	return today, true
}

// dayThen is the day of an instant where a shelf stands; false when it is not known.
func (e *Engine) dayThen(s *shelf, at rxvigil.Value) (rxvigil.Day, bool) {
	t, known := at.Instant()
	if !known {
		return 0, false
	}
	return rxvigil.DayOf(t, e.zoneOf(s.medicine.tenant, s.branch)), true
}

// days remembers the last answer to a question that is asked of every shelf. Since 1973 offsets change, and days begin, at
// whole quarters of an hour only.
type days struct {
	zone    *time.Location
	quarter int64
	day     rxvigil.Day
}

func (d *days) of(now time.Time, zone *time.Location) rxvigil.Day {
	const quarterHour, year1973 = 900, 94_694_400
	second := now.Unix()
	if d.zone != zone || d.quarter != second/quarterHour || second < year1973 {
		*d = days{zone, second / quarterHour, rxvigil.DayOf(now, zone)}
	}
	return d.day
}
