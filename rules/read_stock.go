package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// StockStatus says in one word how a shelf stands.
type StockStatus string

// The statuses of a shelf. A shelf inside the recovery band of an open alert is ok.
const (
	StockOK      StockStatus = "ok"
	StockLow     StockStatus = "low"
	StockOut     StockStatus = "out"
	StockUnknown StockStatus = "unknown"
)

// StockQuery says which shelves are wanted. Empty fields ask for all.
type StockQuery struct {
	Branch   rxvigil.Branch
	Branches []rxvigil.Branch // those the caller may see; none: all
	Medicine string
	Text     string // part of the medicine's name or category, without case
	After    string // StockLine.Key of the last line of the page before
	Limit    int    // at most 1000; 0 is 100
}

// StockLine is one shelf: a medicine in a branch.
type StockLine struct {
	Medicine MedicineInfo
	Branch   BranchInfo
	rxvigil.Stock
	Status StockStatus
	Use    UseLine
	Lots   []LotLine // the one that expires first comes first
}

// UseLine is what a shelf uses and needs, as the rules have it; unknown where history is too short to tell.
type UseLine struct {
	Daily, Cover    rxvigil.Number // a day; days that the available stock lasts
	Min, Max, Order rxvigil.Number // levels by use, and what brings the available stock up to Max
}

// LotLine is one lot on a shelf.
type LotLine struct {
	ID, Number       string
	OnHand, Reserved rxvigil.Number
	Expires          rxvigil.Value // a day; null when nobody knows
	Days             *int          // until then; nil when not on the calendar
	Expired, Held    bool
}

// ExpiringLine is one lot that expires within a time, with where it stands.
type ExpiringLine struct {
	Medicine MedicineInfo
	Branch   BranchInfo
	Lot      LotLine
}

// Key orders lines by medicine name, medicine and branch, and names one of them.
func (l *StockLine) Key() string {
	return l.Medicine.Name + "\x00" + l.Medicine.ID + "\x00" + string(l.Branch.ID)
}

// Stock lists a tenant's shelves by medicine name, one page.
func (e *Engine) Stock(id rxvigil.Tenant, q StockQuery) []StockLine {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil {
		return nil
	}
	found := t.shelvesLike(&q)
	lines := make([]StockLine, 0, len(found))
	for _, s := range found {
		lines = append(lines, e.line(s))
	}
	return lines
}

