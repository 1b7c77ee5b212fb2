package cdc

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// Images is what the engine remembers of rows, by opaque keys. Reads see every write of the transactions handed on so far.
type Images interface {
	// Image gives a value; ok is false when there is none. The bytes are good until the next call.
	Image(key []byte) (value []byte, ok bool, err error)
	// Keys walks the keys with a prefix, in order, until yield says no. A key is good during the call.
	Keys(prefix []byte, yield func(key []byte) bool) error
	// Scratch gives the room of a name, always the same.
	Scratch(name string) Scratch
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
	Unlisted int // faults beyond those listed
	Forged   int // messages under our prefix that were not ours
}

// finish nets the transaction. The result is good until reset.
func (c *collector) finish(tx rxvigil.Tx) (*Transaction, error) {
	out := &c.out
	out.Tx, out.Rows = tx, int(c.row)
	if err := c.lookUp(); err != nil {
		return nil, err
	}
	if c.spilled {
		return c.finishSpilled()
	}
	for i := range c.touches {
		if err := c.net(&c.touches[i]); err != nil {
			return nil, err
		}
	}
	if err := c.families(); err != nil {
		return nil, err
	}
	sortChanges(out.Changes)
	return out, c.settleFaults()
}

// compareChanges puts what goes before what comes, where one row means both under one id.
func compareChanges(a, b rxvigil.Change) int {
	return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Record().Kind(), b.Record().Kind()), cmp.Compare(a.Record().ID, b.Record().ID), comes(a)-comes(b))
}

func comes(c rxvigil.Change) int {
	if c.After == nil {
		return 0
	}
	return 1
}

// net turns one touch into writes and, for what is no document, a change.
func (c *collector) net(t *touch) error {
	if bytes.Equal(t.before, t.after) {
		return nil
	}
	w := Write{Key: t.key}
	if len(t.after) > 0 {
		w.Value = t.after
	}
	c.out.Writes = append(c.out.Writes, w)
	if t.src.isReference() {
		return nil
	}
	if err := c.reindexHops(t); err != nil {
		return err
	}
	if t.src.head != nil {
		return c.reindexMember(t)
	}
	if same, err := t.sameEntity(); same || err != nil {
		return err
	}
	if t.src.lines != nil {
		return c.joinItself(t)
	}
	ch := rxvigil.Change{Row: t.row}
	var err error
	if ch.Before, err = t.record(&c.slab, t.before); err != nil {
		return err
	}
	if ch.After, err = t.record(&c.slab, t.after); err != nil {
		return err
	}
	if ch.Before == nil && ch.After == nil {
		return nil
	}
	if len(t.src.parents) > 0 {
		return c.line(t, ch)
	}
	c.tell(t.src, ch)
	return nil
}

// tell hands a change on. A tenant is a wall: what moves to another one goes from the first and comes to the second, and
// what has none is a fault, unless it never has one: that is told to nobody.
func (c *collector) tell(s *source, ch rxvigil.Change) {
	if s.nobodys {
		return
	}
	if ch.Before != nil && ch.After != nil && ch.Before.Tenant != ch.After.Tenant {
		went := rxvigil.Change{Row: ch.Row, Before: ch.Before, Lines: ch.Was}
		if ch.Was == nil {
			for _, l := range ch.Lines {
				went.Lines = append(went.Lines, c.of(l, ch.Before))
			}
		}
		if went.Before.Tenant != "" {
			c.tell(s, went)
		}
		ch.Before, ch.Was = nil, nil
	}
	if t := ch.Record().Tenant; t == "" || t == rxvigil.EveryTenant && !s.everyones {
		c.src, c.current = s, -1
		c.fault(nil, "no_tenant", nil)
		return
	}
	c.out.Changes = append(c.out.Changes, ch)
}

func (t *touch) record(in *slab, image []byte) (*rxvigil.Record, error) {
	if len(image) == 0 || image[0]&flagOut != 0 {
		return nil, nil
	}
	r, err := t.src.recordIn(in, alias(t.key[3:]), image)
	if err != nil {
		return nil, fmt.Errorf("read image of %s: %w", t.src.name(), err)
	}
	if t.src.kind == rxvigil.KindTenant && r.Tenant == "" {
		r.Tenant = rxvigil.Tenant(r.ID)
	}
	return r, nil
}

// settleFaults gives each fault the tenant of its record, as far as it can be told.
func (c *collector) settleFaults() error {
	for i := range c.faults {
		at := c.at[i]
		if at.src == nil {
			continue
		}
		t, err := c.peek(at.src, at.id)
		if err != nil {
			return err
		}
		if c.faults[i].Tenant, err = c.tenantOf(t); err != nil {
			return err
		}
	}
	c.list(c.faults...)
	return nil
}

func (c *collector) tenantOf(t *touch) (rxvigil.Tenant, error) {
	image := t.after
	if len(image) == 0 {
		image = t.before
	}
	r, err := t.record(nil, image)
	if err != nil || r == nil {
		return "", err
	}
	if t.src.everyones {
		return "", nil
	}
	if len(t.src.parents) == 0 {
		return r.Tenant, nil
	}
	d, err := c.parentOf(t.src, parentID(r))
	if err != nil || d.now() == nil {
		return "", err
	}
	return rxvigil.Tenant(strings.Clone(string(d.now().Tenant))), nil
}
