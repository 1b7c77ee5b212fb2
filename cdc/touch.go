package cdc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// touch is a record that the open transaction touched.
type touch struct {
	src           *source
	key           []byte // image key
	before, after []byte // images; empty: none
	row           uint32
	next          int32 // another touch of the same hash, or -1
}

func (t *touch) id() string { return string(t.key[3:]) }

// collector nets the rows of the open transaction. Nothing it holds outlives an abort: a connection lost in the middle of
// a transaction costs no more than reading it again.
type collector struct {
	images  Images
	fresh   bool // a picture: no row was there before, and documents are told without their lines
	seed    maphash.Seed
	index   map[uint64]int32
	touches []touch
	row     uint32
	faults  []Fault
	at      []int32 // fault → touch

	key     []byte
	oldKey  []byte
	scratch []byte
	carried []byte
	src     *source // of the row at hand, for faults
	current int32
	report  report

	documents map[parentRef]document // read at commit
	parents   map[parentRef]uint32   // documents that were touched, themselves or through a line, and the first row that did
	lines     map[parentRef][]*touch // touched lines of each document
	out       Transaction
}

func newCollector(images Images) *collector {
	c := &collector{
		images: images, seed: maphash.MakeSeed(), index: map[uint64]int32{},
		documents: map[parentRef]document{}, parents: map[parentRef]uint32{}, lines: map[parentRef][]*touch{},
	}
	c.report = func(st *step, err error, text []byte) { c.fault(st, err.Error(), text) }
	return c
}

// manyTouches is how many records a transaction touches at most for its memory to be kept for the next one.
const manyTouches = 1 << 14

// reset begins a transaction.
func (c *collector) reset() {
	if len(c.touches) > manyTouches {
		fresh := newCollector(c.images)
		fresh.fresh, fresh.report = c.fresh, c.report
		*c = *fresh
	}
	clear(c.index)
	clear(c.documents)
	clear(c.parents)
	clear(c.lines)
	c.touches, c.faults, c.at, c.row = c.touches[:0], c.faults[:0], c.at[:0], 0
	c.out = Transaction{Changes: c.out.Changes[:0], Writes: c.out.Writes[:0], Messages: c.out.Messages[:0]}
}

func (c *collector) fault(st *step, reason string, text []byte) {
	f := Fault{Kind: c.src.kind, Table: c.src.table.String(), Reason: reason}
	if st != nil && st.field != "" {
		f.Column, f.Text = st.field, strings.ToValidUTF8(string(text[:min(len(text), 60)]), "")
	}
	c.faults = append(c.faults, f)
	c.at = append(c.at, c.current)
}

// Image keys and line keys. Lines are found by their parent: 'l', source, parent id, 0, line id.
func imageKey(b []byte, s *source) []byte {
	return binary.BigEndian.AppendUint16(append(b, 'i'), uint16(s.index))
}

func lineKey(b []byte, s *source, parent, id string) []byte {
	b = binary.BigEndian.AppendUint16(append(b, 'l'), uint16(s.index))
	b = append(append(b, parent...), 0)
	return append(b, id...)
}

