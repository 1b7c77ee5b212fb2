package rules

import (
	"strings"

	"github.com/rxvigil/rxvigil"
)

// prescription keeps what is open of a prescription. In a picture of tables its lines come on their own.
func (f *folding) prescription(c *rxvigil.Change) {
	t := f.book.tenant(c.Record().Tenant)
	if !f.boot {
		f.rewrite(t, c)
		return
	}
	t.prescribes = true
	p := newPrescription(c.Record(), c.Lines)
	if old := t.prescription(p.ID); old != nil {
		t.remove(old)
	}
	if c.After != nil && p.open() {
		t.place(p)
	}
}

// prescriptionLine adds a line to its prescription in a picture.
func (f *folding) prescriptionLine(c *rxvigil.Change) {
	t := f.book.tenant(c.Record().Tenant)
	if c.Document == nil || c.After == nil || c.After.Gone {
		return
	}
	if p := t.prescription(c.Document.ID); p != nil {
		p.Lines = append(p.Lines, newPrescribed(c.After))
		t.prescribed[p.Lines[len(p.Lines)-1].ID] = p
	}
}

func cloned(s string) string { return strings.Clone(s) }
