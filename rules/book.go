package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// book is what is known of every pharmacy now: its medicines, and what stands on its shelves. It folds changes and judges
// nothing. Everything in it is reached through a tenant.
type book struct {
	tenants map[rxvigil.Tenant]*tenant
	words   map[string]string // categories and names of branches repeat: one copy each
	named   int               // tenants that have a record of their own
	shelves int               // shelves that hold a lot
	erased  []*medicine       // lost their record in the present transaction; their names are still needed in it
}

type tenant struct {
	id              rxvigil.Tenant
	recorded        bool
	name, subdomain string
	zone            *time.Location // nil: the record says none
	told            rxvigil.Day    // stock of every shelf was told for this day, or later
	branches        map[rxvigil.Branch]*branch
	medicines       map[string]*medicine
	lots            map[string]*lot
}

type branch struct {
	id         rxvigil.Branch
	recorded   bool
	name, code string
	zone       *time.Location
}

type medicine struct {
	tenant         *tenant
	id             string
	recorded       bool // it has a record, perhaps a soft-deleted one
	present        bool // it has one that is not
	name, category string
	reorder        rxvigil.Number
	price          rxvigil.Number
	shelves        []*shelf
}

// shelf is the place of one medicine in one branch: what alerts about stock are about.
type shelf struct {
	medicine *medicine
	branch   *branch
	lots     []*lot
	ledger   *ledger // nil: no movement was ever seen
	told     rxvigil.Day
	mark     uint32 // its place, from 1, among the shelves the present transaction touched
	unknown  uint8  // kinds that could not be judged, one bit each
}

type ledger struct {
	sum           rxvigil.Number
	seen, unknown int64
}

type lotFlags uint8

const (
	lotHeld lotFlags = 1 << iota
	lotDated
	lotReservedUnknown
)

// lot is kept small: there may be a million.
type lot struct {
	shelf            *shelf
	id, number       string // one allocation
	onHand, reserved rxvigil.Number
	expires          rxvigil.Day
	flags            lotFlags
}

func newBook() *book {
	return &book{tenants: map[rxvigil.Tenant]*tenant{}, words: map[string]string{}}
}

func (b *book) tenant(id rxvigil.Tenant) *tenant {
	if t := b.tenants[id]; t != nil {
		return t
	}
	t := &tenant{
		id:        rxvigil.Tenant(strings.Clone(string(id))),
		branches:  map[rxvigil.Branch]*branch{},
		medicines: map[string]*medicine{},
		lots:      map[string]*lot{},
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
	if m := t.medicines[id]; m != nil {
		return m
	}
	m := &medicine{tenant: t, id: strings.Clone(id), reorder: rxvigil.UnknownNumber, price: rxvigil.UnknownNumber}
	t.medicines[m.id] = m
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
	if t == nil || t.medicines[medicineID] == nil {
		return nil
	}
	for _, s := range t.medicines[medicineID].shelves {
		if s.branch.id == br {
			return s
		}
	}
	return nil
}

// eachShelf visits the shelves of a tenant that hold a lot, in no order.
func (t *tenant) eachShelf(visit func(*shelf)) {
	for _, m := range t.medicines {
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
	w, ok := b.words[s]
	if !ok {
		w = strings.Clone(s)
		b.words[w] = w
	}
	return w
}

// sweep forgets a shelf that holds nothing and has no ledger, and its medicine if nothing is left of that.
func (s *shelf) sweep() {
	if len(s.lots) > 0 || s.ledger != nil {
		return
	}
	m := s.medicine
	m.shelves = slices.DeleteFunc(m.shelves, func(o *shelf) bool { return o == s })
	m.sweep()
}

func (m *medicine) sweep() {
	if !m.recorded && len(m.shelves) == 0 {
		delete(m.tenant.medicines, m.id)
	}
}

// forget drops what deleted records said: a restarted engine would not know it either.
func (b *book) forget() {
	for _, m := range b.erased {
		if !m.recorded {
			m.name, m.category, m.reorder, m.price = "", "", rxvigil.UnknownNumber, rxvigil.UnknownNumber
			m.sweep()
		}
	}
	b.erased = b.erased[:0]
}

func (l *lot) name() string {
	if l.number != "" {
		return l.number
	}
	return l.id
}
