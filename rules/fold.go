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
	moved   func(s *shelf) // its ledger or its demand changed
	oddZone func(name string)
	// dayOf is the day of an instant where a shelf stands; of now when there is none. False: nobody knows.
	dayOf func(s *shelf, at rxvigil.Value) (rxvigil.Day, bool)
	boot  bool // the days before today are told by the movements that are folded
	// These are told of what rules judge by itself; nil in a boot.
	sale    func(*saleChange)
	rewrite func(*tenant, *rxvigil.Change)
	priced  func(m *medicine, old rxvigil.Number)
	emptied func(*lot)
	read    func(*tenant, *rxvigil.Change)

	fetched int // what fetch came by
}

// all folds the changes of one transaction, whatever their order: lots first, as a change of a medicine touches all its
// shelves; movements last, as one that names a lot alone needs the lot.
func (f *folding) all(changes []rxvigil.Change) {
	if len(changes) > 1 {
		f.fetch(changes)
	}
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
	case rxvigil.KindSale:
		f.sales(c)
	case rxvigil.KindSaleLine:
		f.line(c)
	case rxvigil.KindPrescription:
		f.prescription(c)
	case rxvigil.KindPrescriptionLine:
		f.prescriptionLine(c)
	case rxvigil.KindLevel:
		f.level(c)
	case rxvigil.KindRecall:
		f.recall(c)
	case rxvigil.KindReading:
		f.reading(c)
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
	zone, err := time.LoadLocation(strings.Clone(name)) // it keeps its name
	if err != nil {
		f.oddZone(name)
		return nil
	}
	return zone
}

func (f *folding) medicine(c *rxvigil.Change) {
	if c.Record().Tenant == rxvigil.EveryTenant {
		f.sharedMedicine(c)
		return
	}
	f.leave(c, func(t *tenant, id string) {
		if m := t.medicines.get(id); m != nil {
			f.touchAll(m, c.Row)
			m.present, m.recorded = false, false
			if of := f.book.shared[id]; of != nil {
				m.share(of)
			}
			f.book.erased = append(f.book.erased, m)
			f.price(m, m.price())
		}
	})
	r := c.After
	if r == nil {
		return
	}
	m := f.book.tenant(r.Tenant).medicine(r.ID)
	f.touchAll(m, c.Row)
	old := m.price()
	m.shared = false
	f.record(m, r)
	f.price(m, old)
}

func (f *folding) record(m *medicine, r *rxvigil.Record) {
	m.present, m.recorded = !r.Gone, true
	if name := r.Text(rxvigil.MedicineName); name != m.name() || r.ID != m.id() {
		m.label(r.ID, name)
	}
	m.kind = f.book.wordAt(r.Text(rxvigil.MedicineCategory))
	m.read(f.book, r)
}

// sharedMedicine folds a record that is every tenant's into each tenant that has something of it. One that has a record of its own
// keeps to that.
func (f *folding) sharedMedicine(c *rxvigil.Change) {
	of := &medicine{}
	of.label(c.Record().ID, "")
	if c.After != nil {
		f.record(of, c.After)
		f.book.shared[of.id()] = of
	} else {
		delete(f.book.shared, of.id())
	}
	for _, t := range f.book.tenants {
		m := t.medicines.get(of.id())
		if m == nil || m.recorded && !m.shared {
			continue
		}
		f.touchAll(m, c.Row)
		old := m.price()
		if c.After == nil {
			m.present, m.recorded, m.shared = false, false, false
			f.book.erased = append(f.book.erased, m)
		} else {
			m.share(of)
		}
		f.price(m, old)
	}
}

func (f *folding) price(m *medicine, old rxvigil.Number) {
	if f.priced != nil {
		f.priced(m, old)
	}
}

func (m *medicine) read(b *book, r *rxvigil.Record) {
	for amount, field := range [medicineAmounts]int{
		reorderLevel: rxvigil.MedicineReorderLevel, maxLevel: rxvigil.MedicineMaxLevel, listPrice: rxvigil.MedicinePrice, listCost: rxvigil.MedicineCost,
	} {
		m.amounts[amount] = b.amountAfter(m.amounts[amount], r.Number(field))
	}
	m.flags = 0
	if r.Text(rxvigil.MedicineControlled) == "true" {
		m.flags |= controlled
	}
	if r.Text(rxvigil.MedicineRequiresPrescription) == "true" {
		m.flags |= onPrescription
	}
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
	l := t.lot(r.ID)
	var s *shelf
	if l != nil && l.shelf.medicine.id() == medicineID && l.shelf.branch.id == r.Branch { // it stands where it stood, as nearly always
		s = l.shelf
	} else {
		s = t.shelf(medicineID, r.Branch)
	}
	f.touch(s, c.Row)
	l = f.place(t, s, l, r, c.Row)
	stocked := l.onHand.Sign() > 0
	f.numbers(l, r)
	if stocked && l.onHand.Sign() <= 0 && f.emptied != nil {
		f.emptied(l)
	}
}

