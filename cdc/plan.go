package cdc

import (
	"strconv"

	"github.com/rxvigil/rxvigil"
)

// source is one entry of the mapping, resolved against the catalog.
type source struct {
	index     int // place in the mapping: part of every image's key
	path      string
	kind      rxvigil.Kind
	spec      *Source
	table     *Table
	nobodys   bool // it belongs to no tenant
	hashKey   []byte
	everyones bool // it belongs to all of them
	schema    *rxvigil.Schema
	fields    []*Expr   // by schema index; nil: not mapped
	look      *lookups  // what it finds in other tables; nil: nothing
	users     []*hop    // for a source of rows that others look up: who does
	aliases   []*source // the same rows by other columns
	base      *source   // for an alias: the source of its rows
	column    int       // for an alias: the field of base that is its key
	rows      *source   // for an entity that follows rows kept by another key: their source
	head      *source   // for that source: the entity
	named     []int     // and the fields that are the entity's id
	list      int       // or the field that is the list of entities
	each      []*step   // by schema index; what is read of an element of a list
	made      int       // and the field that the newest row has most of; -1: any row will do
	lines     *source   // the source of its lines, for a sale or prescription
	parents   []*source // for a line: where its documents come from, all of one table
}

// plan is a source compiled for one shape of its table: every name is a column index, every type a function. Encoding a
// row allocates nothing.
type plan struct {
	*source
	key    []int
	tenant *step
	branch *step
	where  tests
	gone   tests
	steps  []*step // by schema index; nil: unknown
	hidden []*step // what lookups need, behind them
}

// Fault is a row, or a value of one, that could not be mapped: counted and shown, never guessed.
type Fault struct {
	Tenant rxvigil.Tenant // empty: it could not be told
	Kind   rxvigil.Kind
	Table  string
	Column string
	Reason string // unknown_status, bad_number, bad_day, bad_time, bad_truth, no_tenant, no_parent, unreadable
	Text   string // the offending text, at most 60 bytes; empty for personal columns
}

// compile fits a source to a relation's columns. A column that the relation lacks is an error naming it.
func compile(s *source, rel *Relation) (*plan, error) {
	p := &plan{source: s, steps: make([]*step, len(s.schema.Fields))}
	sc := &scope{Relation: rel, hashKey: s.hashKey}
	for _, name := range s.spec.Key {
		i, err := sc.at(name)
		if err != nil {
			return nil, err
		}
		p.key = append(p.key, i)
	}
	var err error
	if p.tenant, err = sc.compile(s.tenant(), rxvigil.TypeRef, s.kind); err != nil {
		return nil, err
	}
	if p.branch, err = sc.compile(s.spec.Branch, rxvigil.TypeRef, s.kind); err != nil {
		return nil, err
	}
	if p.where, err = compileTests(s.spec.Where.own(), sc.asked); err != nil {
		return nil, err
	}
	if !s.spec.Gone.lookedUp() {
		if p.gone, err = compileTests(s.spec.Gone, sc.asked); err != nil {
			return nil, err
		}
	}
	if err := sc.compileFields(p.steps, s); err != nil {
		return nil, err
	}
	p.hidden, err = s.look.hidden(sc)
	return p, err
}

// compileFields compiles the expressions of a source's fields into steps.
func (sc *scope) compileFields(steps []*step, s *source) (err error) {
	for i, e := range s.fields {
		if e == nil {
			continue
		}
		if steps[i], err = sc.compile(e, s.schema.Fields[i].Type, s.kind); err != nil {
			return err
		}
		switch st := steps[i]; {
		case s.schema.Fields[i].Type != rxvigil.TypeStatus:
		case st.later:
			steps[i+1] = st
		case st.fixed == nil:
			steps[i+1] = &step{nativeOf: st}
		}
	}
	return nil
}

// appendKey appends the canonical id of the entity in a row: the parts of a composite key are joined by a slash, and a slash
// within one is escaped, so that two rows never share an id. It fails where a key column is not in the tuple.
func (p *plan) appendKey(b []byte, row []Column) ([]byte, bool) {
	for n, i := range p.key {
		if row[i].State != Text {
			return b, false
		}
		b = appendKeyPart(b, row[i].Data, n, len(p.key))
	}
	return b, true
}

// appendKeyPart appends the nth of some columns of a key.
func appendKeyPart(b, part []byte, n, of int) []byte {
	if of == 1 {
		return append(b, part...)
	}
	if n > 0 {
		b = append(b, '/')
	}
	for _, c := range part {
		if c == '/' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return b
}

// exists tells whether the row is an entity of this source; was says what it was before, for a row that does not tell.
func (p *plan) exists(row []Column, was bool) bool {
	if yes, known := p.where.ask(row); known {
		return yes
	}
	return was
}

// encode appends the image of a row. A value the row calls unchanged is taken from prev, the last image, or is unknown.
// Faults go to report.
func (p *plan) encode(b []byte, row []Column, prev []byte, report report) []byte {
	var flags byte
	if len(prev) > 0 {
		flags = prev[0]
	}
	if len(p.gone) > 0 {
		if yes, known := p.gone.ask(row); known {
			flags &^= flagGone
			if yes {
				flags |= flagGone
			}
		}
	}
	b = append(b, flags)
	var old imageReader
	if len(prev) > 0 {
		old.b = prev[1:]
	}
	b = p.tenant.encode(b, row, &old, report)
	b = p.branch.encode(b, row, &old, report)
	for _, st := range p.steps {
		if st != nil && st.nativeOf != nil {
			b = st.nativeOf.encodeNative(b, row, &old)
			continue
		}
		b = st.encode(b, row, &old, report)
	}
	for _, st := range p.hidden {
		b = st.encode(b, row, &old, report)
	}
	return b
}

// name is the source as messages show it.
func (s *source) name() string {
	if s.isReference() {
		return s.path + " in " + s.table.String() + " (#" + strconv.Itoa(s.index) + ")"
	}
	return s.kind.String() + " from " + s.table.String() + " (#" + strconv.Itoa(s.index) + ")"
}