// touchOf finds or begins the touch of c.key.
func (c *collector) touchOf(s *source) (int32, error) {
	h := maphash.Bytes(c.seed, c.key)
	if i, ok := c.findHash(h); ok {
		return i, nil
	}
	first, seen := c.index[h]
	n := len(c.touches)
	if n < cap(c.touches) {
		c.touches = c.touches[:n+1] // keeps the buffers of an earlier transaction
	} else {
		c.touches = append(c.touches, touch{})
	}
	t := &c.touches[n]
	t.src, t.row, t.next = s, c.row, -1
	if seen {
		t.next = first
	}
	t.key = append(t.key[:0], c.key...)
	var image []byte
	if !c.fresh {
		var err error
		if image, _, err = c.images.Image(t.key); err != nil {
			return 0, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
	}
	t.before = append(t.before[:0], image...)
	t.after = append(t.after[:0], image...)
	c.index[h] = int32(n)
	return int32(n), nil
}

// find gives the touch of c.key, if there is one.
func (c *collector) find() (int32, bool) { return c.findHash(maphash.Bytes(c.seed, c.key)) }

func (c *collector) findHash(h uint64) (int32, bool) {
	i, seen := c.index[h]
	for ; seen && i >= 0; i = c.touches[i].next {
		if bytes.Equal(c.touches[i].key, c.key) {
			return i, true
		}
	}
	return 0, false
}

// change takes one row change for one plan.
func (c *collector) change(p *plan, f *Frame) error {
	c.src, c.current = p.source, -1
	if f.Kind == 'D' {
		return c.remove(p, f.Old)
	}
	carried, err := c.moved(p, f)
	if err != nil {
		return err
	}
	var ok bool
	if c.key, ok = p.appendKey(imageKey(c.key[:0], p.source), f.New); !ok {
		c.fault(nil, "unreadable", nil)
		return nil
	}
	i, err := c.touchOf(p.source)
	if err != nil {
		return err
	}
	c.current = i
	t := &c.touches[i]
	last := t.after
	if len(last) == 0 {
		last = carried
	}
	if !p.exists(f.New, len(last) > 0) {
		t.after = t.after[:0]
		return nil
	}
	if len(last) == 0 && f.OldKind == 'O' && incomplete(f.New) {
		c.carried = p.encode(c.carried[:0], f.Old, nil, func(*step, error, []byte) {})
		last = c.carried
	}
	c.scratch = p.encode(c.scratch[:0], f.New, last, c.report)
	t.after = append(t.after[:0], c.scratch...)
	return nil
}

// incomplete tells whether a row has values that only an earlier image knows.
func incomplete(row []Column) bool {
	return slices.ContainsFunc(row, func(c Column) bool { return c.State == Unchanged })
}

// moved handles an update that changed the key: the record under the old key goes, and its image is given, because values
// too long to be sent again are the same under the new one.
func (c *collector) moved(p *plan, f *Frame) ([]byte, error) {
	if f.OldKind == 0 {
		return nil, nil
	}
	var ok bool
	if c.oldKey, ok = p.appendKey(imageKey(c.oldKey[:0], p.source), f.Old); !ok {
		return nil, nil
	}
	if c.key, ok = p.appendKey(imageKey(c.key[:0], p.source), f.New); ok && bytes.Equal(c.oldKey, c.key) {
		return nil, nil
	}
	c.key = append(c.key[:0], c.oldKey...)
	i, err := c.touchOf(p.source)
	if err != nil {
		return nil, err
	}
	t := &c.touches[i]
	c.carried = append(c.carried[:0], t.after...)
	t.after = t.after[:0]
	return c.carried, nil
}

func (c *collector) remove(p *plan, row []Column) error {
	var ok bool
	if c.key, ok = p.appendKey(imageKey(c.key[:0], p.source), row); !ok {
		c.fault(nil, "unreadable", nil)
		return nil
	}
	i, err := c.touchOf(p.source)
	if err != nil {
		return err
	}
	c.touches[i].after = c.touches[i].after[:0]
	return nil
}

// truncate removes every record of a source.
func (c *collector) truncate(s *source) error {
	var keys [][]byte
	prefix := imageKey(nil, s)
	if err := c.images.Keys(prefix, func(k []byte) bool { keys = append(keys, bytes.Clone(k)); return true }); err != nil {
		return fmt.Errorf("truncate %s: %w", s.name(), err)
	}
	for _, k := range keys {
		c.key = append(c.key[:0], k...)
		if _, err := c.touchOf(s); err != nil {
			return err
		}
	}
	for i := range c.touches {
		if c.touches[i].src == s {
			c.touches[i].after = c.touches[i].after[:0]
		}
	}
	return nil
}
