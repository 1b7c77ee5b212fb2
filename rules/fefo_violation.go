package rules

import (
	"errors"

	"github.com/rxvigil/rxvigil"
)

// FEFOViolation are the parameters of fefo_violation.
type FEFOViolation struct {
	// Days are how much earlier another lot must expire.
	Days int
}

// Kind is fefo_violation.
func (FEFOViolation) Kind() string { return "fefo_violation" }

func (p FEFOViolation) validate() error {
	if p.Days < 0 {
		return errors.New("days is below zero")
	}
	return nil
}

// reportFEFO finds sales from a lot while one that expires first could have been sold.
func reportFEFO(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold {
		return
	}
	for i := range s.lines {
		l := &s.lines[i]
		first := firstToExpire(l, s.day)
		if first == nil || l.lot.flags&lotDated == 0 || l.lot.expires <= first.expires+rxvigil.Day(r.Params.(FEFOViolation).Days) {
			continue
		}
		values := s.facts(l)
		values.Set("expires", rxvigil.ValueOf(rxvigil.TypeDay, l.lot.expires.String()))
		values.Set("first", rxvigil.TextOf(first.name()))
		values.Set("first_expires", rxvigil.ValueOf(rxvigil.TypeDay, first.expires.String()))
		values.Set("first_quantity", rxvigil.NumberValue(first.onHand))
		e.report(r, s.tenant, incident{branch: s.branch.id, subject: s.subject(l), rung: "later_first", severity: rxvigil.Warning, values: values})
	}
}

// firstToExpire is the lot that should have been sold from, after what the transaction took; nil when the line names no lot.
func firstToExpire(l *soldLine, day rxvigil.Day) *lot {
	if l.lot == nil {
		return nil
	}
	var first *lot
	reserves := l.shelf.reserves()
	for _, o := range l.shelf.lots {
		available := o.onHand.Sub(o.reservedOn(reserves))
		if o == l.lot || !o.usable(day) || o.flags&lotDated == 0 || !available.Known() || available.Sign() <= 0 {
			continue
		}
		if first == nil || compareExpiry(o, first) < 0 {
			first = o
		}
	}
	return first
}
