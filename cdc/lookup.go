package cdc

import (
	"encoding/binary"
	"reflect"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// A lookup is a value of another row: "column productId of the row of Batch whose key is this row's batchId". Rows that are
// looked up are kept as images of a source of their own, with no kind and only the columns that somebody reads. The image of
// a row that looks up has the values found in their places, and behind its fields, hidden, what is needed to find them again:
// the own columns that its lookups read, and the keys that were themselves looked up.
//
// An index leads from the row looked up to those that did: 'r', hop, its key, 0, id.

// lookups are what a source finds in other tables.
type lookups struct {
	row   *Relation // what looked-up expressions read: own columns, and columns of the rows found
	own   []int     // own columns in row: hidden values, in their order
	hops  []*hop    // each behind those that find its key
	steps []*step   // by place in an image: tenant, branch, fields; nil: not looked up
	where tests     // those that are about other rows
	gone  tests     // all of them, where one is about another row

	// Of the image at hand. It belongs to one goroutine.
	cells  []Column
	values []value
}

// hop is one step from row to row.
type hop struct {
	id     uint16 // in the keys of the index
	owner  *source
	ref    *source // the rows it leads to
	by     *Expr
	field  string // that by names, for faults
	key    *step  // nil: by is an own column
	at     int    // place of the key: in row where by is an own column, else among the keys behind the own columns
	fields []int  // of ref, that are read
	cells  []int  // where these stand in row

	asked bool // nothing but predicates need it: a row that is not there is an answer, and no fault

	raw []byte // the key at hand, as it stands in an image
}

// value is one value of an image.
type value struct {
	raw, text []byte
	state     byte
}

// cell is a value as a row has it: what is unknown was not sent.
func (v value) cell() Column {
	switch v.state {
	case 1:
		return Column{State: Null}
	case 2:
		return Column{State: Text, Data: v.text}
	}
	return Column{State: NotSent}
}

func (s *source) isReference() bool { return s.kind == 0 }

// said is the kind that a fault of the source is about: for rows that are looked up, that of who does.
func (s *source) said() rxvigil.Kind {
	if s.isReference() && len(s.users) > 0 {
		return s.users[0].owner.kind
	}
	return s.kind
}

// hidden compiles what an image keeps behind its fields.
func (l *lookups) hidden(sc *scope) ([]*step, error) {
	if l == nil {
		return nil, nil
	}
	var steps []*step
	for _, i := range l.own {
		st, err := sc.read(&Expr{}, &Expr{Column: l.row.Columns[i].Name})
		if err != nil {
			return nil, err
		}
		st.convert = copyText
		steps = append(steps, st)
	}
	for _, h := range l.hops {
		if h.key != nil {
			steps = append(steps, &step{later: true})
		}
	}
	return steps, nil
}

// compile compiles the looked-up expressions of a source for the row that they read.
func (l *lookups) compile(s *source) error {
	sc := &scope{Relation: l.row, found: l.place}
	keys := 0
	for _, h := range l.hops {
		if h.by.From == "" && reflect.DeepEqual(h.by, &Expr{Column: h.by.Column}) {
			h.at, _ = sc.at(h.by.Column)
			continue
		}
		var err error
		if h.key, err = sc.compile(h.by, rxvigil.TypeRef, s.kind); err != nil {
			return err
		}
		h.at = keys
		keys++
	}
	own := *s
	own.fields = slices.Clone(s.fields)
	for i, e := range own.fields {
		if !e.waits() {
			own.fields[i] = nil
		}
	}
	l.steps = make([]*step, 2+len(own.fields))
	for i, e := range []*Expr{s.tenant(), s.spec.Branch} {
		var err error
		if !e.waits() {
			continue
		}
		if l.steps[i], err = sc.compile(e, rxvigil.TypeRef, s.kind); err != nil {
			return err
		}
	}
	if err := sc.compileFields(l.steps[2:], &own); err != nil {
		return err
	}
	return l.compileTests(sc, s.spec)
}

func (l *lookups) compileTests(sc *scope, spec *Source) (err error) {
	about := slices.DeleteFunc(slices.Clone(spec.Where), func(p Predicate) bool { return p.From == "" })
	if l.where, err = compileTests(about, sc.asked); err != nil || !spec.Gone.lookedUp() {
		return err
	}
	l.gone, err = compileTests(spec.Gone, sc.asked)
	return err
}

// place is where a looked-up column stands in the row.
func (l *lookups) place(e *Expr) int {
	for _, h := range l.hops {
		if h.ref.table.named(e.From) && h.ref.spec.Key[0] == h.ref.table.lookupKey(e) && reflect.DeepEqual(h.by, e.By) {
			for i, f := range h.fields {
				if h.ref.schema.Fields[f].Name == e.Column {
					return h.cells[i]
				}
			}
		}
	}
	panic("a lookup that was not resolved") // resolver.hop made it
}

// cut cuts an image into its values.
func (l *lookups) cut(image []byte) ([]value, error) {
	r := imageReader{b: image[1:]}
	l.values = l.values[:0]
	for len(r.b) > 0 {
		raw, text, state, err := r.next()
		if err != nil {
			return nil, err
		}
		l.values = append(l.values, value{raw, text, state})
	}
	if want := len(l.steps) + len(l.own) + l.keys(); len(l.values) != want {
		return nil, errTorn
	}
	return l.values, nil
}

// keys is how many keys are kept behind the own columns.
func (l *lookups) keys() (n int) {
	for _, h := range l.hops {
		if h.key != nil {
			n++
		}
	}
	return n
}

// keyIn gives the key of a hop in the values of an image.
func (h *hop) keyIn(l *lookups, values []value) value {
	if h.key != nil {
		return values[len(l.steps)+len(l.own)+h.at]
	}
	return values[len(l.steps)+slices.Index(l.own, h.at)]
}

// hopKey is the key of the index under which a row stands that looks another up.
func hopKey(b []byte, h *hop, key, id []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, 'r'), h.id)
	b = append(append(b, key...), 0)
	return append(b, id...)
}
