package rules

import "github.com/rxvigil/rxvigil"

// PrescriptionExpired are the parameters of prescription_expired: it has none.
type PrescriptionExpired struct{}

// Kind is prescription_expired.
func (PrescriptionExpired) Kind() string { return "prescription_expired" }

func (PrescriptionExpired) validate() error { return nil }

// reportExhausted finds what is dispensed more often than a prescription may be filled: once, and once for each refill.
func reportExhausted(e *Engine, r *rule, c *prescriptionChange) {
	for i := range c.now.Lines {
		l := &c.now.Lines[i]
		more := l.Dispensed.Sub(c.dispensedBefore(l.ID))
		most := l.Refills.Add(rxvigil.NumberOf(1))
		if c.was == nil || !more.Known() || more.Sign() <= 0 || !most.Known() || rxvigil.NumberOf(int64(l.Fills)).Cmp(most) <= 0 {
			continue
		}
		subject := c.now.subject()
		subject.ID += "/" + l.ID
		e.report(r, c.tenant, incident{
			branch: c.now.Branch, rung: "exhausted", severity: rxvigil.High, subject: subject,
			values: rxvigil.FactsOf(
				named("medicine", rxvigil.TextOf(c.tenant.named(l.Medicine).name())), named("fills", rxvigil.NumberValue(rxvigil.NumberOf(int64(l.Fills)))),
				named("most", rxvigil.NumberValue(most)),
			),
		})
	}
}

// reportOutdated finds what is dispensed on a prescription after the last day on which it is valid, or too often.
func reportOutdated(e *Engine, r *rule, c *prescriptionChange) {
	reportExhausted(e, r, c)
	p := c.now
	today := e.todayOf(c.tenant, p.Branch)
	if !p.Limited || today <= p.Until || !c.dispenses() {
		return
	}
	values := rxvigil.FactsOf(named("valid_until", rxvigil.ValueOf(rxvigil.TypeDay, p.Until.String())), named("days_late", rxvigil.Null(rxvigil.TypeNumber)))
	if p.Until.Finite() {
		values.Set("days_late", rxvigil.NumberValue(rxvigil.NumberOf(int64(p.Until.Until(today)))))
	}
	e.report(r, c.tenant, incident{branch: p.Branch, rung: "expired", severity: rxvigil.High, subject: p.subject(), values: values})
}