// shelvesLike finds the shelves of one page, in order.
func (t *tenant) shelvesLike(q *StockQuery) []*shelf {
	type keyed struct {
		key   string
		shelf *shelf
	}
	var found []keyed
	wanted := strings.ToLower(q.Text)
	t.eachWanted(q.Medicine, func(s *shelf) {
		key := s.sortKey()
		if key > q.After && s.in(q.Branch, q.Branches) && s.medicine.like(wanted) {
			found = append(found, keyed{key, s})
		}
	})
	slices.SortFunc(found, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	found = found[:min(len(found), limit(q.Limit, 100, 1000))]
	shelves := make([]*shelf, len(found))
	for i := range found {
		shelves[i] = found[i].shelf
	}
	return shelves
}

func (t *tenant) eachWanted(medicineID string, visit func(*shelf)) {
	if medicineID == "" {
		t.eachShelf(func(s *shelf) {
			if s.medicine.present {
				visit(s)
			}
		})
		return
	}
	m := t.medicines.get(medicineID)
	if m == nil || !m.present {
		return
	}
	for _, s := range m.shelves {
		if len(s.lots) > 0 {
			visit(s)
		}
	}
}

func (s *shelf) sortKey() string {
	return s.medicine.name() + "\x00" + s.medicine.id() + "\x00" + string(s.branch.id)
}

func (s *shelf) in(one rxvigil.Branch, allowed []rxvigil.Branch) bool {
	if one != "" && s.branch.id != one {
		return false
	}
	return len(allowed) == 0 || s.branch.id == "" || slices.Contains(allowed, s.branch.id)
}

func (m *medicine) like(wanted string) bool {
	return wanted == "" || strings.Contains(strings.ToLower(m.name()), wanted) || strings.Contains(strings.ToLower(m.category()), wanted)
}

func limit(n, usual, most int) int {
	if n <= 0 {
		return usual
	}
	return min(n, most)
}

func (e *Engine) line(s *shelf) StockLine {
	today := e.today(s)
	line := StockLine{Medicine: s.medicine.info(), Branch: s.branch.info(), Stock: *s.stock(today)}
	level, set := s.override("low_stock") // a person's word goes before the app's
	if !set {
		level = s.reorder()
	}
	line.Status = status(line.Available, level)
	h := hearing{pack: &e.pack, shelf: s, today: today, reading: true}
	f := h.forecast()
	line.Use = UseLine{
		Daily: f.adu().Round(3), Cover: f.cover(line.Available).Round(2), Min: f.min().Round(2), Max: f.max().Round(2), Order: f.order(line.Available),
	}
	reserves := s.reserves()
	for _, l := range s.lots {
		line.Lots = append(line.Lots, l.line(today, reserves))
	}
	slices.SortFunc(line.Lots, compareLots)
	return line
}

func (b *branch) info() BranchInfo {
	return BranchInfo{ID: b.id, Name: cmp.Or(b.name, string(b.id)), Code: b.code}
}

func status(available, level rxvigil.Number) StockStatus {
	switch {
	case !available.Known():
		return StockUnknown
	case available.Sign() <= 0:
		return StockOut
	case level.Known() && available.Cmp(level) <= 0:
		return StockLow
	}
	return StockOK
}

func (l *lot) line(today rxvigil.Day, reserves bool) LotLine {
	line := LotLine{
		ID: l.id(), Number: l.number(), OnHand: l.onHand, Reserved: l.reservedOn(reserves),
		Expires: rxvigil.Null(rxvigil.TypeDay), Expired: l.expired(today), Held: l.flags&lotHeld != 0,
	}
	if l.flags&lotDated == 0 {
		return line
	}
	line.Expires = rxvigil.ValueOf(rxvigil.TypeDay, l.expires.String())
	if l.expires.Finite() {
		days := today.Until(l.expires)
		line.Days = &days
	}
	return line
}

// compareLots puts the lot to be used first (FEFO) first; those that never expire come last.
func compareLots(a, b LotLine) int {
	return cmp.Or(cmp.Compare(dayOrLast(a), dayOrLast(b)), cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID))
}

func dayOrLast(l LotLine) rxvigil.Day {
	if d, ok := l.Expires.Day(); ok {
		return d
	}
	return rxvigil.Never
}

// Expiring lists the lots with something in them that expire within so many days, already expired ones included, the
// soonest first. An empty branch asks for all.
func (e *Engine) Expiring(id rxvigil.Tenant, b rxvigil.Branch, withinDays int) []ExpiringLine {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil {
		return nil
	}
	var lines []ExpiringLine
	t.eachWanted("", func(s *shelf) {
		if s.in(b, nil) {
			lines = append(lines, e.expiringOn(s, withinDays)...)
		}
	})
	slices.SortFunc(lines, func(x, y ExpiringLine) int {
		return cmp.Or(compareLots(x.Lot, y.Lot), cmp.Compare(x.Branch.ID, y.Branch.ID))
	})
	return lines
}

func (e *Engine) expiringOn(s *shelf, withinDays int) []ExpiringLine {
	var lines []ExpiringLine
	today, reserves := e.today(s), s.reserves()
	for _, l := range s.lots {
		if l.flags&lotDated == 0 || l.onHand.Known() && l.onHand.Sign() <= 0 {
			continue
		}
		if l.expires.Finite() && today.Until(l.expires) <= withinDays || l.expires == rxvigil.Always {
			lines = append(lines, ExpiringLine{Medicine: s.medicine.info(), Branch: s.branch.info(), Lot: l.line(today, reserves)})
		}
	}
	return lines
}
