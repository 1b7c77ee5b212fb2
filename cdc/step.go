package cdc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rxvigil/rxvigil"
)

// step makes one value of an image. It belongs to one goroutine.
type step struct {
	later      bool    // found when the transaction is netted
	first      []*step // the first that is not null
	ready      ready   // what is done to a text before anything else
	column     int
	field      string // the app's column, for faults; empty: personal
	convert    convert
	fixed      []byte            // const
	words      map[string]string // the app's words, or the canonical ones onto themselves
	status     bool              // a word that is none makes the status "unknown"
	sign       *signStep
	rest       []byte      // else: the value, as it stands in an image, of a word that is none
	operations []operation // what is added, taken away and multiplied with, in this order
	round      *int        // decimals of the result
	nativeOf   *step       // this value is the app's own word of that status, where it has no canonical one

	buf []byte // the value at hand
}

// operation is a second number that changes the first.
type operation struct {
	sign byte // '+', '-', '*' or '/'
	with *step
}

// signStep chooses a quantity's direction by a column's word.
type signStep struct {
	step
	values map[string]int
}

// report takes a fault of a value: the step, why, and the offending text.
type report func(*step, error, []byte)

var (
	errUnknownStatus = errors.New("unknown_status")
	errUnknownWord   = errors.New("unknown_word")
)

// scope is the row that steps read: a table's own, or one with the columns that were looked up.
type scope struct {
	*Relation
	found   func(e *Expr) int // place of a looked-up column
	hashKey []byte
}

