package cdc

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
)

// memory is a sink that keeps everything, and remembers across readers what an engine's disk would.
type memory struct {
	// Called on the reader's goroutine, when set: before rows of a picture and before a commit are taken, and when a row asks
	// for its last image.
	onPicture func() error
	onCommit  func(*Transaction) error
	onImage   func() error

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when something changes
	kept     Kept
	gen      int64
	onPut    func(room string) // called before something is put into a scratch, when set
	images   map[string][]byte
	told     []*seen // committed transactions
	canaries map[string]bool
	booted   int
	forgets  int
	resumed  int
	pictured int
	folded   int
	gaps     []*Gap
	lost     []string
	over     string // how the reader ended
	rooms    map[string]*scratch
	parts    []*Transaction // of the transaction at hand
	parted   int
	faults   []Fault
}

// seen is a copy of a transaction.
type seen struct {
	rxvigil.Tx
	Rows     int
	Changes  []rxvigil.Change
	Messages []Message
	Faults   []Fault
	Forged   int
}

func newMemory() *memory {
	return &memory{changed: make(chan struct{}), images: map[string][]byte{}, canaries: map[string]bool{}}
}

// change alters the memory and wakes who waits.
func (m *memory) change(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
	close(m.changed)
	m.changed = make(chan struct{})
}

// reads has something done before each image is read; nil: nothing.
func (m *memory) reads(first func() error) { m.change(func() { m.onImage = first }) }

// commits has something done before each transaction is taken.
func (m *memory) commits(first func(*Transaction) error) { m.change(func() { m.onCommit = first }) }

// await waits for a fact.
func (m *memory) await(patience time.Duration, fact func(*memory) bool) bool {
	over := time.After(patience)
	for {
		m.mu.Lock()
		ok, changed := fact(m), m.changed
		m.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-over:
			return false
		}
	}
}

// look gives a copy of the counters and lists.
func (m *memory) look() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &memory{
		kept: m.kept, gen: m.gen, told: slices.Clone(m.told), booted: m.booted, resumed: m.resumed, forgets: m.forgets,
		pictured: m.pictured, folded: m.folded, gaps: slices.Clone(m.gaps), lost: slices.Clone(m.lost), faults: slices.Clone(m.faults),
		images: maps.Clone(m.images), over: m.over, parted: m.parted,
	}
}

func (m *memory) keptNow() Kept {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kept
	k.SlotGen = m.gen
	return k
}

