package rules

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// book is what is known of every pharmacy now: its medicines, and what stands on its shelves. It folds changes and judges
// nothing. Everything in it is reached through a tenant.
type book struct {
	tenants        map[rxvigil.Tenant]*tenant
	words          map[string]*string                                            // categories and names of branches repeat: one copy each
	amounts        map[rxvigil.Number]*rxvigil.Number                            // so do numbers of lots
	zero           rxvigil.Number                                                // the most frequent of them
	expiresOnStart bool                                                          // a lot has expired on the day of its date
	sold           func(t rxvigil.Tenant, lot string) (rxvigil.Number, []string) // nil: nobody knows
	bought         map[*lot]*bought                                              // of lots that were called back
	named          int                                                           // tenants that have a record of their own
	shelves        int                                                           // shelves that hold a lot
	shared         map[string]*medicine                                          // every tenant's; a tenant has one of its own of each that it needs
	erased         []*medicine                                                   // lost their record in the present transaction; their names are still needed in it
}

type tenant struct {
	book            *book
	id              rxvigil.Tenant
	recorded        bool
	name, subdomain string
	zone            *time.Location // nil: the record says none
	told            rxvigil.Day    // stock of every shelf was told for this day, or later
	branches        map[rxvigil.Branch]*branch
	overrides       map[overrideKey]rxvigil.Number
	matters         map[string]matter          // what is not settled, by its key
	patients        map[string][]*prescription // the prescriptions among them, by patient
	prescribed      map[string]*prescription   // and by line
	recalls         map[string]recalled
	prescribes      bool // a prescription was seen at all
	sells           bool // a sale was
	medicines       index[*medicine]
	lots            index[*lot]
}

type branch struct {
	id         rxvigil.Branch
	recorded   bool
	name, code string
	zone       *time.Location
}

type medicine struct {
	tenant   *tenant
	text     string                           // its id, then its name
	kind     *string                          // its category, shared by all medicines of it; nil: none
	amounts  [medicineAmounts]*rxvigil.Number // shared by all medicines of that amount; nil: nobody knows
	shelves  []*shelf
	idLen    uint16
	shared   bool // its record is every tenant's
	recorded bool // it has a record, perhaps a soft-deleted one
	present  bool // it has one that is not
	flags    medicineFlags
}

// Amounts of a medicine.
const (
	reorderLevel = iota
	maxLevel
	listPrice
	listCost
	medicineAmounts
)

// label names the medicine.
func (m *medicine) label(id, name string) { m.text, m.idLen = joined(id, name) }

// joined is two texts in one piece of memory of its own, and where the second begins. A key of Postgres' is far shorter than that can say:
// it has to fit into a page of an index.
func joined(id, name string) (text string, idLen uint16) {
	id = id[:min(len(id), math.MaxUint16)]
	if name == "" {
		return strings.Clone(id), uint16(len(id))
	}
	if id == "" {
		return strings.Clone(name), 0
	}
	return id + name, uint16(len(id))
}

func (m *medicine) id() string   { return m.text[:m.idLen] }
func (m *medicine) key() string  { return m.id() }
func (m *medicine) name() string { return m.text[m.idLen:] }

func (m *medicine) category() string {
	if m.kind == nil {
		return ""
	}
	return *m.kind
}

func (m *medicine) reorder() rxvigil.Number { return numberAt(m.amounts[reorderLevel]) }
func (m *medicine) top() rxvigil.Number     { return numberAt(m.amounts[maxLevel]) }
func (m *medicine) price() rxvigil.Number   { return numberAt(m.amounts[listPrice]) }
func (m *medicine) cost() rxvigil.Number    { return numberAt(m.amounts[listCost]) }

type medicineFlags uint8

const (
	controlled medicineFlags = 1 << iota
	onPrescription
)

func (m *medicine) is(f medicineFlags) bool { return m.flags&f != 0 }

