// Package backtest lets a pack judge what has already happened: the app's own sales and movements, one after the other, as if the
// engine had watched. What no table tells is estimated, and said to be: how full a lot was before the window is what it holds now,
// without what came and went since.
package backtest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// History gathers rows of an app's tables as they are now.
type History struct {
	standing []*rxvigil.Record // what has no time: tenants, branches, medicines, levels
	lots     []*rxvigil.Record
	dated    []happened // what has one
	lines    map[string][]*rxvigil.Record
	Timeless int // rows that should have a time and have none: they are left out
}

// happened is a row that came at a time.
type happened struct {
	at     time.Time
	place  string // tells rows of one schema from those of others
	record *rxvigil.Record
}

// NewHistory gives one that knows nothing yet.
func NewHistory() *History { return &History{lines: map[string][]*rxvigil.Record{}} }

// Add takes a row. Place is where its table stands: lines belong to documents of the same place.
func (h *History) Add(place string, r *rxvigil.Record) {
	if r.Gone {
		return
	}
	field := -1
	switch r.Kind() {
	case rxvigil.KindLot:
		h.lots = append(h.lots, r)
	case rxvigil.KindSaleLine:
		key := place + "\x00sale\x00" + r.Text(rxvigil.SaleLineSale)
		h.lines[key] = append(h.lines[key], r)
	case rxvigil.KindPrescriptionLine:
		key := place + "\x00prescription\x00" + r.Text(rxvigil.PrescriptionLinePrescription)
		h.lines[key] = append(h.lines[key], r)
	case rxvigil.KindSale:
		field = rxvigil.SaleAt
	case rxvigil.KindMovement:
		field = rxvigil.MovementAt
	case rxvigil.KindPrescription:
		field = rxvigil.PrescriptionWrittenAt
	case rxvigil.KindRecall:
		field = rxvigil.RecallAt
	case rxvigil.KindReading:
		field = rxvigil.ReadingAt
	case rxvigil.KindPatient, rxvigil.KindUser, rxvigil.KindCustom:
	default:
		h.standing = append(h.standing, r)
	}
	if field < 0 {
		return
	}
	at, err := time.Parse(time.RFC3339Nano, r.Text(field))
	if err != nil {
		h.Timeless++
		return
	}
	h.dated = append(h.dated, happened{at, place, r})
}

// linesOf are the lines of a document.
func (h *History) linesOf(d *happened) []*rxvigil.Record {
	switch d.record.Kind() {
	case rxvigil.KindSale:
		return h.lines[d.place+"\x00sale\x00"+d.record.ID]
	case rxvigil.KindPrescription:
		return h.lines[d.place+"\x00prescription\x00"+d.record.ID]
	}
	return nil
}

// shelf is where stock stands.
type shelf struct {
	tenant   rxvigil.Tenant
	branch   rxvigil.Branch
	medicine string
}

// stock is what each lot held, as far as it can be told.
type stock struct {
	now    map[lotKey]*lotStock
	shelfs map[shelf][]*lotStock // the first to expire first
}

type lotKey struct {
	tenant rxvigil.Tenant
	id     string
}

type lotStock struct {
	record *rxvigil.Record
	shelf  shelf
	held   rxvigil.Number
	there  bool // it has come
	last   *rxvigil.Record
}

// moves is what came and went at a time.
type move struct {
	at       time.Time
	lot      *lotStock
	quantity rxvigil.Number // signed
}

// stockBefore undoes what came and went since a time, and gives it.
func (h *History) stockBefore(start time.Time) (*stock, []move) {
	s := &stock{now: map[lotKey]*lotStock{}, shelfs: map[shelf][]*lotStock{}}
	for _, r := range h.lots {
		l := &lotStock{record: r, shelf: shelf{r.Tenant, r.Branch, r.Text(rxvigil.LotMedicine)}, held: r.Number(rxvigil.LotOnHand), there: true}
		s.now[lotKey{r.Tenant, r.ID}] = l
		s.shelfs[l.shelf] = append(s.shelfs[l.shelf], l)
	}
	for _, lots := range s.shelfs {
		slices.SortFunc(lots, func(a, b *lotStock) int {
			return cmp.Or(strings.Compare(expiry(a), expiry(b)), strings.Compare(a.record.ID, b.record.ID))
		})
	}
	moves := h.movesSince(s, start)
	first := map[*lotStock]move{}
	for _, m := range slices.Backward(moves) {
		m.lot.held = m.lot.held.Sub(m.quantity).Trim()
		first[m.lot] = m
	}
	for l, m := range first { // what begins by coming was not there before
		l.there = m.quantity.Sign() <= 0 || l.held.Sign() > 0
	}
	return s, moves
}

func expiry(l *lotStock) string {
	if e := l.record.Text(rxvigil.LotExpires); e != "" {
		return e
	}
	return "9999"
}

// movesSince lists what came and went since a time, in its order: by the ledger, or where the app keeps none by its sales.
func (h *History) movesSince(s *stock, start time.Time) []move {
	ledger := slices.ContainsFunc(h.dated, func(d happened) bool { return d.record.Kind() == rxvigil.KindMovement })
	var moves []move
	for i := range h.dated {
		d := &h.dated[i]
		if d.at.Before(start) {
			continue
		}
		switch r := d.record; {
		case r.Kind() == rxvigil.KindMovement:
			q := r.Number(rxvigil.MovementQuantity)
			if l := s.lot(r.Tenant, r.Branch, r.Text(rxvigil.MovementLot), r.Text(rxvigil.MovementMedicine), d.at); l != nil && q.Known() {
				moves = append(moves, move{d.at, l, q})
			}
		case r.Kind() == rxvigil.KindSale && !ledger && sold(r):
			for _, line := range h.linesOf(d) {
				q := line.Number(rxvigil.SaleLineQuantity)
				if l := s.lot(r.Tenant, r.Branch, line.Text(rxvigil.SaleLineLot), line.Text(rxvigil.SaleLineMedicine), d.at); l != nil && q.Known() {
					moves = append(moves, move{d.at, l, q.Neg()})
				}
			}
		}
	}
	slices.SortStableFunc(moves, func(a, b move) int { return a.at.Compare(b.at) })
	return moves
}

func sold(sale *rxvigil.Record) bool {
	switch sale.Text(rxvigil.SaleStatus) {
	case "completed", "partially_returned":
		return true
	}
	return sale.Value(rxvigil.SaleStatus).IsUnknown()
}

// lot is the lot that a row names, else the one on its shelf that would have been taken: the first to expire that had not.
func (s *stock) lot(t rxvigil.Tenant, b rxvigil.Branch, id, medicine string, at time.Time) *lotStock {
	if l := s.now[lotKey{t, id}]; l != nil && id != "" {
		return l
	}
	lots := s.shelfs[shelf{t, b, medicine}]
	day := at.Format(time.DateOnly)
	for _, l := range lots {
		if expiry(l) >= day {
			return l
		}
	}
	if len(lots) > 0 {
		return lots[0]
	}
	return nil
}

// image is the lot's record as it was.
func (l *lotStock) image() *rxvigil.Record {
	r := *l.record
	r.Values = slices.Clone(r.Values)
	if l.held.Known() {
		r.Values[rxvigil.LotOnHand] = rxvigil.NumberValue(l.held)
	}
	if reserved := r.Value(rxvigil.LotReserved); reserved.IsKnown() { // nobody knows how much of it was
		r.Values[rxvigil.LotReserved] = rxvigil.Null(rxvigil.TypeNumber)
	}
	return &r
}
