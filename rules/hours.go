package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hours are when a pharmacy works, by its own clock.
type Hours struct {
	From, To string   // as 08:00; To 24:00 is the end of the day
	Days     []string // mon to sun; none: every day
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"} //nolint:gochecknoglobals // a table, never written

func (h *Hours) validate() error {
	if h == nil {
		return nil
	}
	from, err := minuteOf(h.From)
	if err != nil {
		return fmt.Errorf("hours.from: %w", err)
	}
	to, err := minuteOf(h.To)
	if err != nil {
		return fmt.Errorf("hours.to: %w", err)
	}
	if from >= to {
		return fmt.Errorf("hours: %s is not before %s", h.From, h.To)
	}
	for _, d := range h.Days {
		if !slices.Contains(weekdays, d) {
			return fmt.Errorf("hours.days: %q is not one of %s", d, strings.Join(weekdays, ", "))
		}
	}
	return nil
}

// minuteOf reads a time of the day.
func minuteOf(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil {
		return 0, fmt.Errorf("%q is no time of the day, such as 08:00", text)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// open gives the working hours of the civil day of an instant; false: that day has none.
func (h *Hours) open(at time.Time, zone *time.Location) (from, to time.Time, works bool) {
	local := at.In(zone)
	if len(h.Days) > 0 && !slices.Contains(h.Days, weekdays[local.Weekday()]) {
		return from, to, false
	}
	opens, _ := minuteOf(h.From) // they are valid
	closes, _ := minuteOf(h.To)
	year, month, day := local.Date()
	return time.Date(year, month, day, 0, opens, 0, 0, zone), time.Date(year, month, day, 0, closes, 0, 0, zone), true
}

// mostDays is how many days are looked at one by one: beyond that nobody counts hours.
const mostDays = 400

// between is how much working time lies between two instants.
func (h *Hours) between(from, to time.Time, zone *time.Location) time.Duration {
	if h == nil || to.Sub(from) > mostDays*24*time.Hour {
		return to.Sub(from)
	}
	var sum time.Duration
	year, month, day := from.In(zone).Date()
	for n := 0; ; n++ {
		noon := time.Date(year, month, day+n, 12, 0, 0, 0, zone)
		opens, closes, works := h.open(noon, zone)
		if opens.After(to) || !works && noon.After(to.Add(24*time.Hour)) {
			return sum
		}
		if !works {
			continue
		}
		begin, end := opens, closes
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		if end.After(begin) {
			sum += end.Sub(begin)
		}
		if closes.After(to) {
			return sum
		}
	}
}

// after is the instant at which so much working time has passed since another one.
func (h *Hours) after(since time.Time, d time.Duration, zone *time.Location) time.Time {
	if h == nil {
		return since.Add(d)
	}
	year, month, day := since.In(zone).Date()
	for n := range mostDays {
		opens, closes, works := h.open(time.Date(year, month, day+n, 12, 0, 0, 0, zone), zone)
		if !works {
			continue
		}
		if opens.Before(since) {
			opens = since
		}
		if left := closes.Sub(opens); left >= d {
			return opens.Add(d)
		} else if left > 0 {
			d -= left
		}
	}
	return since.Add(mostDays * 24 * time.Hour)
}
