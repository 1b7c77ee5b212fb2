package rules

import (
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// prescription is one that is open, or was finished a short time ago: a sale may still be proven by it.
type prescription struct {
	ID       string
	Branch   rxvigil.Branch
	Number   string
	Patient  string
	Status   string
	Written  time.Time // by the app; zero: nobody knows
	Since    time.Time // when we first saw it in this status
	Until    rxvigil.Day
	Limited  bool // Until is known
	Gone     bool
	Finished time.Time // when it was seen to be over; zero: it is not
	Look     time.Time // when its age is to be judged again; zero: never
	Lines    []prescribed
}

// prescribed is one medicine of a prescription.
type prescribed struct {
	ID, Medicine        string
	Quantity, Dispensed rxvigil.Number
	Refills, DaysSupply rxvigil.Number
	Substitution        bool      `json:",omitempty"` // another medicine may be given instead
	Filled, Before      time.Time // when we saw it dispensed, the last time and the time before
	Fills               int       `json:",omitempty"` // how often
	First               time.Time `json:",omitzero"`  // when the first time was
	Covered             int       `json:",omitempty"` // days that all of them last
}

// finishedFor is how long a finished prescription is remembered.
const finishedFor = 24 * time.Hour

func (p *prescription) key() string { return formPrescription + "/" + p.ID }

// due is when its age matters next, or when it may be forgotten.
func (p *prescription) due() time.Time {
	forget := time.Time{}
	if !p.Finished.IsZero() {
		forget = p.Finished.Add(max(finishedFor, p.supply()))
	}
	if p.Look.IsZero() || !forget.IsZero() && forget.Before(p.Look) {
		return forget
	}
	return p.Look
}

// supply is how long what was prescribed lasts, and a refill of it may be late; 0 where nobody says.
func (p *prescription) supply() time.Duration {
	var longest rxvigil.Number
	for i := range p.Lines {
		if days := p.Lines[i].DaysSupply; days.Known() && days.Cmp(longest) > 0 {
			longest = days
		}
	}
	if longest.Sign() == 0 {
		return 0
	}
	return time.Duration(min(longest.Int64(), longestSupply)+lateRefill) * 24 * time.Hour
}

// longestSupply bounds the days that a prescription is remembered for.
const (
	longestSupply = 400
	lateRefill    = 14
)

func (p *prescription) wake(e *Engine, t *tenant) {
	if p.Look.Equal(p.due()) {
		e.judgeAge(t, p)
		return
	}
	for i := range e.rules {
		if e.rules[i].kind.standing {
			e.endStanding(&e.rules[i], t, p.Branch, p.subject())
		}
	}
}

// open tells whether anything is still to be dispensed.
func (p *prescription) open() bool {
	switch p.Status {
	case "dispensed", "cancelled", "expired":
		return false
	}
	return !p.Gone
}

// began is since when it waits: as the app says, else as we saw it.
func (p *prescription) began() time.Time {
	if p.Written.IsZero() || p.Written.After(p.Since) {
		return p.Since
	}
	return p.Written
}

// newPrescription reads one from its record, with the lines that are known.
func newPrescription(r *rxvigil.Record, lines []*rxvigil.Record) *prescription {
	p := &prescription{
		ID: cloned(r.ID), Branch: rxvigil.Branch(cloned(string(r.Branch))), Number: cloned(r.Text(rxvigil.PrescriptionNumber)),
		Patient: cloned(r.Text(rxvigil.PrescriptionPatient)), Status: cloned(r.Text(rxvigil.PrescriptionStatus)), Gone: r.Gone,
	}
	p.Written, _ = r.Value(rxvigil.PrescriptionWrittenAt).Instant()
	p.Until, p.Limited = r.Value(rxvigil.PrescriptionValidUntil).Day()
	for _, l := range lines {
		if !l.Gone {
			p.Lines = append(p.Lines, newPrescribed(l))
		}
	}
	return p
}

func newPrescribed(r *rxvigil.Record) prescribed {
	return prescribed{
		ID: cloned(r.ID), Medicine: cloned(r.Text(rxvigil.PrescriptionLineMedicine)),
		Quantity: r.Number(rxvigil.PrescriptionLineQuantity), Dispensed: r.Number(rxvigil.PrescriptionLineDispensed),
		Refills: r.Number(rxvigil.PrescriptionLineRefills), DaysSupply: r.Number(rxvigil.PrescriptionLineDaysSupply),
		Substitution: r.Text(rxvigil.PrescriptionLineSubstitution) == "true",
	}
}

// most is what may be dispensed of a line with all its refills.
func (l *prescribed) most() rxvigil.Number {
	if !l.Refills.Known() {
		return l.Quantity
	}
	return l.Quantity.Mul(l.Refills.Add(rxvigil.NumberOf(1)))
}

// line is a line by its id, or nil.
func (p *prescription) line(id string) *prescribed {
	if i := slices.IndexFunc(p.Lines, func(l prescribed) bool { return l.ID == id }); i >= 0 {
		return &p.Lines[i]
	}
	return nil
}

// label is what people call it by.
func (p *prescription) label() string {
	if p.Number != "" {
		return p.Number
	}
	return p.ID
}

func (t *tenant) prescription(id string) *prescription {
	p, _ := t.matters[formPrescription+"/"+id].(*prescription)
	return p
}

// index makes a prescription findable by its lines and its patient.
func (t *tenant) index(p *prescription) {
	if t.prescribed == nil {
		t.prescribed, t.patients = map[string]*prescription{}, map[string][]*prescription{}
	}
	for i := range p.Lines {
		t.prescribed[p.Lines[i].ID] = p
	}
	if p.Patient != "" {
		t.patients[p.Patient] = append(t.patients[p.Patient], p)
	}
}

func (t *tenant) unindex(p *prescription) {
	for i := range p.Lines {
		if t.prescribed[p.Lines[i].ID] == p {
			delete(t.prescribed, p.Lines[i].ID)
		}
	}
	rest := slices.DeleteFunc(t.patients[p.Patient], func(o *prescription) bool { return o == p })
	if t.patients[p.Patient] = rest; len(rest) == 0 {
		delete(t.patients, p.Patient)
	}
}
