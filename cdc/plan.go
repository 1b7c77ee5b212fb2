package cdc

import (
	"fmt"
	"strconv"
	"time"

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

// step makes one value.
type step struct {
	column     int
	field      string // the app's column, for faults
	convert    convert
	fixed      []byte // const
	words      map[string]string
	strict     map[string]bool // canonical words, where the app's are to be canonical already
	sign       *signStep
	arithmetic byte // '+', '-', '*' with other
	other      int
	native     int // schema index of the status this value is the native word of, plus one
}

type signStep struct {
	column int
	values map[string]int
}

// test is a compiled Predicate.
type test struct {
	column int
	in     map[string]bool
	negate bool
	null   bool
	truth  bool
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
		if s.schema.Fields[i].Type == rxvigil.TypeStatus {
			p.steps[i+1] = &step{native: i + 1}
		}
	}
	return p, nil
}

func compileStep(e *Expr, t rxvigil.FieldType, k rxvigil.Kind, rel *Relation, at func(string) (int, error)) (*step, error) {
	if e == nil {
		return nil, nil
	}
	if e.Const != nil {
		return &step{fixed: []byte(*e.Const)}, nil
	}
	i, err := at(e.Column)
	if err != nil {
		return nil, err
	}
	st := &step{column: i, field: e.Column, words: e.Words}
	if t == rxvigil.TypeStatus && e.Words == nil {
		st.strict = map[string]bool{}
		for _, w := range statusWords(k) {
			st.strict[w] = true
		}
	}
	if e.Personal {
		st.field = ""
	}
	var zone *time.Location
	if e.Zone != "" {
		if zone, err = time.LoadLocation(e.Zone); err != nil {
			return nil, err
		}
	}
	var why string
	if st.convert, why = converter(t, rel.Columns[i].Type, zone); st.convert == nil {
		return nil, fmt.Errorf("column %q: %s", e.Column, why)
	}
	if e.Sign != nil {
		j, err := at(e.Sign.Column)
		if err != nil {
			return nil, err
		}
		st.sign = &signStep{column: j, values: e.Sign.Values}
	}
	for op, name := range map[byte]string{'+': e.Plus, '-': e.Minus, '*': e.Times} {
		if name == "" {
			continue
		}
		if st.other, err = at(name); err != nil {
			return nil, err
		}
		st.arithmetic = op
	}
	return st, nil
}

func compileTest(p *Predicate, at func(string) (int, error)) (*test, error) {
	if p == nil {
		return nil, nil
	}
	i, err := at(p.Column)
	if err != nil {
		return nil, err
	}
	t := &test{column: i}
	words := p.In
	switch {
	case p.Null != nil:
		t.null, t.negate = true, !*p.Null
	case p.True != nil:
		t.truth, t.negate = true, !*p.True
	case p.NotIn != nil:
		words, t.negate = p.NotIn, true
	}
	t.in = map[string]bool{}
	for _, w := range words {
		t.in[w] = true
	}
	return t, nil
}

// ask answers the predicate for a row; known is false where the row does not tell.
func (t *test) ask(row []Column) (yes, known bool) {
	c := row[t.column]
	switch {
	case c.State == Unchanged || c.State == NotSent:
		return false, false
	case t.null:
		return (c.State == Null) != t.negate, true
	case t.truth:
		return (c.State == Text && len(c.Data) > 0 && (c.Data[0] == 't' || c.Data[0] == '1')) != t.negate, true
	}
	return (c.State == Text && t.in[string(c.Data)]) != t.negate, true
}

