package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// PrescriptionLine is a prescription of which something is still to be dispensed.
type PrescriptionLine struct {
	ID, Number string
	Branch     BranchInfo
	Status     string
	Patient    string        // an id
	Since      time.Time     // when its wait began
	Until      rxvigil.Value // its last valid day; null when nobody says
	Medicines  []PrescribedLine
}

// PrescribedLine is one medicine of a prescription.
type PrescribedLine struct {
	Medicine            MedicineInfo
	Quantity, Dispensed rxvigil.Number
}

// Prescriptions lists a tenant's prescriptions that wait in a branch, or in all for an empty one: who waits longest comes first.
func (e *Engine) Prescriptions(id rxvigil.Tenant, b rxvigil.Branch) []PrescriptionLine {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil {
		return nil
	}
	var all []PrescriptionLine
	for _, m := range t.matters {
		if p, ok := m.(*prescription); ok && p.open() && p.Status != "" && (b == "" || p.Branch == b) {
			all = append(all, p.waiting(t))
		}
	}
	slices.SortFunc(all, func(x, y PrescriptionLine) int { return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.ID, y.ID)) })
	return all
}

func (p *prescription) waiting(t *tenant) PrescriptionLine {
	line := PrescriptionLine{
		ID: p.ID, Number: cmp.Or(p.Number, p.ID), Status: p.Status, Patient: p.Patient, Since: PrescriptionPending{}.since(p), Until: rxvigil.Null(rxvigil.TypeDay),
		Branch: BranchInfo{ID: p.Branch, Name: string(p.Branch)},
	}
	if b := t.branches[p.Branch]; b != nil {
		line.Branch = b.info()
	}
	if p.Limited {
		line.Until = rxvigil.ValueOf(rxvigil.TypeDay, p.Until.String())
	}
	for i := range p.Lines {
		l := &p.Lines[i]
		medicine := MedicineInfo{ID: l.Medicine, Name: l.Medicine}
		if m := t.medicines.get(l.Medicine); m != nil {
			medicine = m.info()
		}
		line.Medicines = append(line.Medicines, PrescribedLine{Medicine: medicine, Quantity: l.Quantity, Dispensed: l.Dispensed})
	}
	return line
}
