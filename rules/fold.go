package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// folding is one pass of changes into the book. Touch is told of each shelf before anything on it changes.
type folding struct {
	book    *book
	touch   func(s *shelf, row uint32)
	moved   func(s *shelf) // its ledger changed
	oddZone func(name string)
}

// all folds the changes of one transaction, whatever their order: lots first, as a change of a medicine touches all its
// shelves; movements last, as one that names a lot alone needs the lot.
func (f *folding) all(changes []rxvigil.Change) {
	for stage := range 3 {
		for i := range changes {
			if stageOf(changes[i].Record().Kind()) == stage {
				f.one(&changes[i])
			}
		}
	}
}

func stageOf(k rxvigil.Kind) int {
	switch k {
	case rxvigil.KindLot:
		return 0
	case rxvigil.KindMovement:
		return 2
	}
	return 1
}

func (f *folding) one(c *rxvigil.Change) {
	switch c.Record().Kind() {
	case rxvigil.KindTenant:
		f.tenant(c)
	case rxvigil.KindBranch:
		f.branch(c)
	case rxvigil.KindMedicine:
		f.medicine(c)
	case rxvigil.KindLot:
		f.lot(c)
	case rxvigil.KindMovement:
		f.movement(c)
	default:
		f.book.tenant(c.Record().Tenant)
	}
}

func (f *folding) tenant(c *rxvigil.Change) {
	r := c.Record()
	id := r.Tenant
	if id == "" {
		id = rxvigil.Tenant(r.ID)
	}
	t := f.book.tenant(id)
	f.setRecorded(t, c.After != nil && !c.After.Gone)
	t.name, t.subdomain = strings.Clone(r.Text(rxvigil.TenantName)), strings.Clone(r.Text(rxvigil.TenantSubdomain))
	zone := f.zone(r.Text(rxvigil.TenantZone))
	if sameZone(zone, t.zone) {
		return
	}
	t.eachShelf(func(s *shelf) { f.touch(s, c.Row) })
	t.zone = zone
}

func (f *folding) setRecorded(t *tenant, recorded bool) {
	if recorded && !t.recorded {
		f.book.named++
	}
	if !recorded && t.recorded {
		f.book.named--
	}
	t.recorded = recorded
}

func (f *folding) branch(c *rxvigil.Change) {
	r := c.Record()
	id := r.Branch
	if id == "" {
		id = rxvigil.Branch(r.ID)
	}
	t := f.book.tenant(r.Tenant)
	b := t.branch(id)
	b.recorded = c.After != nil && !c.After.Gone
	b.name, b.code = strings.Clone(r.Text(rxvigil.BranchName)), strings.Clone(r.Text(rxvigil.BranchCode))
	zone := f.zone(r.Text(rxvigil.BranchZone))
	if sameZone(zone, b.zone) {
		return
	}
	t.eachShelf(func(s *shelf) {
		if s.branch == b {
			f.touch(s, c.Row)
		}
	})
	b.zone = zone
}

func sameZone(a, b *time.Location) bool {
	return a == b || a != nil && b != nil && a.String() == b.String()
}

func (f *folding) zone(name string) *time.Location {
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		f.oddZone(name)
		return nil
	}
	return zone
}

func (f *folding) medicine(c *rxvigil.Change) {
	f.leave(c, func(t *tenant, id string) {
		if m := t.medicines[id]; m != nil {
			f.touchAll(m, c.Row)
			m.present, m.recorded = false, false
			f.book.erased = append(f.book.erased, m)
		}
	})
	r := c.After
	if r == nil {
		return
	}
	m := f.book.tenant(r.Tenant).medicine(r.ID)
	f.touchAll(m, c.Row)
	m.present, m.recorded = !r.Gone, true
	m.name, m.category = strings.Clone(r.Text(rxvigil.MedicineName)), f.book.word(r.Text(rxvigil.MedicineCategory))
	m.reorder, m.price = r.Number(rxvigil.MedicineReorderLevel), r.Number(rxvigil.MedicinePrice)
}

func (f *folding) touchAll(m *medicine, row uint32) {
	for _, s := range m.shelves {
		f.touch(s, row)
	}
}

// leave calls gone with the place a record left: it was deleted, or it moved to another tenant.
func (f *folding) leave(c *rxvigil.Change, gone func(t *tenant, id string)) {
	if c.Before == nil || c.After != nil && c.After.Tenant == c.Before.Tenant && c.After.ID == c.Before.ID {
		return
	}
	if t := f.book.tenants[c.Before.Tenant]; t != nil {
		gone(t, c.Before.ID)
	}
}

