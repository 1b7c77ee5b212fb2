package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// prescriptionChange is what the transaction at hand did to a prescription.
type prescriptionChange struct {
	tenant *tenant
	was    *prescription // nil: it was not there, or was never seen
	now    *prescription
}

// rewrite keeps a prescription as a transaction left it.
func (e *Engine) rewrite(t *tenant, c *rxvigil.Change) {
	lines := c.Was
	if lines == nil {
		lines = c.Lines
	}
	ch := prescriptionChange{tenant: t}
	if c.Before != nil && !c.Before.Gone {
		ch.was = newPrescription(c.Before, lines)
	}
	ch.now = newPrescription(c.Record(), c.Lines)
	ch.now.Gone = ch.now.Gone || c.After == nil
	ch.now.Since = e.clock.now
	old := t.prescription(ch.now.ID)
	if old != nil {
		t.remove(old)
		if old.Status == ch.now.Status {
			ch.now.Since, ch.now.Finished = old.Since, old.Finished
		}
	}
	if !ch.now.open() && ch.now.Finished.IsZero() {
		ch.now.Finished = e.clock.now
	}
	ch.fill(old, e.clock.now)
	t.place(ch.now)
	if !t.prescribes {
		t.prescribes = true
		e.out.Usage = append(e.out.Usage, t.usage())
	}
	e.prescriptions = append(e.prescriptions, ch)
}

// fill notes when each line was dispensed.
func (c *prescriptionChange) fill(old *prescription, now time.Time) {
	for i := range c.now.Lines {
		l := &c.now.Lines[i]
		var before *prescribed
		if old != nil {
			before = old.line(l.ID)
		}
		if before != nil {
			l.Filled, l.Before, l.Fills, l.First, l.Covered = before.Filled, before.Before, before.Fills, before.First, before.Covered
		}
		dispensed := rxvigil.Number{}
		if c.was != nil {
			dispensed = c.dispensedBefore(l.ID)
		}
		if more := l.Dispensed.Sub(dispensed); more.Known() && more.Sign() > 0 {
			l.Filled, l.Before = now, l.Filled
			l.Fills++
			if l.First.IsZero() {
				l.First = now
			}
			if l.DaysSupply.Known() {
				l.Covered += int(min(l.DaysSupply.Int64(), longestSupply))
			}
		}
	}
}

// dispensedBefore is how much of a line was dispensed before the transaction.
func (c *prescriptionChange) dispensedBefore(line string) rxvigil.Number {
	if c.was == nil {
		return rxvigil.UnknownNumber
	}
	if l := c.was.line(line); l != nil {
		return l.Dispensed
	}
	return rxvigil.Number{}
}

// dispenses tells whether anything was dispensed in the transaction.
func (c *prescriptionChange) dispenses() bool {
	if c.was == nil {
		return false
	}
	if c.now.Status == "dispensed" && c.was.Status != "dispensed" {
		return true
	}
	for i := range c.now.Lines {
		l := &c.now.Lines[i]
		if more := l.Dispensed.Sub(c.dispensedBefore(l.ID)); more.Known() && more.Sign() > 0 {
			return true
		}
	}
	return false
}

func (p *prescription) subject() rxvigil.Subject {
	return rxvigil.Subject{Type: subjectPrescription, ID: p.ID, Name: p.label()}
}

// judgePrescriptions asks every rule about the prescriptions that the transaction changed.
func (e *Engine) judgePrescriptions() {
	for i := range e.prescriptions {
		c := &e.prescriptions[i]
		for j := range e.rules {
			if ask := e.rules[j].kind.prescription; ask != nil {
				ask(e, &e.rules[j], c)
			}
		}
		e.judgeAge(c.tenant, c.now)
	}
	clear(e.prescriptions)
	e.prescriptions = e.prescriptions[:0]
}

// today is the day where the prescription is.
func (e *Engine) todayOf(t *tenant, b rxvigil.Branch) rxvigil.Day {
	return e.days.of(e.clock.now, e.zoneOf(t, t.branches[b]))
}
