package rules

import "github.com/rxvigil/rxvigil"

// closings remember on which of the last closedDays days a shelf had nothing available when the day closed.
type closings struct {
	asOf   rxvigil.Day // the days before it are closed; 0: none is
	closed [2]uint64   // bit i: day asOf - 1 - i closed empty
}

const closedDays = 128

// empty tells whether a day closed with nothing available. A day that nobody watched did not.
func (c *closings) empty(day rxvigil.Day) bool {
	back := int(c.asOf) - 1 - int(day)
	if c.asOf == 0 || back < 0 || back >= closedDays {
		return false
	}
	return c.closed[back/64]>>(back%64)&1 == 1
}

// close adds the day asOf.
func (c *closings) close(empty bool) {
	c.closed[1] = c.closed[1]<<1 | c.closed[0]>>63
	c.closed[0] <<= 1
	if empty {
		c.closed[0] |= 1
	}
	c.asOf++
}

// closeUntil closes the days before today with the stock that stands on the shelf: call it before anything changes there. It tells
// whether a day was closed.
func (c *closings) closeUntil(s *shelf, today rxvigil.Day) bool {
	if c.asOf == 0 || c.asOf >= today {
		return false
	}
	if c.asOf < today-closedDays {
		c.asOf = today - closedDays
	}
	for c.asOf < today {
		available := s.availableOn(c.asOf)
		c.close(available.Known() && available.Sign() <= 0)
	}
	return true
}

// availableOn is what was available at the end of a day, if nothing changed since. An empty shelf has none.
func (s *shelf) availableOn(day rxvigil.Day) rxvigil.Number {
	var sum rxvigil.Stock
	if s.stockIn(&sum, day) == nil {
		return rxvigil.Number{}
	}
	return sum.Available
}

// watch begins to watch the closings of a shelf. What its ledger tells of the days before is taken for what nobody saw: a day
// closed empty when the movements up to it leave nothing. Without a ledger those days count as stocked.
func (c *closings) watch(today rxvigil.Day, l *ledger) {
	c.asOf = today
	if l == nil || l.unknown > 0 || len(l.byDay) == 0 {
		return
	}
	c.asOf = min(max(today-closedDays, l.byDay[0].Day), today)
	balance := l.sum
	for _, d := range l.byDay {
		balance = balance.Sub(d.Quantity)
	}
	i := 0
	for c.asOf < today {
		for ; i < len(l.byDay) && l.byDay[i].Day <= c.asOf; i++ {
			balance = balance.Add(l.byDay[i].Quantity)
		}
		c.close(balance.Known() && balance.Sign() <= 0)
	}
}