func (m *memory) Image(key []byte) ([]byte, bool, error) {
	m.mu.Lock()
	first := m.onImage
	m.mu.Unlock()
	if first != nil {
		if err := first(); err != nil {
			return nil, false, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.images[string(key)]
	return v, ok, nil
}

func (m *memory) Keys(prefix []byte, yield func([]byte) bool) error {
	m.mu.Lock()
	keys := slices.Sorted(maps.Keys(m.images))
	m.mu.Unlock()
	for _, k := range keys {
		if strings.HasPrefix(k, string(prefix)) && !yield([]byte(k)) {
			break
		}
	}
	return nil
}

func (m *memory) Forget(_ context.Context, id Identity, hash string) error {
	m.change(func() {
		m.images, m.kept = map[string][]byte{}, Kept{Identity: id, Hash: hash}
		m.forgets++
	})
	return nil
}

func (m *memory) NewSlot(context.Context) (gen int64, err error) {
	m.change(func() { m.gen++; gen = m.gen })
	return gen, nil
}

func (m *memory) Picture(_ context.Context, tx *Transaction) error {
	if m.onPicture != nil {
		if err := m.onPicture(); err != nil {
			return err
		}
	}
	m.change(func() { m.write(tx); m.pictured += len(tx.Changes) })
	return nil
}

func (m *memory) Fold(_ context.Context, tx *Transaction) error {
	m.change(func() { m.write(tx); m.folded++ })
	return nil
}

func (m *memory) Booted(_ context.Context, tx *Transaction, gap *Gap) error {
	m.change(func() {
		m.write(tx)
		m.kept.Position, m.kept.At = tx.LSN, tx.At
		m.gaps = append(m.gaps, gap)
		m.booted++
	})
	return nil
}

func (m *memory) Moved(_ context.Context, id Identity) (bool, error) {
	m.change(func() { m.kept.Identity = id })
	return true, nil
}

func (m *memory) Resumed(context.Context, *Memory) error {
	m.change(func() { m.resumed++; m.parts = nil })
	return nil
}

func (m *memory) Commit(_ context.Context, tx *Transaction) error {
	var first func(*Transaction) error
	m.change(func() { first = m.onCommit })
	if first != nil {
		if err := first(tx); err != nil {
			return err
		}
	}
	m.change(func() {
		changes := slices.Concat(m.takeParts(), owned(tx.Changes))
		slices.SortStableFunc(changes, compareChanges)
		m.write(tx)
		m.kept.Position, m.kept.At = tx.LSN, tx.At
		m.told = append(m.told, &seen{
			Tx: tx.Tx, Rows: tx.Rows, Changes: changes, Messages: slices.Clone(tx.Messages),
			Faults: slices.Clone(tx.Faults), Forged: tx.Forged,
		})
		for _, msg := range tx.Messages {
			m.canaries[msg.ID] = true
		}
	})
	return nil
}

// owned is changes as they may be kept.
func owned(changes []rxvigil.Change) []rxvigil.Change {
	own := slices.Clone(changes)
	for i := range changes {
		own[i] = changes[i].Clone()
	}
	return own
}

// Part keeps back a part of a large transaction.
func (m *memory) Part(_ context.Context, tx *Transaction) error {
	part := &Transaction{Tx: tx.Tx, Changes: owned(tx.Changes)}
	for _, w := range tx.Writes {
		part.Writes = append(part.Writes, Write{bytes.Clone(w.Key), bytes.Clone(w.Value)})
	}
	m.change(func() { m.parts = append(m.parts, part); m.parted++ })
	return nil
}

// takeParts writes what was kept back, in the order promised, unless it is of a transaction that was never committed.
func (m *memory) takeParts() (changes []rxvigil.Change) {
	var last []byte
	for _, p := range m.parts {
		for _, w := range p.Writes {
			if bytes.Compare(last, w.Key) >= 0 {
				panic(fmt.Sprintf("write of %q behind %q", w.Key, last))
			}
			last = w.Key
		}
		m.write(p)
		changes = append(changes, p.Changes...)
	}
	m.parts = nil
	return changes
}

func (m *memory) write(tx *Transaction) {
	for _, w := range tx.Writes {
		if w.Value == nil {
			delete(m.images, string(w.Key))
		} else {
			m.images[string(w.Key)] = bytes.Clone(w.Value)
		}
	}
	m.faults = append(m.faults, tx.Faults...)
}

func (m *memory) Flush(context.Context) error { return nil }

func (m *memory) Lost(err error) { m.change(func() { m.lost = append(m.lost, err.Error()) }) }

// String tells a transaction in lines: + came, - went, ~ changed with its fields, | a line of it, ! a fault.
func (tx *seen) String() string {
	var b strings.Builder
	for i := range tx.Changes {
		c := &tx.Changes[i]
		r := c.Record()
		who := fmt.Sprintf("%s %s [%s/%s]", r.Kind(), r.ID, r.Tenant, r.Branch)
		switch {
		case c.Before == nil:
			fmt.Fprintf(&b, "+ %s%s\n", who, fieldsOf(nil, r))
		case c.After == nil:
			fmt.Fprintf(&b, "- %s%s\n", who, fieldsOf(nil, r))
		default:
			fmt.Fprintf(&b, "~ %s%s\n", who, fieldsOf(c.Before, r))
		}
		for _, l := range c.Was {
			fmt.Fprintf(&b, "| was %s [%s/%s]%s\n", l.ID, l.Tenant, l.Branch, fieldsOf(nil, l))
		}
		for _, l := range c.Lines {
			fmt.Fprintf(&b, "| %s [%s/%s]%s\n", l.ID, l.Tenant, l.Branch, fieldsOf(nil, l))
		}
	}
	for _, f := range tx.Faults {
		fmt.Fprintf(&b, "! %s of %s %s.%s %q [%s]\n", f.Reason, f.Kind, f.Table, f.Column, f.Text, f.Tenant)
	}
	return b.String()
}

// fieldsOf lists what is known of a record; against an earlier image, what differs.
func fieldsOf(before, r *rxvigil.Record) string {
	var b strings.Builder
	if r.Gone {
		b.WriteString(" gone")
	}
	for i, f := range r.Schema.Fields {
		v := r.Values[i]
		switch {
		case before != nil && v.Equal(before.Values[i]):
		case before != nil:
			fmt.Fprintf(&b, " %s=%s>%s", f.Name, shown(before.Values[i]), shown(v))
		case !v.IsUnknown():
			fmt.Fprintf(&b, " %s=%s", f.Name, shown(v))
		}
	}
	return b.String()
}

func shown(v rxvigil.Value) string {
	switch {
	case v.IsUnknown():
		return "?"
	case v.IsNull():
		return "null"
	case len(v.Text()) > 40:
		return fmt.Sprintf("(%d bytes)", len(v.Text()))
	}
	return v.Text()
}
