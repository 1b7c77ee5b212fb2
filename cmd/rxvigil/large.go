package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// large is a transaction that comes in parts. What it means is gathered until it is too much to be told; then only the first
// thing that happened to each tenant is kept, for its resync.
type large struct {
	wall     rules.Input // its clock alone
	happened []cdc.Happening
	more     bool // too much happened to be told
	went     map[medicine]string
}

// spillroom is room on the engine's disk. It is in use from when the first part of a large transaction comes until all came of it, and so
// long the engine is thrifty: the transaction is not to cost more than a hundred megabytes.
type spillroom struct {
	cdc.Scratch
	heap   *heap
	enough func() // ends the thrift; nil: it is not in use
}

func (s *spillroom) Put(key, value []byte) error {
	if s.enough == nil {
		s.enough = s.heap.save(thriftyLarge)
	}
	return s.Scratch.Put(key, value)
}

func (s *spillroom) Clear() error {
	if s.enough != nil {
		s.enough()
		s.enough = nil
	}
	return s.Scratch.Clear()
}

// Scratch is room on the engine's disk.
func (e *engine) Scratch(name string) cdc.Scratch {
	if e.spilled[name] == nil {
		e.spilled[name] = &spillroom{Scratch: e.disk.Scratch(name), heap: &e.heap}
	}
	return e.spilled[name]
}

// medicine names one that went in the transaction: what still speaks of it needs its name.
type medicine struct {
	tenant rxvigil.Tenant
	id     string
}

func (l *large) nameOf(t rxvigil.Tenant, id string) string {
	if l == nil {
		return ""
	}
	return l.went[medicine{t, id}]
}

func (l *large) tooMuch() bool { return l != nil && l.more }

// Part folds some changes of a transaction that is too large for memory. Its images go to the disk in one piece with the
// rest of it, at its Commit.
func (e *engine) Part(ctx context.Context, tx *cdc.Transaction) error {
	if e.large == nil {
		if err := e.beginLarge(ctx, tx); err != nil {
			return err
		}
	}
	if err := e.keepImages(tx); err != nil {
		return err
	}
	in := e.large.wall
	in.Changes = tx.Changes
	r := e.rules.Load()
	e.large.remember(tx.Changes)
	e.staff.takeAll(tx.Changes)
	r.Part(in)
	e.large.tell(toEach(r, cdc.Happenings(tx.Changes, e.medicineNames(r, tx.Changes))))
	return nil
}

func (e *engine) beginLarge(ctx context.Context, tx *cdc.Transaction) error {
	if err := e.Flush(ctx); err != nil {
		return err
	}
	if err := e.disk.Bulk(); err != nil {
		return err
	}
	e.large = &large{wall: rules.Input{Tx: tx.Tx}, went: map[medicine]string{}}
	for _, m := range tx.Messages {
		if m.At.After(e.wall) {
			e.wall = m.At
		}
	}
	if len(tx.Messages) > 0 {
		e.large.wall.Wall = e.wall
	}
	return nil
}

// remember keeps the names of medicines that go.
func (l *large) remember(changes []rxvigil.Change) {
	for i := range changes {
		c := &changes[i]
		if c.After == nil && c.Before.Kind() == rxvigil.KindMedicine {
			l.went[medicine{c.Before.Tenant, c.Before.ID}] = c.Before.Text(rxvigil.MedicineName)
		}
	}
}

// tell gathers what happened.
func (l *large) tell(happened []cdc.Happening) {
	l.happened = append(l.happened, happened...)
	limit := hugeTransaction
	if l.more {
		limit /= 10
	}
	if len(l.happened) <= limit {
		return
	}
	l.more = true
	slices.SortStableFunc(l.happened, func(a, b cdc.Happening) int { return cmp.Compare(a.Row, b.Row) })
	l.happened = asResyncs(l.happened)
}
