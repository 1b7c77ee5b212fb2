package cdc

import (
	"fmt"
	"strconv"

	"github.com/rxvigil/rxvigil"
)

// source is one entry of the mapping, resolved against the catalog.
type source struct {
	index  int // place in the mapping: part of every image's key
	path   string
	kind   rxvigil.Kind
	spec   *Source
	table  *Table
	schema *rxvigil.Schema
	fields []*Expr // by schema index; nil: not mapped
	lines  *source // the source of its lines, for a sale or prescription
	parent *source // for a line
}

// plan is a source compiled for one shape of its table: every name is a column index, every type a function. Encoding a
// row allocates nothing.
type plan struct {
	*source
	key    []int
	tenant *step
	branch *step
	where  *test
	gone   *test
	steps  []*step // by schema index; nil: unknown
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
	at := func(name string) (int, error) {
		for i := range rel.Columns {
			if rel.Columns[i].Name == name {
				return i, nil
			}
		}
		return 0, fmt.Errorf("%s.%s has no column %q", rel.Schema, rel.Name, name)
	}
	for _, name := range s.spec.Key {
		i, err := at(name)
		if err != nil {
			return nil, err
		}
		p.key = append(p.key, i)
	}
	var err error
	if p.tenant, err = compileStep(s.spec.Tenant, rxvigil.TypeRef, s.kind, rel, at); err != nil {
		return nil, err
	}
	if p.branch, err = compileStep(s.spec.Branch, rxvigil.TypeRef, s.kind, rel, at); err != nil {
		return nil, err
	}
	if p.where, err = compileTest(s.spec.Where, at); err != nil {
		return nil, err
	}
	if p.gone, err = compileTest(s.spec.Gone, at); err != nil {
		return nil, err
	}
	for i, e := range s.fields {
		if e == nil {
			continue
		}
		if p.steps[i], err = compileStep(e, s.schema.Fields[i].Type, s.kind, rel, at); err != nil {
			return nil, err
		}
		if st := p.steps[i]; st.fixed == nil && s.schema.Fields[i].Type == rxvigil.TypeStatus {
			p.steps[i+1] = &step{nativeOf: st}
		}
	}
	return p, nil
}

// appendKey appends the canonical id of the entity in a row: the parts of a composite key are joined by a slash, and a slash
// within one is escaped, so that two rows never share an id. It fails where a key column is not in the tuple.
func (p *plan) appendKey(b []byte, row []Column) ([]byte, bool) {
	for n, i := range p.key {
		if row[i].State != Text {
			return b, false
		}
		if len(p.key) == 1 {
			return append(b, row[i].Data...), true
		}
		if n > 0 {
			b = append(b, '/')
		}
		for _, c := range row[i].Data {
			if c == '/' || c == '\\' {
				b = append(b, '\\')
			}
			b = append(b, c)
		}
	}
	return b, true
}

// exists tells whether the row is an entity of this source; was says what it was before, for a row that does not tell.
func (p *plan) exists(row []Column, was bool) bool {
	if p.where == nil {
		return true
	}
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
	if p.gone != nil {
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
	return b
}

// name is the source as messages show it.
func (s *source) name() string {
	return s.kind.String() + " from " + s.table.String() + " (#" + strconv.Itoa(s.index) + ")"
}
