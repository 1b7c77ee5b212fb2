package cdc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rxvigil/rxvigil"
)

// step makes one value of an image. It belongs to one goroutine.
type step struct {
	column     int
	field      string // the app's column, for faults; empty: personal
	convert    convert
	fixed      []byte            // const
	words      map[string]string // the app's words, or the canonical ones onto themselves
	status     bool              // a word that is none makes the status "unknown"
	sign       *signStep
	arithmetic byte // '+', '-', '*' with other
	other      *step
	nativeOf   *step // this value is the app's own word of that status, where it has no canonical one

	buf []byte // the value at hand
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

func compileStep(e *Expr, t rxvigil.FieldType, k rxvigil.Kind, rel *Relation, at func(string) (int, error)) (*step, error) {
	if e == nil {
		return nil, nil
	}
	if e.Const != nil {
		return &step{fixed: []byte(*e.Const)}, nil
	}
	st, err := readStep(e, e.Column, at)
	if err != nil {
		return nil, err
	}
	st.words, st.status = e.Words, t == rxvigil.TypeStatus
	if st.status && e.Words == nil {
		st.words = map[string]string{}
		for _, w := range statusWords(k) {
			st.words[w] = w
		}
	}
	if err := st.compileConvert(e, t, rel); err != nil {
		return nil, err
	}
	if e.Sign != nil {
		word, err := readStep(e, e.Sign.Column, at)
		if err != nil {
			return nil, err
		}
		st.sign = &signStep{step: *word, values: e.Sign.Values}
	}
	for op, name := range map[byte]string{'+': e.Plus, '-': e.Minus, '*': e.Times} {
		if name == "" {
			continue
		}
		if st.other, err = readStep(e, name, at); err != nil {
			return nil, err
		}
		st.arithmetic = op
		if c, why := numberConverter(rel.Columns[st.other.column].Type); c == nil {
			return nil, fmt.Errorf("column %q: %s", name, why)
		}
	}
	return st, nil
}

// readStep reads one column.
func readStep(e *Expr, name string, at func(string) (int, error)) (*step, error) {
	i, err := at(name)
	if err != nil {
		return nil, err
	}
	st := &step{column: i, field: name}
	if e.Personal {
		st.field = ""
	}
	return st, nil
}

func (st *step) compileConvert(e *Expr, t rxvigil.FieldType, rel *Relation) error {
	if st.words != nil {
		return nil
	}
	var zone *time.Location
	if e.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(e.Zone); err != nil {
			return err
		}
	}
	var why string
	if st.convert, why = converter(t, rel.Columns[st.column].Type, zone); st.convert == nil {
		return fmt.Errorf("column %q: %s", e.Column, why)
	}
	return nil
}

func (st *step) encode(b []byte, row []Column, old *imageReader, report report) []byte {
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
		return appendBefore(b, before)
	case Null:
		return appendNull(b)
	}
	return st.encodeText(b, row, c.Data, report)
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
	case st.sign != nil || st.arithmetic != 0:
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
	switch c := row[st.column]; c.State {
	case Unchanged, NotSent:
		return appendBefore(b, before)
	case Text:
		if _, ok := st.words[string(c.Data)]; !ok {
			return appendText(b, c.Data)
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
	if ok && st.arithmetic != 0 {
		c := row[st.other.column]
		n, ok = st.combine(n, c, report)
		whole = whole && isWhole(c.Data)
	}
	if !ok || !n.Known() {
		return appendUnknown(b)
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

// combine adds, subtracts or multiplies. Nothing reserved is 0 reserved; nothing times something is unknown.
func (st *step) combine(n rxvigil.Number, c Column, report report) (rxvigil.Number, bool) {
	if c.State != Text {
		return n, c.State == Null && st.arithmetic != '*'
	}
	m, ok := st.other.number(c.Data, report)
	switch st.arithmetic {
	case '+':
		return n.Add(m), ok
	case '-':
		return n.Sub(m), ok
	}
	return n.Mul(m), ok
}