// appendKey appends the canonical id of the entity in a row. It fails where a key column is not in the tuple.
func (p *plan) appendKey(b []byte, row []Column) ([]byte, bool) {
	for n, i := range p.key {
		if n > 0 {
			b = append(b, '/')
		}
		if row[i].State != Text {
			return b, false
		}
		b = append(b, row[i].Data...)
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
func (p *plan) encode(b []byte, row []Column, prev []byte, report func(*step, error, []byte)) []byte {
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
		if st != nil && st.native > 0 {
			b = p.steps[st.native-1].encodeNative(b, row, &old)
			continue
		}
		b = st.encode(b, row, &old, report)
	}
	return b
}

func (st *step) encode(b []byte, row []Column, old *imageReader, report func(*step, error, []byte)) []byte {
	before := old.raw()
	if st == nil {
		return appendUnknown(b)
	}
	if st.fixed != nil {
		return appendText(b, st.fixed)
	}
	c := row[st.column]
	switch c.State {
	case Unchanged, NotSent:
		if before == nil {
			return appendUnknown(b)
		}
		return append(b, before...)
	case Null:
		return appendNull(b)
	}
	return st.encodeText(b, row, c.Data, report)
}

func (old *imageReader) raw() []byte {
	raw, _, _, err := old.next()
	if err != nil {
		return nil
	}
	return raw
}

func (st *step) encodeText(b []byte, row []Column, text []byte, report func(*step, error, []byte)) []byte {
	if st.words != nil || st.strict != nil {
		word, ok := st.word(text)
		if !ok {
			report(st, errUnknownStatus, text)
		}
		return appendText(b, []byte(word))
	}
	if st.sign != nil || st.arithmetic != 0 {
		return st.compute(b, row, text, report)
	}
	var scratch [64]byte
	value, err := st.convert(scratch[:0], text)
	if err != nil {
		report(st, err, text)
		return appendUnknown(b)
	}
	return appendText(b, value)
}

var errUnknownStatus = fmt.Errorf("unknown_status")

func (st *step) word(text []byte) (string, bool) {
	if st.strict != nil {
		if st.strict[string(text)] {
			return string(text), true
		}
		return "unknown", false
	}
	if w, ok := st.words[string(text)]; ok {
		return w, true
	}
	return "unknown", false
}

// encodeNative writes the app's own word behind a status that has no canonical one.
func (st *step) encodeNative(b []byte, row []Column, old *imageReader) []byte {
	before := old.raw()
	switch c := row[st.column]; c.State {
	case Unchanged, NotSent:
		if before == nil {
			return appendUnknown(b)
		}
		return append(b, before...)
	case Text:
		if _, ok := st.word(c.Data); !ok {
			return appendText(b, c.Data)
		}
	}
	return appendUnknown(b)
}

// compute gives a signed quantity, or a sum, difference or product of two columns; unknown where an input is.
func (st *step) compute(b []byte, row []Column, text []byte, report func(*step, error, []byte)) []byte {
	n, err := rxvigil.ParseNumber(string(text))
	if err != nil {
		report(st, errBadNumber, text)
		return appendUnknown(b)
	}
	if st.sign != nil {
		c := row[st.sign.column]
		sign, ok := st.sign.values[string(c.Data)]
		if c.State != Text || !ok {
			report(st, errUnknownStatus, c.Data)
			return appendUnknown(b)
		}
		n = n.Mul(rxvigil.NumberOf(int64(sign)))
	}
	if st.arithmetic != 0 {
		n = st.arithmeticOf(n, row[st.other])
	}
	if !n.Known() {
		return appendUnknown(b)
	}
	return appendText(b, []byte(n.String()))
}

func (st *step) arithmeticOf(n rxvigil.Number, c Column) rxvigil.Number {
	if c.State == Null && st.arithmetic != '*' {
		return n
	}
	m, err := rxvigil.ParseNumber(string(c.Data))
	if err != nil {
		return rxvigil.UnknownNumber
	}
	switch st.arithmetic {
	case '+':
		return n.Add(m)
	case '-':
		return n.Sub(m)
	}
	return n.Mul(m)
}

// name is the source as messages show it.
func (s *source) name() string {
	return s.kind.String() + " from " + s.table.String() + " (#" + strconv.Itoa(s.index) + ")"
}
