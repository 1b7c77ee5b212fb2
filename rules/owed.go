package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// owed is stock that a sale makes move: out when it is sold, back when it is cancelled, free when what was reserved for it is not to
// be sold. What moves on the shelf is taken for it, the oldest first.
type owed struct {
	Rule, Sale, Number string
	Branch             rxvigil.Branch
	Medicine           string
	Way                way
	Quantity, Moved    rxvigil.Number
	Due                time.Time
}

// way is how stock moves.
type way string

const (
	wayOut  way = "out"
	wayBack way = "back"
	wayFree way = "free"
)

func (o *owed) key() string {
	return formOwed + "/" + o.Rule + "/" + string(o.Way) + "/" + o.Sale + "/" + o.Medicine
}

func (o *owed) due() time.Time { return o.Due }

func (o *owed) rest() rxvigil.Number { return o.Quantity.Sub(o.Moved) }

// among and without give the list with and without the one of the same key.
func (o *owed) among(list []*owed) []*owed {
	list = append(o.without(list), o)
	slices.SortFunc(list, func(a, b *owed) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.key(), b.key())) })
	return list
}

func (o *owed) without(list []*owed) []*owed {
	return slices.DeleteFunc(slices.Clone(list), func(other *owed) bool { return other.key() == o.key() })
}

// moved is how much stock moved in a transaction, by way; never below zero.
func (w way) moved(before, after *rxvigil.Stock) rxvigil.Number {
	if before == nil {
		before = &rxvigil.Stock{}
	}
	if after == nil {
		after = &rxvigil.Stock{}
	}
	switch w {
	case wayOut:
		return atLeastZero(before.OnHand.Sub(after.OnHand))
	case wayBack:
		return atLeastZero(after.OnHand.Sub(before.OnHand))
	}
	return atLeastZero(after.Available.Sub(before.Available))
}

// owe notes what a sale makes move, before what moved in the same transaction is taken for it.
func (e *Engine) owe(t *tenant, s *shelf, o *owed) {
	if !o.Quantity.Known() || o.Quantity.Sign() <= 0 || len(s.lots) == 0 {
		return
	}
	s.rarely(func(r *rare) { r.owed = o.among(r.owed) })
	e.debtors = append(e.debtors, s)
}

// payOwed takes what moved in the transaction for what is owed on the shelves that it touched.
func (e *Engine) payOwed() {
	for i := range e.touched {
		if s := e.touched[i].shelf; len(s.owed()) > 0 {
			e.debtors = append(e.debtors, s)
		}
	}
	for i, s := range e.debtors {
		if !slices.Contains(e.debtors[:i], s) {
			e.payShelf(s)
		}
	}
	clear(e.debtors)
	e.debtors = e.debtors[:0]
}

func (e *Engine) payShelf(s *shelf) {
	before, after := e.stockAround(s)
	t := s.medicine.tenant
	left := map[way]rxvigil.Number{}
	for _, w := range []way{wayOut, wayBack, wayFree} {
		left[w] = w.moved(before, after)
	}
	for _, o := range slices.Clone(s.owed()) {
		_, kept := t.matters[o.key()]
		paid := least(left[o.Way], o.rest())
		left[o.Way] = left[o.Way].Sub(paid)
		switch {
		case !paid.Known(): // nobody knows what moved: nothing can be said of it later
			paid = o.rest()
		case paid.Sign() == 0 && kept:
			continue
		}
		next := *o
		next.Moved = o.Moved.Add(paid)
		s.rarely(func(r *rare) { r.owed = o.without(r.owed) })
		if next.rest().Sign() > 0 {
			e.keep(t, &next)
		} else {
			e.settleMatter(t, o)
		}
	}
}

func least(a, b rxvigil.Number) rxvigil.Number {
	if a.Known() && a.Cmp(b) > 0 {
		return b
	}
	return a
}

func (o *owed) wake(e *Engine, t *tenant) {
	r := e.ruleOf(o.Rule)
	if r == nil {
		return
	}
	m := t.named(o.Medicine)
	e.report(r, t, incident{
		branch: o.Branch, rung: string(o.Way), severity: rxvigil.High,
		subject: rxvigil.Subject{Type: subjectSale, ID: o.Sale + "/" + m.id(), Name: m.name(), Medicine: m.id()},
		values: rxvigil.FactsOf(
			named("sale", rxvigil.TextOf(o.Number)), named("quantity", rxvigil.NumberValue(o.Quantity)), named("moved", rxvigil.NumberValue(o.Moved)),
			named("missing", rxvigil.NumberValue(o.rest())),
		),
	})
}
