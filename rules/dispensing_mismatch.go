package rules

import (
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// DispensingMismatch are the parameters of dispensing_mismatch.
type DispensingMismatch struct {
	// Settle is how long after a sale its stock may still leave, and how long after a prescription is dispensed its sale may still
	// be recorded.
	Settle time.Duration
}

// Kind is dispensing_mismatch.
func (DispensingMismatch) Kind() string { return "dispensing_mismatch" }

func (p DispensingMismatch) validate() error {
	if p.Settle < 0 {
		return errors.New("settle is below zero")
	}
	return nil
}

// watchSold waits for the stock of a sale to leave. A sale that was opened in an earlier transaction has perhaps taken its stock
// then: of that nobody can tell.
func watchSold(e *Engine, r *rule, s *saleChange) {
	reportWrong(e, r, s)
	if !s.sold || !s.created {
		return
	}
	for _, l := range s.byShelf() {
		e.owe(s.tenant, l.shelf, &owed{
			Rule: r.ID, Sale: s.id, Number: s.label(), Branch: l.shelf.branch.id, Medicine: l.shelf.medicine.id(), Way: wayOut, Quantity: l.quantity,
			Due: e.clock.now.Add(r.Params.(DispensingMismatch).Settle),
		})
	}
}

// reportWrong finds what is sold by the line of a prescription that is of another medicine.
func reportWrong(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold {
		return
	}
	for i := range s.lines {
		l := &s.lines[i]
		p := s.tenant.prescribed[l.link]
		if l.link == "" || p == nil {
			continue
		}
		if want := p.line(l.link); want != nil && want.Medicine != l.shelf.medicine.id() && !want.Substitution {
			values := s.facts(l)
			values.Set("prescribed", rxvigil.TextOf(s.tenant.named(want.Medicine).name()))
			values.Set("prescription", rxvigil.TextOf(p.label()))
			e.report(r, s.tenant, incident{branch: s.branch.id, subject: s.subject(l), rung: "wrong", severity: rxvigil.High, values: values})
		}
	}
}

// handed is what was dispensed on a prescription, until its sale is seen.
type handed struct {
	Rule, Prescription, Number, Line string
	Branch                           rxvigil.Branch
	Medicine                         string
	Quantity                         rxvigil.Number
	Day                              rxvigil.Day
	Due                              time.Time
}

func (h *handed) key() string    { return formHanded + "/" + h.Rule + "/" + h.Prescription + "/" + h.Line }
func (h *handed) due() time.Time { return h.Due }

// watchHanded waits for the sale of what is dispensed on a prescription, and tells at once when more is dispensed than prescribed.
func watchHanded(e *Engine, r *rule, c *prescriptionChange) {
	for i := range c.now.Lines {
		l := &c.now.Lines[i]
		more := l.Dispensed.Sub(c.dispensedBefore(l.ID))
		if c.was == nil || !more.Known() || more.Sign() <= 0 {
			continue
		}
		if most := l.most(); most.Known() && l.Dispensed.Cmp(most) > 0 {
			e.report(r, c.tenant, overDispensed(c, l, most))
		}
		if c.tenant.sells {
			s := c.tenant.shelf(l.Medicine, c.now.Branch)
			e.keep(c.tenant, &handed{
				Rule: r.ID, Prescription: c.now.ID, Number: c.now.label(), Line: l.ID, Branch: c.now.Branch, Medicine: l.Medicine,
				Quantity: more, Day: e.dayOf(s), Due: e.clock.now.Add(r.Params.(DispensingMismatch).Settle),
			})
		}
	}
}

func overDispensed(c *prescriptionChange, l *prescribed, most rxvigil.Number) incident {
	return incident{
		branch: c.now.Branch, rung: "over", severity: rxvigil.High, subject: c.now.subject(),
		values: rxvigil.FactsOf(
			named("medicine", rxvigil.TextOf(c.tenant.named(l.Medicine).name())), named("quantity", rxvigil.NumberValue(l.Dispensed)),
			named("prescribed", rxvigil.NumberValue(most)), named("missing", rxvigil.NumberValue(l.Dispensed.Sub(most))),
		),
	}
}

// wake tells unless at least as much of the medicine was sold on that day: a sale does not always say by which prescription it is.
func (h *handed) wake(e *Engine, t *tenant) {
	r, s := e.ruleOf(h.Rule), t.shelf(h.Medicine, h.Branch)
	var sold rxvigil.Number
	if s.demand != nil {
		sold = s.demand.on(h.Day)
	}
	if r == nil || !sold.Known() || sold.Cmp(h.Quantity) >= 0 {
		return
	}
	e.report(r, t, incident{
		branch: h.Branch, rung: "unsold", severity: rxvigil.High,
		subject: rxvigil.Subject{Type: subjectPrescription, ID: h.Prescription, Name: h.Number},
		values: rxvigil.FactsOf(
			named("medicine", rxvigil.TextOf(s.medicine.name())), named("quantity", rxvigil.NumberValue(h.Quantity)), named("moved", rxvigil.NumberValue(sold)),
			named("missing", rxvigil.NumberValue(h.Quantity.Sub(sold))),
		),
	})
}
