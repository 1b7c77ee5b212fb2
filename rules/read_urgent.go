package rules

import (
	"cmp"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// urgentCover is how many days' stock is little enough to be listed although no level is reached.
const urgentCover = 14

// Urgent lists the shelves of a tenant, in one branch or for an empty one in all, that want ordering: what is out first, then what is low,
// then what an alert says runs out within two weeks; of each what lasts the shortest first. At most so many.
func (e *Engine) Urgent(id rxvigil.Tenant, b rxvigil.Branch, most int) []StockLine {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil {
		return nil
	}
	var lines []StockLine
	t.eachShelf(func(s *shelf) {
		if !s.medicine.present || b != "" && s.branch.id != b {
			return
		}
		level, set := s.override("low_stock")
		if !set {
			level = s.reorder()
		}
		short := status(s.stock(e.today(s)).Available, level)
		if short != StockOut && short != StockLow && (short != StockOK || s.quiet) { // a forecast is asked for few
			return
		}
		line := e.line(s)
		if short == StockOK && (!line.Use.Cover.Known() || line.Use.Cover.Cmp(rxvigil.NumberOf(urgentCover)) > 0) {
			return
		}
		lines = append(lines, line)
	})
	slices.SortFunc(lines, moreUrgent)
	return lines[:min(len(lines), most)]
}

func moreUrgent(x, y StockLine) int {
	return cmp.Or(cmp.Compare(x.Status.rank(), y.Status.rank()), compareCover(x.Use.Cover, y.Use.Cover), cmp.Compare(x.Key(), y.Key()))
}

func (s StockStatus) rank() int {
	switch s {
	case StockOut:
		return 0
	case StockLow:
		return 1
	}
	return 2
}

// compareCover puts what lasts the shortest first, and what nobody can tell last.
func compareCover(x, y rxvigil.Number) int {
	switch {
	case x.Known() && y.Known():
		return x.Cmp(y)
	case x.Known():
		return -1
	case y.Known():
		return 1
	}
	return 0
}
