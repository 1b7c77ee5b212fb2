package cdc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// Images is what the engine remembers of rows, by opaque keys. Reads see every write of the transactions handed on so far.
type Images interface {
	// Image gives a value; ok is false when there is none. The bytes are good until the next call.
	Image(key []byte) (value []byte, ok bool, err error)
	// Keys walks the keys with a prefix, in order, until yield says no. A key is good during the call.
	Keys(prefix []byte, yield func(key []byte) bool) error
}

// Write is a change to the images: put, or delete when Value is nil.
type Write struct {
	Key, Value []byte
}

// Transaction is one committed transaction of the source, netted: one change a record, its image before the transaction
// against the one after it. It is reused: whoever keeps something of Writes copies it.
type Transaction struct {
	rxvigil.Tx
	Rows     int // row changes delivered, mapped or not
	Changes  []rxvigil.Change
	Writes   []Write
	Messages []Message
	Faults   []Fault
	Forged   int // messages under our prefix that were not ours
}

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
	scratch []byte
	src     *source // of the row at hand, for faults
	current int32
	report  func(*step, error, []byte)

	records map[*source]map[string]*rxvigil.Record // documents read at commit
	lines   map[parentRef][]*touch                 // touched lines of each document
	out     Transaction
}

func newCollector(images Images) *collector {
	c := &collector{images: images, seed: maphash.MakeSeed(), index: map[uint64]int32{},
		records: map[*source]map[string]*rxvigil.Record{}, lines: map[parentRef][]*touch{},
	}
	c.report = func(st *step, err error, text []byte) { c.fault(st, err.Error(), text) }
	return c
}

// reset begins a transaction.
func (c *collector) reset() {
	clear(c.index)
	c.touches, c.faults, c.at, c.row = c.touches[:0], c.faults[:0], c.at[:0], 0
	clear(c.records)
	clear(c.lines)
	c.out = Transaction{Changes: c.out.Changes[:0], Writes: c.out.Writes[:0], Messages: c.out.Messages[:0]}
}

func (c *collector) fault(st *step, reason string, text []byte) {
	f := Fault{Kind: c.src.kind, Table: c.src.table.String(), Reason: reason}
	if st != nil && st.field != "" {
		f.Column, f.Text = st.field, string(text[:min(len(text), 60)])
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
	c.src = p.source
	if f.Kind == 'D' {
		return c.remove(p, f.Old)
	}
	if err := c.moved(p, f); err != nil {
		return err
	}
	var ok bool
	if c.key, ok = p.appendKey(imageKey(c.key[:0], p.source), f.New); !ok {
		c.current = -1
		c.fault(nil, "unreadable", nil)
		return nil
	}
	i, err := c.touchOf(p.source)
	if err != nil {
		return err
	}
	c.current = i
	t := &c.touches[i]
	if !p.exists(f.New, len(t.after) > 0) {
		t.after = t.after[:0]
		return nil
	}
	c.scratch = p.encode(c.scratch[:0], f.New, t.after, c.report)
	t.after = append(t.after[:0], c.scratch...)
	return nil
}

// moved handles an update that changed the key: the record under the old key goes.
func (c *collector) moved(p *plan, f *Frame) error {
	if f.OldKind == 0 {
		return nil
	}
	old, ok := p.appendKey(imageKey(nil, p.source), f.Old)
	if !ok {
		return nil
	}
	if c.key, ok = p.appendKey(imageKey(c.key[:0], p.source), f.New); ok && bytes.Equal(old, c.key) {
		return nil
	}
	return c.remove(p, f.Old)
}

func (c *collector) remove(p *plan, row []Column) error {
	var ok bool
	if c.key, ok = p.appendKey(imageKey(c.key[:0], p.source), row); !ok {
		c.current = -1
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

// finish nets the transaction. The result is good until reset.
func (c *collector) finish(tx rxvigil.Tx) (*Transaction, error) {
	out := &c.out
	out.Tx, out.Rows = tx, int(c.row)
	parents := map[parentRef]uint32{}
	for i := range c.touches {
		if err := c.net(&c.touches[i], parents); err != nil {
			return nil, err
		}
	}
	if err := c.families(parents); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out.Changes, func(a, b rxvigil.Change) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Record().Kind(), b.Record().Kind()), cmp.Compare(a.Record().ID, b.Record().ID))
	})
	c.settleFaults()
	return out, nil
}

// net turns one touch into writes and, for what is no line of a document, a change. Lines name their parents.
func (c *collector) net(t *touch, parents map[parentRef]uint32) error {
	if bytes.Equal(t.before, t.after) {
		return nil
	}
	w := Write{Key: t.key}
	if len(t.after) > 0 {
		w.Value = t.after
	}
	c.out.Writes = append(c.out.Writes, w)
	ch := rxvigil.Change{Row: t.row}
	var err error
	if ch.Before, err = t.record(t.before); err != nil {
		return err
	}
	if ch.After, err = t.record(t.after); err != nil {
		return err
	}
	if t.src.parent != nil {
		return c.line(t, ch, parents)
	}
	if ch.Record().Tenant == "" && t.src.kind != rxvigil.KindTenant {
		c.src, c.current = t.src, -1
		c.fault(nil, "no_tenant", nil)
		return nil
	}
	if t.src.lines != nil {
		ref := parentRef{t.src, t.id()}
		if row, ok := parents[ref]; !ok || t.row < row {
			parents[ref] = t.row
		}
		return nil // families makes the change, with its lines
	}
	c.out.Changes = append(c.out.Changes, ch)
	return nil
}

func (t *touch) record(image []byte) (*rxvigil.Record, error) {
	if len(image) == 0 {
		return nil, nil
	}
	r, err := t.src.record(t.id(), image)
	if err != nil {
		return nil, fmt.Errorf("read image of %s: %w", t.src.name(), err)
	}
	if t.src.kind == rxvigil.KindTenant {
		r.Tenant = rxvigil.Tenant(r.ID)
	}
	return r, nil
}

// settleFaults gives each fault the tenant of its record, as far as it can be told.
func (c *collector) settleFaults() {
	for i := range c.faults {
		f := c.faults[i]
		if c.at[i] >= 0 {
			f.Tenant = c.tenantOf(&c.touches[c.at[i]])
		}
		c.out.Faults = append(c.out.Faults, f)
	}
}

func (c *collector) tenantOf(t *touch) rxvigil.Tenant {
	image := t.after
	if len(image) == 0 {
		image = t.before
	}
	r, err := t.record(image)
	if err != nil || r == nil {
		return ""
	}
	if t.src.parent != nil {
		if p, err := c.parentRecord(t.src.parent, r.Text(0)); err == nil && p != nil {
			return p.Tenant
		}
		return ""
	}
	return r.Tenant
}