// shelf is the place of one medicine in one branch: what alerts about stock are about.
type shelf struct {
	medicine *medicine
	branch   *branch
	lots     []*lot
	ledger   *ledger // nil: no movement was ever seen
	demand   *demand // nil: no sale was ever seen
	rare     *rare   // nil: nothing of it
	told     rxvigil.Day
	mark     uint32 // its place, from 1, among the shelves the present transaction touched
	unknown  uint32 // rules that could not be judged, one bit each
	quiet    bool   // no alert is open on it; false: there may be one
}

// rare is what few shelves have, or have for long.
type rare struct {
	wanted *level  // what the branch wants to have, where the app says so by branch
	owed   []*owed // stock that is still to move, the oldest first
	holds  []*hold // findings that wait
}

func (r *rare) empty() bool { return r.wanted == nil && len(r.owed) == 0 && len(r.holds) == 0 }

// wanted is what the branch wants to have; nil where the app does not say.
func (s *shelf) wanted() *level {
	if s.rare == nil {
		return nil
	}
	return s.rare.wanted
}

func (s *shelf) owed() []*owed {
	if s.rare == nil {
		return nil
	}
	return s.rare.owed
}

func (s *shelf) holds() []*hold {
	if s.rare == nil {
		return nil
	}
	return s.rare.holds
}

// rarely changes what few shelves have.
func (s *shelf) rarely(change func(*rare)) {
	if s.rare == nil {
		s.rare = &rare{}
	}
	change(s.rare)
	if s.rare.empty() {
		s.rare = nil
	}
}

// level is what a branch wants to have of a medicine.
type level struct{ reorder, top rxvigil.Number }

// reorder is the app's reorder level: the branch's, else the medicine's.
func (s *shelf) reorder() rxvigil.Number {
	if w := s.wanted(); w != nil && w.reorder.Known() {
		return w.reorder
	}
	return s.medicine.reorder()
}

// top is the app's maximum level: the branch's, else the medicine's.
func (s *shelf) top() rxvigil.Number {
	if w := s.wanted(); w != nil && w.top.Known() {
		return w.top
	}
	return s.medicine.top()
}

type ledger struct {
	sum           rxvigil.Number
	seen, unknown int64
	byDay         []DaySold // what moved on the newest days, until a boot is over; returns are below zero
}

func newBook() *book {
	return &book{tenants: map[rxvigil.Tenant]*tenant{}, words: map[string]*string{}, amounts: map[rxvigil.Number]*rxvigil.Number{}, shared: map[string]*medicine{}, bought: map[*lot]*bought{}}
}

func (b *book) tenant(id rxvigil.Tenant) *tenant {
	if t := b.tenants[id]; t != nil {
		return t
	}
	t := &tenant{
		book:     b,
		id:       rxvigil.Tenant(strings.Clone(string(id))),
		branches: map[rxvigil.Branch]*branch{},
	}
	b.tenants[t.id] = t
	return t
}

func (t *tenant) branch(id rxvigil.Branch) *branch {
	if b := t.branches[id]; b != nil {
		return b
	}
	b := &branch{id: rxvigil.Branch(strings.Clone(string(id)))}
	t.branches[b.id] = b
	return b
}

func (t *tenant) medicine(id string) *medicine {
	if m := t.medicines.get(id); m != nil {
		return m
	}
	m := &medicine{tenant: t}
	if of := t.book.shared[id]; of != nil {
		m.share(of)
	} else {
		m.label(id, "")
		m.read(t.book, nil)
	}
	t.medicines.put(m)
	return m
}

// known is a medicine that the tenant has, or that every tenant has; nil when there is none.
func (t *tenant) known(id string) *medicine {
	if m := t.medicines.get(id); m != nil {
		return m
	}
	return t.book.shared[id]
}

// share takes what the record of every tenant says.
func (m *medicine) share(of *medicine) {
	m.shared, m.recorded, m.present, m.text, m.idLen, m.kind = true, of.recorded, of.present, of.text, of.idLen, of.kind
	m.amounts, m.flags = of.amounts, of.flags
}

