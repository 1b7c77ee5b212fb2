package rules

import "github.com/rxvigil/rxvigil"

// PrescriptionExpired are the parameters of prescription_expired: it has none.
type PrescriptionExpired struct{}

// Kind is prescription_expired.
func (PrescriptionExpired) Kind() string { return "prescription_expired" }

func (PrescriptionExpired) validate() error { return nil }

// reportOutdated finds what is dispensed on a prescription after the last day on which it is valid.
func reportOutdated(e *Engine, r *rule, c *prescriptionChange) {
	p := c.now
	today := e.todayOf(c.tenant, p.Branch)
	if !p.Limited || today <= p.Until || !c.dispenses() {
		return
	}
	values := rxvigil.Facts{"valid_until": rxvigil.ValueOf(rxvigil.TypeDay, p.Until.String()), "days_late": rxvigil.Null(rxvigil.TypeNumber)}
	if p.Until.Finite() {
		values["days_late"] = rxvigil.NumberValue(rxvigil.NumberOf(int64(p.Until.Until(today))))
	}
	e.report(r, c.tenant, incident{branch: p.Branch, rung: "expired", severity: rxvigil.High, subject: p.subject(), values: values})
}