func (sc *scope) at(name string) (int, error) {
	for i := range sc.Columns {
		if sc.Columns[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%s.%s has no column %q", sc.Schema, sc.Name, name)
}

// asked is the place of the column that a predicate asks about.
func (sc *scope) asked(p *Predicate) (int, error) {
	if p.From != "" {
		return sc.found(p.expr()), nil
	}
	return sc.at(p.Column)
}

func (sc *scope) compile(e *Expr, t rxvigil.FieldType, k rxvigil.Kind) (*step, error) {
	switch {
	case e == nil:
		return nil, nil
	case sc.found == nil && e.waits():
		return &step{later: true}, nil
	case e.Const != nil:
		return &step{fixed: []byte(*e.Const)}, nil
	case len(e.First) > 0:
		return sc.compileFirst(e, t, k)
	}
	st, err := sc.read(e, e)
	if err != nil {
		return nil, err
	}
	st.words, st.status, st.rest = e.Words, t == rxvigil.TypeStatus, e.rest()
	if st.status && e.Words == nil {
		st.words = map[string]string{}
		for _, w := range statusWords(k) {
			st.words[w] = w
		}
	}
	if st.ready, err = compileReady(e, sc.Columns[st.column]); err != nil {
		return nil, err
	}
	if err := st.compileConvert(e, t, sc.Columns[st.column].Type); err != nil {
		return nil, err
	}
	if e.Hash {
		st.convert, st.field = hashed(st.convert, sc.hashKey), ""
	}
	if e.Sign != nil {
		word, err := sc.read(e, e.Sign.word())
		if err != nil {
			return nil, err
		}
		st.sign = &signStep{step: *word, values: e.Sign.Values}
	}
	for i, name := range []string{e.Plus, e.Minus, e.Times, e.Over} {
		if name == "" {
			continue
		}
		with, err := sc.read(e, &Expr{Column: name})
		if err != nil {
			return nil, err
		}
		with.round = e.Round
		st.operations = append(st.operations, operation{"+-*/"[i], with})
		if c, why := numberConverter(sc.Columns[with.column].Type); c == nil {
			return nil, fmt.Errorf("column %q: %s", name, why)
		}
	}
	return st, nil
}

// read reads one column that an expression names.
func (sc *scope) read(e, column *Expr) (*step, error) {
	st := &step{field: column.Column}
	if column.From != "" {
		st.column, st.field = sc.found(column), column.From+"."+column.Column
	} else {
		var err error
		if st.column, err = sc.at(column.Column); err != nil {
			return nil, err
		}
	}
	if e.Personal {
		st.field = ""
	}
	return st, nil
}

// compileFirst compiles expressions of which the first that is not null counts.
func (sc *scope) compileFirst(e *Expr, t rxvigil.FieldType, k rxvigil.Kind) (*step, error) {
	st := &step{}
	for i := range e.First {
		one := e.First[i]
		one.Personal = one.Personal || e.Personal
		alternative, err := sc.compile(&one, t, k)
		if err != nil {
			return nil, err
		}
		st.first = append(st.first, alternative)
	}
	return st, nil
}

func (st *step) compileConvert(e *Expr, t rxvigil.FieldType, column uint32) error {
	if st.words != nil {
		return nil
	}
	if e.JSON != "" {
		column = oidText
	}
	var why string
	if st.convert, why = e.converter(t, column); st.convert == nil {
		return fmt.Errorf("column %q: %s", e.Column, why)
	}
	st.round = e.Round
	return nil
}

// converter picks the function for a field's type, as the expression wants it.
func (e *Expr) converter(t rxvigil.FieldType, column uint32) (c convert, why string) {
	zone, err := zoneOf(e.Zone)
	if err != nil {
		return nil, err.Error()
	}
	switch {
	case t == rxvigil.TypeDay && e.Format != "":
		c, why = formatConverter(column, e.Format)
	case t == rxvigil.TypeDay && e.DayIn != "":
		c, why = dayInConverter(column, zone, e.DayIn)
	default:
		c, why = converter(t, column, zone)
	}
	switch {
	case c == nil:
	case t == rxvigil.TypeDay && e.MonthEnd:
		c = monthEnd(c)
	case t == rxvigil.TypeNumber && e.Round != nil:
		c = rounded(*e.Round)
	}
	return c, why
}

// zoneOf loads a time zone; nil without a name.
func zoneOf(name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	return time.LoadLocation(name)
}

func (st *step) encode(b []byte, row []Column, old *imageReader, report report) []byte {
	before := old.raw()
	if st == nil {
		return appendUnknown(b)
	}
	if st.later {
		return appendBefore(b, before)
	}
	if st.fixed != nil {
		return appendText(b, st.fixed)
	}
	if st.first != nil {
		return st.chosen(row).encode(b, row, &imageReader{}, report)
	}
	c := row[st.column]
	switch c.State {
	case Unchanged, NotSent:
		return appendBefore(b, before)
	case Null:
		return appendNull(b)
	}
	text, state, err := st.ready.text(c.Data)
	if err != nil {
		report(st, err, nil) // the JSON may hold anything
		return appendUnknown(b)
	}
	if state == Null {
		return appendNull(b)
	}
	return st.encodeText(b, row, text, report)
}

// chosen is the first expression that is not null; the last, where all are.
func (st *step) chosen(row []Column) *step {
	for _, one := range st.first[:len(st.first)-1] {
		if !one.null(row) {
			return one
		}
	}
	return st.first[len(st.first)-1]
}

// null tells whether a step gives null. What is unknown is not null: nobody knows whether the next one counts.
func (st *step) null(row []Column) bool {
	switch {
	case st.fixed != nil:
		return false
	case st.first != nil:
		return !slices.ContainsFunc(st.first, func(one *step) bool { return !one.null(row) })
	case row[st.column].State != Text:
		return row[st.column].State == Null
	}
	_, state, err := st.ready.text(row[st.column].Data)
	return err == nil && state == Null
}

// appendBefore keeps a value as it was; one that was never seen is unknown.
func appendBefore(b, before []byte) []byte {
	if before == nil {
		return appendUnknown(b)
	}
	return append(b, before...)
}

func (old *imageReader) raw() []byte {
	raw, _, _, err := old.next()
	if err != nil {
		return nil
	}
	return raw
}

func (st *step) encodeText(b []byte, row []Column, text []byte, report report) []byte {
	switch {
	case st.words != nil:
		return st.translate(b, text, report)
	case st.sign != nil || len(st.operations) > 0:
		return st.compute(b, row, text, report)
	}
	var err error
	if st.buf, err = st.convert(st.buf[:0], text); err != nil {
		report(st, err, text)
		if len(st.buf) == 0 {
			return appendUnknown(b)
		}
	}
	return appendText(b, st.buf)
}

// translate gives the canonical word. One that is missing is the status "unknown", and for anything else no value at all: a
// tenant must not be guessed.
func (st *step) translate(b, text []byte, report report) []byte {
	word, ok := st.words[string(text)]
	switch {
	case ok:
	case st.rest != nil:
		return append(b, st.rest...)
	case st.status:
		word = "unknown"
		report(st, errUnknownStatus, text)
	default:
		report(st, errUnknownWord, text)
		return appendUnknown(b)
	}
	b = binary.AppendUvarint(b, uint64(len(word))+2)
	return append(b, word...)
}

// encodeNative writes the app's own word behind a status that has no canonical one.
func (st *step) encodeNative(b []byte, row []Column, old *imageReader) []byte {
	before := old.raw()
	switch {
	case st.first != nil:
		return st.chosen(row).encodeNative(b, row, old)
	case st.fixed != nil:
		return appendUnknown(b)
	}
	switch c := row[st.column]; c.State {
	case Unchanged, NotSent:
		return appendBefore(b, before)
	case Text:
		text, state, err := st.ready.text(c.Data)
		if _, ok := st.words[string(text)]; !ok && err == nil && state == Text {
			return appendText(b, text)
		}
	}
	return appendUnknown(b)
}

// compute gives a signed quantity, or a sum, difference or product of two columns; unknown where an input is.
func (st *step) compute(b []byte, row []Column, text []byte, report report) []byte {
	n, ok := st.number(text, report)
	whole := isWhole(text)
	if ok && st.sign != nil {
		var sign int
		if sign, ok = st.sign.ask(row, report); ok {
			n = n.Mul(rxvigil.NumberOf(int64(sign)))
		}
	}
	for i := 0; ok && i < len(st.operations); i++ {
		c := row[st.operations[i].with.column]
		n, ok = st.operations[i].apply(n, c, report)
		whole = whole && isWhole(c.Data)
	}
	if !ok || !n.Known() {
		return appendUnknown(b)
	}
	if st.round != nil {
		var err error
		if st.buf, err = roundText(st.buf[:0], []byte(n.String()), *st.round); err != nil {
			return appendUnknown(b)
		}
		return appendText(b, st.buf)
	}
	if i := n.Int64(); whole && rxvigil.NumberOf(i).Equal(n) {
		st.buf = strconv.AppendInt(st.buf[:0], i, 10)
	} else {
		st.buf = append(st.buf[:0], n.String()...)
	}
	return appendText(b, st.buf)
}

func isWhole(text []byte) bool { return bytes.IndexByte(text, '.') < 0 }

func (st *step) number(text []byte, report report) (rxvigil.Number, bool) {
	n, err := rxvigil.ParseNumber(alias(text))
	for _, spare := range [...]int{6, 0} { // a double has more digits than we count with
		if err == nil || st.round == nil {
			break
		}
		short, bad := roundText(nil, text, *st.round+spare)
		if bad != nil {
			break
		}
		n, err = rxvigil.ParseNumber(alias(short))
	}
	if err != nil {
		report(st, errBadNumber, text)
	}
	return n, err == nil
}

func (s *signStep) ask(row []Column, report report) (int, bool) {
	c := row[s.column]
	sign, ok := s.values[string(c.Data)]
	if c.State != Text || !ok {
		report(&s.step, errUnknownWord, c.Data)
		return 0, false
	}
	return sign, true
}

// apply adds, subtracts, multiplies or divides. Nothing reserved is 0 reserved; nothing times something is unknown.
func (o *operation) apply(n rxvigil.Number, c Column, report report) (rxvigil.Number, bool) {
	if c.State != Text {
		return n, c.State == Null && (o.sign == '+' || o.sign == '-')
	}
	m, ok := o.with.number(c.Data, report)
	switch o.sign {
	case '+':
		return n.Add(m), ok
	case '-':
		return n.Sub(m), ok
	case '/':
		return n.Quo(m), ok
	}
	return n.Mul(m), ok
}