// named is a medicine to be spoken of, if need be by its id.
func (t *tenant) named(id string) *medicine {
	if m := t.known(id); m != nil && m.name() != "" {
		return m
	}
	m := &medicine{tenant: t}
	m.label(id, id)
	return m
}

func (t *tenant) shelf(medicineID string, branchID rxvigil.Branch) *shelf {
	m := t.medicine(medicineID)
	for _, s := range m.shelves {
		if s.branch.id == branchID {
			return s
		}
	}
	s := &shelf{medicine: m, branch: t.branch(branchID)}
	m.shelves = append(m.shelves, s)
	return s
}

// find is the shelf, or nil.
func (b *book) find(id rxvigil.Tenant, br rxvigil.Branch, medicineID string) *shelf {
	t := b.tenants[id]
	if t == nil || t.medicines.get(medicineID) == nil {
		return nil
	}
	for _, s := range t.medicines.get(medicineID).shelves {
		if s.branch.id == br {
			return s
		}
	}
	return nil
}

// eachShelf visits the shelves of a tenant that hold a lot, in no order.
func (t *tenant) eachShelf(visit func(*shelf)) {
	for m := range t.medicines.all() {
		for _, s := range m.shelves {
			if len(s.lots) > 0 {
				visit(s)
			}
		}
	}
}

// word is the one copy of a text that repeats.
func (b *book) word(s string) string {
	if s == "" {
		return ""
	}
	return *b.wordAt(s)
}

// wordAt is where that copy is; nil of no text.
func (b *book) wordAt(s string) *string {
	if s == "" {
		return nil
	}
	w := b.words[s]
	if w == nil {
		own := strings.Clone(s) // else each s would be allocated
		w = &own
		b.words[own] = w
	}
	return w
}

// manyAmounts is how many numbers are remembered to be shared. Where there are more they do not repeat much.
const manyAmounts = 1 << 16

// amount is the one copy of a known number that repeats.
func (b *book) amount(n rxvigil.Number) *rxvigil.Number {
	switch {
	case !n.Known():
		return nil
	case n == rxvigil.Number{}:
		return &b.zero
	}
	kept := b.amounts[n]
	if kept == nil {
		if len(b.amounts) >= manyAmounts {
			clear(b.amounts)
		}
		own := n // else each n would be allocated, kept or not
		kept = &own
		b.amounts[n] = kept
	}
	return kept
}

// amountAfter is amount where a number mostly stays what it was.
func (b *book) amountAfter(was *rxvigil.Number, n rxvigil.Number) *rxvigil.Number {
	if was != nil && *was == n {
		return was
	}
	return b.amount(n)
}

// numberAt is a number that may be nobody's.
func numberAt(n *rxvigil.Number) rxvigil.Number {
	if n == nil {
		return rxvigil.UnknownNumber
	}
	return *n
}

// sweep forgets a shelf that holds nothing and has neither ledger nor demand nor level, and its medicine if nothing is left of that.
func (s *shelf) sweep() (forgotten bool) {
	if len(s.lots) > 0 || s.ledger != nil || s.demand != nil || s.rare != nil {
		return false
	}
	m := s.medicine
	m.shelves = slices.DeleteFunc(m.shelves, func(o *shelf) bool { return o == s })
	m.sweep()
	return true
}

func (m *medicine) sweep() {
	if (!m.recorded || m.shared) && len(m.shelves) == 0 {
		m.tenant.medicines.remove(m.id())
	}
}

// forget drops what deleted records said: a restarted engine would not know it either.
func (b *book) forget() {
	for _, m := range b.erased {
		if !m.recorded {
			m.label(m.id(), "")
			m.kind = nil
			m.read(b, nil)
			m.sweep()
		}
	}
	b.erased = b.erased[:0]
}