func (f *folding) removeLot(t *tenant, id string, row uint32) {
	l := t.lot(id)
	if l == nil {
		return
	}
	f.touch(l.shelf, row)
	f.takeOff(l)
	t.lots.remove(l.key())
	delete(f.book.bought, l)
}

func (f *folding) takeOff(l *lot) {
	s := l.shelf
	s.lots = slices.DeleteFunc(s.lots, func(o *lot) bool { return o == l })
	if len(s.lots) == 0 {
		f.book.shelves--
	}
}

// place makes the lot unless it is there, and puts it on its shelf.
func (f *folding) place(t *tenant, s *shelf, l *lot, r *rxvigil.Record, row uint32) *lot {
	if l != nil && l.shelf == s {
		return l
	}
	if l != nil {
		f.touch(l.shelf, row)
		f.takeOff(l)
	} else {
		l = &lot{}
		l.label(r.ID, r.Text(rxvigil.LotNumber))
		t.lots.put(l)
	}
	if len(s.lots) == 0 {
		f.book.shelves++
	}
	l.shelf = s
	s.lots = append(s.lots, l)
	return l
}

// numbers takes what a lot's record says of it. A null reserved is nothing reserved; a null on_hand is unknown.
func (f *folding) numbers(l *lot, r *rxvigil.Record) {
	if number := r.Text(rxvigil.LotNumber); number != l.number() {
		l.label(l.id(), number)
	}
	l.onHand, l.flags = r.Number(rxvigil.LotOnHand), 0
	l.reserved, l.cost = f.book.amountAfter(l.reserved, r.Number(rxvigil.LotReserved)), f.book.amountAfter(l.cost, r.Number(rxvigil.LotCost))
	switch reserved := r.Value(rxvigil.LotReserved); {
	case reserved.IsNull():
		l.reserved = &f.book.zero
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

func (f *folding) level(c *rxvigil.Change) {
	if was := c.Before; was != nil && !was.Gone && was.Text(rxvigil.LevelMedicine) != "" {
		s := f.book.tenant(was.Tenant).shelf(was.Text(rxvigil.LevelMedicine), was.Branch)
		f.touch(s, c.Row)
		s.rarely(func(r *rare) { r.wanted = nil })
	}
	if is := c.After; is != nil && !is.Gone && is.Text(rxvigil.LevelMedicine) != "" {
		s := f.book.tenant(is.Tenant).shelf(is.Text(rxvigil.LevelMedicine), is.Branch)
		f.touch(s, c.Row)
		wanted := &level{reorder: is.Number(rxvigil.LevelReorderLevel), top: is.Number(rxvigil.LevelMaxLevel)}
		s.rarely(func(r *rare) { r.wanted = wanted })
	}
}

func (f *folding) movement(c *rxvigil.Change) {
	f.book.tenant(c.Record().Tenant)
	if s := f.movedShelf(c.Before); s != nil {
		f.touch(s, c.Row)
		f.post(s, c.Before, -1)
		f.moved(s)
	}
	if s := f.movedShelf(c.After); s != nil {
		f.touch(s, c.Row)
		f.post(s, c.After, 1)
		f.moved(s)
	}
}

// movedShelf is where a movement counts: as it says itself, else where the lot stands that it names.
func (f *folding) movedShelf(r *rxvigil.Record) *shelf {
	if r == nil || r.Gone {
		return nil
	}
	t := f.book.tenant(r.Tenant)
	return t.shelfOf(r.Text(rxvigil.MovementMedicine), r.Branch, r.Text(rxvigil.MovementLot))
}

// shelfOf is the shelf that a row means: as it says itself, else where the lot stands that it names; nil when neither is known.
func (t *tenant) shelfOf(medicineID string, branchID rxvigil.Branch, lotID string) *shelf {
	if l := t.lot(lotID); l != nil && (medicineID == "" || branchID == "") {
		medicineID, branchID = l.shelf.medicine.id(), l.shelf.branch.id
	}
	if medicineID == "" {
		return nil
	}
	return t.shelf(medicineID, branchID)
}

func (f *folding) post(s *shelf, r *rxvigil.Record, sign int64) {
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
	if !f.boot {
		return
	}
	if day, known := f.dayOf(s, r.Value(rxvigil.MovementAt)); known {
		s.ledger.byDay = added(s.ledger.byDay, day, n)
	}
}
