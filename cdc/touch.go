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
	at      []whereabouts // of the faults
	limit   int           // touches held in memory
	size    int           // bytes of them, about

	sources  []*source
	looks    bool   // a touched record is looked up, or looks others up
	quiet    bool   // what is settled at the moment makes no faults
	settling *touch // a spilled one, for faults
	settled  []byte // its image
	found    []byte // images that it looked up
	spilled  bool
	sieve    sieve // of what was
	spillBuf []byte
	arena    []byte
	part     func(*Transaction) error // takes all but the last part of a transaction that was spilled

	key     []byte
	oldKey  []byte
	scratch []byte
	carried []byte
	src     *source // of the row at hand, for faults
	current int32
	report  report

	documents map[parentRef]document // read at commit
	refs      []parentRef            // those of parents, in order
	slab      slab                   // of what is handed on
	parents   map[parentRef]uint32   // documents that were touched, themselves or through a line, and the first row that did
	lines     map[parentRef][]*touch // touched lines of each document
	out       Transaction
}

// whereabouts is the record a fault is about; zero: none is known.
type whereabouts struct {
	src *source
	id  string
}

func newCollector(images Images) *collector {
	c := &collector{
		images: images, limit: spillTouches, seed: maphash.MakeSeed(), index: map[uint64]int32{},
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
		fresh.fresh, fresh.report, fresh.limit, fresh.sources, fresh.part = c.fresh, c.report, c.limit, c.sources, c.part
		*c = *fresh
	}
	c.slab.reset()
	clear(c.index)
	clear(c.documents)
	clear(c.parents)
	clear(c.lines)
	c.touches, c.faults, c.at, c.row, c.size, c.spilled, c.looks = c.touches[:0], c.faults[:0], c.at[:0], 0, 0, false, false
	c.out = Transaction{Changes: c.out.Changes[:0], Writes: c.out.Writes[:0], Messages: c.out.Messages[:0]}
}

func (c *collector) fault(st *step, reason string, text []byte) {
	f := Fault{Kind: c.src.said(), Table: c.src.table.String(), Reason: reason}
	if st != nil && st.field != "" {
		f.Column, f.Text = st.field, strings.ToValidUTF8(string(text[:min(len(text), 60)]), "")
	}
	if len(c.faults) >= listedFaults {
		c.out.Unlisted++
		return
	}
	var at whereabouts
	switch {
	case c.settling != nil:
		at = whereabouts{c.settling.src, c.settling.id()}
	case c.current >= 0:
		at = whereabouts{c.touches[c.current].src, c.touches[c.current].id()}
	}
	c.faults, c.at = append(c.faults, f), append(c.at, at)
}

// listedFaults is how many faults of one transaction are told one by one; the others are counted.
const listedFaults = 1000

// list tells faults, or counts them.
func (c *collector) list(faults ...Fault) {
	for _, f := range faults {
		if len(c.out.Faults) >= listedFaults {
			c.out.Unlisted++
			continue
		}
		c.out.Faults = append(c.out.Faults, f)
	}
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
	c.looks = c.looks || s.look != nil || s.isReference() || s.head != nil
	if seen {
		t.next = first
	}
	t.key = append(t.key[:0], c.key...)
	c.index[h] = int32(n)
	return int32(n), c.recall(t, !c.fresh || s.rows != nil) // of an entity, another part of a picture may have had rows
}

// recall fills a touch in with what is known of its record: from the scratch, or from its image where there may be one.
func (c *collector) recall(t *touch, imaged bool) error {
	if found, err := c.unspill(t); found || err != nil {
		return err
	}
	var image []byte
	if imaged {
		var err error
		if image, _, err = c.images.Image(t.key); err != nil {
			return fmt.Errorf("read image of %s: %w", t.src.name(), err)
		}
	}
	t.before = append(t.before[:0], image...)
	t.after = append(t.after[:0], image...)
	c.size += len(t.key) + 2*len(image)
	return nil
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
		c.keyless(p.source)
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
	c.size += len(t.after)
	return nil
}

// keyless reports a row without a key. One that others look up by a column that may be null is no fault.
func (c *collector) keyless(s *source) {
	if !s.isReference() {
		c.fault(nil, "unreadable", nil)
	}
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
		c.keyless(p.source)
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
	for i := range c.touches {
		if c.touches[i].src == s {
			c.touches[i].after = c.touches[i].after[:0]
		}
	}
	if err := c.truncateSpilled(s); err != nil {
		return err
	}
	var failed error
	err := c.images.Keys(imageKey(nil, s), func(k []byte) bool {
		c.key = append(c.key[:0], k...)
		i, err := c.touchOf(s)
		if err == nil {
			c.touches[i].after = c.touches[i].after[:0]
			err = c.relieve()
		}
		failed = err
		return failed == nil
	})
	if failed != nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("truncate %s: %w", s.name(), err)
	}
	return nil
}
