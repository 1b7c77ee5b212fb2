package rules

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// DuplicateTherapy are the parameters of duplicate_therapy.
type DuplicateTherapy struct {
	// Overlap is by how many days the supply of two prescriptions may overlap.
	Overlap int
	// Within is how soon after another a prescription of the same things is the same one, written twice.
	Within time.Duration
}

// Kind is duplicate_therapy.
func (DuplicateTherapy) Kind() string { return "duplicate_therapy" }

func (p DuplicateTherapy) validate() error {
	if p.Overlap < 0 || p.Within < 0 {
		return errors.New("overlap and within are numbers from 0")
	}
	return nil
}

// reportDuplicate finds a new prescription of what the same patient has already.
func reportDuplicate(e *Engine, r *rule, c *prescriptionChange) {
	if c.was != nil || !c.now.open() || c.now.Patient == "" {
		return
	}
	params := r.Params.(DuplicateTherapy)
	for _, other := range c.tenant.othersOf(c.now) {
		rung, m := params.duplicates(c.now, other)
		if rung == "" {
			continue
		}
		e.report(r, c.tenant, incident{
			branch: c.now.Branch, rung: rung, severity: rxvigil.High, subject: c.now.subject(),
			values: rxvigil.FactsOf(
				named("medicine", rxvigil.TextOf(c.tenant.named(m).name())), named("other", rxvigil.TextOf(other.label())), named("patient", rxvigil.TextOf(c.now.Patient)),
			),
		})
		return
	}
}

// othersOf are the patient's other prescriptions, by id.
func (t *tenant) othersOf(p *prescription) []*prescription {
	others := slices.DeleteFunc(slices.Clone(t.patients[p.Patient]), func(o *prescription) bool {
		return o.ID == p.ID || o.Gone || o.Status == "cancelled"
	})
	slices.SortFunc(others, func(a, b *prescription) int { return cmp.Compare(a.ID, b.ID) })
	return others
}

// duplicates gives in what way a prescription is there twice, and the medicine; empty when it is not.
func (p DuplicateTherapy) duplicates(now, other *prescription) (rung, medicine string) {
	if apart := now.began().Sub(other.began()).Abs(); apart < p.Within && len(now.Lines) > 0 && slices.Equal(now.items(), other.items()) {
		return "identical", now.Lines[0].Medicine
	}
	for i := range now.Lines {
		for j := range other.Lines {
			if now.Lines[i].Medicine == other.Lines[j].Medicine && p.overlaps(now, other, &other.Lines[j]) {
				return "overlap", now.Lines[i].Medicine
			}
		}
	}
	return "", ""
}

// overlaps tells whether the supply of another prescription's line lasts past the start of a new one. Of a line without days of
// supply it is enough that the other is still open.
func (p DuplicateTherapy) overlaps(now, other *prescription, l *prescribed) bool {
	if !l.DaysSupply.Known() {
		return other.open()
	}
	end := other.began().AddDate(0, 0, int(l.DaysSupply.Int64())-p.Overlap)
	return end.After(now.began())
}

// items are the medicines and quantities of a prescription, in one order.
func (p *prescription) items() []string {
	var all []string
	for _, l := range p.Lines {
		all = append(all, l.Medicine+" "+l.Quantity.Trim().String())
	}
	slices.Sort(all)
	return all
}