func (f *folding) lot(c *rxvigil.Change) {
	f.leave(c, func(t *tenant, id string) { f.removeLot(t, id, c.Row) })
	r := c.After
	if r == nil {
		return
	}
	t := f.book.tenant(r.Tenant)
	medicineID := r.Text(rxvigil.LotMedicine)
	if r.Gone || medicineID == "" {
		f.removeLot(t, r.ID, c.Row)
		return
	}
	s := t.shelf(medicineID, r.Branch)
	f.touch(s, c.Row)
	f.place(t, s, r, c.Row).read(r)
}

func (f *folding) removeLot(t *tenant, id string, row uint32) {
	l := t.lots[id]
	if l == nil {
		return
	}
	f.touch(l.shelf, row)
	f.takeOff(l)
	delete(t.lots, id)
}

func (f *folding) takeOff(l *lot) {
	s := l.shelf
	s.lots = slices.DeleteFunc(s.lots, func(o *lot) bool { return o == l })
	if len(s.lots) == 0 {
		f.book.shelves--
	}
}

// place finds or makes the lot and puts it on its shelf.
func (f *folding) place(t *tenant, s *shelf, r *rxvigil.Record, row uint32) *lot {
	l := t.lots[r.ID]
	if l != nil && l.shelf == s {
		return l
	}
	if l != nil {
		f.touch(l.shelf, row)
		f.takeOff(l)
	} else {
		l = &lot{}
		l.label(r.ID, r.Text(rxvigil.LotNumber))
		t.lots[l.id] = l
	}
	if len(s.lots) == 0 {
		f.book.shelves++
	}
	l.shelf = s
	s.lots = append(s.lots, l)
	return l
}

func (l *lot) label(id, number string) {
	text := strings.Clone(id)
	if number != "" {
		text = id + number
	}
	l.id, l.number = text[:len(id)], text[len(id):]
}

// read takes the lot's numbers from its record. A null reserved is nothing reserved; a null on_hand is unknown.
func (l *lot) read(r *rxvigil.Record) {
	if number := r.Text(rxvigil.LotNumber); number != l.number {
		l.number = strings.Clone(number)
	}
	l.onHand, l.reserved, l.flags = r.Number(rxvigil.LotOnHand), r.Number(rxvigil.LotReserved), 0
	switch reserved := r.Value(rxvigil.LotReserved); {
	case reserved.IsNull():
		l.reserved = rxvigil.Number{}
	case reserved.IsUnknown():
		l.flags |= lotReservedUnknown
	}
	if r.Text(rxvigil.LotHeld) == "true" {
		l.flags |= lotHeld
	}
	day, known := r.Value(rxvigil.LotExpires).Day()
	l.expires = day
	if known {
		l.flags |= lotDated
	}
}

func (f *folding) movement(c *rxvigil.Change) {
	f.book.tenant(c.Record().Tenant)
	if s := f.movedShelf(c.Before); s != nil {
		f.touch(s, c.Row)
		s.post(c.Before, -1)
		f.moved(s)
	}
	if s := f.movedShelf(c.After); s != nil {
		f.touch(s, c.Row)
		s.post(c.After, 1)
		f.moved(s)
	}
}

// movedShelf is where a movement counts: as it says itself, else where the lot stands that it names.
func (f *folding) movedShelf(r *rxvigil.Record) *shelf {
	if r == nil || r.Gone {
		return nil
	}
	t := f.book.tenant(r.Tenant)
	medicineID, branchID := r.Text(rxvigil.MovementMedicine), r.Branch
	if l := t.lots[r.Text(rxvigil.MovementLot)]; l != nil && (medicineID == "" || branchID == "") {
		medicineID, branchID = l.shelf.medicine.id, l.shelf.branch.id
	}
	if medicineID == "" {
		return nil
	}
	return t.shelf(medicineID, branchID)
}

func (s *shelf) post(r *rxvigil.Record, sign int64) {
	if s.ledger == nil {
		s.ledger = &ledger{}
	}
	n := r.Number(rxvigil.MovementQuantity)
	if !n.Known() {
		s.ledger.unknown += sign
		return
	}
	s.ledger.seen += sign
	if sign < 0 {
		n = n.Neg()
	}
	s.ledger.sum = s.ledger.sum.Add(n).Trim()
}
