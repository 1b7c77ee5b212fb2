package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/rxvigil/rxvigil"
)

// TestNothingOfAFoldedRecordIsKept: who reads a picture uses the memory of its records again.
func TestNothingOfAFoldedRecordIsKept(t *testing.T) {
	t.Parallel()
	e, err := NewEngine(Config{Pack: DefaultPack()})
	if err != nil {
		t.Fatal(err)
	}
	var memory [][]byte
	lent := func(s string) string {
		b := []byte(s)
		memory = append(memory, b)
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	changes := []rxvigil.Change{
		{After: record(rxvigil.KindTenant, "t", "", "name=Life line", "subdomain=life", "zone=Africa/Addis_Ababa")},
		{After: record(rxvigil.KindBranch, "b", "b", "name=Bole", "code=BOL", "zone=Africa/Nairobi")},
		{After: record(rxvigil.KindMedicine, "m", "", "name=Amoxicillin", "category=Antibiotics", "reorder_level=10", "price=2.50")},
		{After: record(rxvigil.KindLot, "l", "b", "medicine=m", "number=LOT-1", "on_hand=5", "reserved=1", "cost=1.25", "expires=2028-01-01")},
		{After: record(rxvigil.KindLot, "l2", "b", "medicine=m2", "number=LOT-2", "on_hand=5")},
		{After: record(rxvigil.KindLevel, "v", "b", "medicine=m", "reorder_level=20")},
		{After: record(rxvigil.KindRecall, "r", "", "number=LOT-1", "medicine=m", "reason=impure")},
	}
	for i := range changes {
		r := changes[i].After
		r.ID, r.Tenant, r.Branch = lent(r.ID), rxvigil.Tenant(lent(string(r.Tenant))), rxvigil.Branch(lent(string(r.Branch)))
		for j, v := range r.Values {
			if v.IsKnown() {
				r.Values[j] = rxvigil.ValueOf(v.Type(), lent(v.Text()))
			}
		}
	}
	e.FoldAll(changes)
	before := said(e.book)
	for _, b := range memory {
		for i := range b {
			b[i] = '#'
		}
	}
	if after := said(e.book); after != before || !strings.Contains(after, "Amoxicillin") || strings.Contains(after, "#") {
		t.Errorf("the book said\n%s\nand says\n%s", before, after)
	}
}

// said is every text in a book.
func said(b *book) string {
	var all []string
	add := func(what ...any) { all = append(all, fmt.Sprint(what...)) }
	for k, t := range b.tenants {
		add("tenant ", k, t.id, t.name, t.subdomain, t.zone)
		for k, br := range t.branches {
			add("branch ", k, br.id, br.name, br.code, br.zone)
		}
		for k, r := range t.recalls {
			add("recall ", k, r)
		}
		for m := range t.medicines.all() {
			add("medicine ", t.medicines.get(m.id()) == m, m.id(), m.name(), m.category(), m.reorder(), m.price())
			for _, s := range m.shelves {
				add("shelf ", s.medicine.id(), s.branch.id, s.reorder())
				for _, l := range s.lots {
					add("lot ", l.text, l.id(), l.onHand, t.lot(l.id()) == l)
				}
			}
		}
	}
	for k, w := range b.words {
		add("word ", k, w)
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}
