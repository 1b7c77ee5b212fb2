package rules

import (
	"errors"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// PrescriptionMissing are the parameters of rx_missing.
type PrescriptionMissing struct {
	// Settle is how long after a sale its prescription may still be recorded.
	Settle time.Duration
}

// Kind is rx_missing.
func (PrescriptionMissing) Kind() string { return "rx_missing" }

func (p PrescriptionMissing) validate() error {
	if p.Settle < 0 {
		return errors.New("settle is below zero")
	}
	return nil
}

// unproven is a sale of what needs a prescription, while none is known.
type unproven struct {
	Rule, Sale, Number    string
	Branch                rxvigil.Branch
	Patient, Prescription string
	Due                   time.Time
	Lines                 []unprovenLine
}

type unprovenLine struct {
	ID, Medicine, Link string
	Quantity           rxvigil.Number
}

func (u *unproven) key() string    { return formUnproven + "/" + u.Rule + "/" + u.Sale }
func (u *unproven) due() time.Time { return u.Due }

// watchPrescription begins, changes and ends the wait for a sale's prescription.
func watchPrescription(e *Engine, r *rule, s *saleChange) {
	u := &unproven{Rule: r.ID, Sale: s.id, Number: s.label(), Branch: s.branch.id, Patient: s.patient, Prescription: s.prescription}
	old, waits := s.tenant.matters[u.key()].(*unproven)
	if !waits && s.wasSold {
		return // it was told, or proven
	}
	if s.sold && s.linked {
		u.Lines = unprovenLines(s, u)
	}
	switch {
	case len(u.Lines) == 0 && waits:
		e.settleMatter(s.tenant, old)
	case len(u.Lines) > 0:
		if u.Due = e.clock.now.Add(r.Params.(PrescriptionMissing).Settle); waits {
			u.Due = old.Due
		}
		e.keep(s.tenant, u)
	}
}

func unprovenLines(s *saleChange, u *unproven) (lines []unprovenLine) {
	for _, l := range s.lines {
		m := l.shelf.medicine
		line := unprovenLine{ID: l.id, Medicine: m.id(), Link: l.link, Quantity: l.quantity}
		if m.flags != 0 && !s.tenant.proves(u, &line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// proves tells whether a prescription is known by which a line may be sold: of the same patient and medicine, and not cancelled.
// One that is out of date proves the sale, too: that is prescription_expired's to tell.
func (t *tenant) proves(u *unproven, l *unprovenLine) bool {
	if !t.prescribes {
		return l.Link != "" || u.Prescription != ""
	}
	p := t.prescribed[l.Link]
	if l.Link == "" {
		p = t.prescription(u.Prescription)
	}
	if p == nil || p.Gone || p.Status == "cancelled" || p.Patient != "" && u.Patient != "" && p.Patient != u.Patient {
		return false
	}
	return slices.ContainsFunc(p.Lines, func(o prescribed) bool { return o.Medicine == l.Medicine })
}

func (u *unproven) wake(e *Engine, t *tenant) {
	r := e.ruleOf(u.Rule)
	if r == nil {
		return
	}
	for i := range u.Lines {
		if l := &u.Lines[i]; !t.proves(u, l) {
			e.report(r, t, u.incident(t.named(l.Medicine), l))
		}
	}
}

func (u *unproven) incident(m *medicine, l *unprovenLine) incident {
	i := incident{
		branch: u.Branch, rung: "on_prescription", severity: rxvigil.High,
		subject: rxvigil.Subject{Type: subjectSale, ID: u.Sale + "/" + l.ID, Name: m.name(), Medicine: m.id()},
		values:  rxvigil.FactsOf(named("sale", rxvigil.TextOf(u.Number)), named("quantity", rxvigil.NumberValue(l.Quantity)), named("link", rxvigil.TextOf(l.Link))),
	}
	if m.is(controlled) {
		i.rung, i.severity = "controlled", rxvigil.Critical
	}
	return i
}
