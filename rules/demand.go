package rules

import (
	"cmp"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// demand is what a shelf sold by day, as far back as any rule looks, and on which of those days it had nothing to sell.
type demand struct {
	first rxvigil.Day // of the first recorded sale: history counts from there
	// sold are the days with a sale, ascending, the newest mostSoldDays of them. It is replaced, never changed: Usage shares it.
	sold []DaySold
	closings
	// use is of the window before use.day; made anew when the day is another one.
	use use
}

// DaySold is what was sold on one day, returns taken off.
type DaySold struct {
	Day      rxvigil.Day
	Quantity rxvigil.Number
}

// mostSoldDays is how many days with a sale are kept: more than any window is long.
const mostSoldDays = 190

// post adds to what was sold on a day.
func (d *demand) post(day rxvigil.Day, n rxvigil.Number) {
	if len(d.sold) == 0 && d.first == 0 || day < d.first {
		d.first = day
	}
	d.use.day = 0
	d.sold = added(d.sold, day, n)
}

// added gives the days with one quantity more: a list of its own. A day that comes to nothing is left out.
func added(days []DaySold, day rxvigil.Day, n rxvigil.Number) []DaySold {
	i, found := slices.BinarySearchFunc(days, day, compareDay)
	next := append(make([]DaySold, 0, len(days)+1), days[:i]...)
	if found {
		n = days[i].Quantity.Add(n).Trim()
		i++
	}
	if !n.Known() || n.Sign() != 0 {
		next = append(next, DaySold{day, n})
	}
	next = append(next, days[i:]...)
	return next[max(0, len(next)-mostSoldDays):]
}

func compareDay(s DaySold, day rxvigil.Day) int { return cmp.Compare(s.Day, day) }

// on is what was sold on a day.
func (d *demand) on(day rxvigil.Day) rxvigil.Number {
	if i, found := slices.BinarySearchFunc(d.sold, day, compareDay); found {
		return d.sold[i].Quantity
	}
	return rxvigil.Number{}
}

// last is the day of the last sale; false when there was none.
func (d *demand) last() (rxvigil.Day, bool) {
	if len(d.sold) == 0 {
		return 0, false
	}
	return d.sold[len(d.sold)-1].Day, true
}
