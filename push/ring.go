package push

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// ring is the order in which batches leave memory: oldest first, whatever their tenant. Events after floor are all in memory.
type ring struct {
	floor rxvigil.Position
	slots []slot
	bytes int
}

type slot struct {
	lane   *lane
	lsn    uint64
	weight int
	at     time.Time
}

func (r *ring) push(l *lane, b *batch) {
	s := slot{lane: l, lsn: b.lsn, at: b.events[0].At}
	for _, e := range b.events {
		s.weight += e.weight()
	}
	r.bytes += s.weight
	r.slots = append(r.slots, s)
}

// shrink lets whole transactions go until the rest fits, but never the newest.
func (r *ring) shrink(limit int) {
	for r.bytes > limit && r.slots[0].lsn != r.slots[len(r.slots)-1].lsn {
		r.pop()
	}
}

func (r *ring) pop() {
	lsn := r.slots[0].lsn
	for len(r.slots) > 0 && r.slots[0].lsn == lsn {
		r.bytes -= r.slots[0].weight
		r.slots[0].lane.drop()
		r.slots[0] = slot{}
		r.slots = r.slots[1:]
	}
	r.floor = rxvigil.EndOf(r.floor.Epoch, lsn)
}

func (r *ring) oldest() time.Time {
	if len(r.slots) == 0 {
		return time.Time{}
	}
	return r.slots[0].at
}

// lane is one tenant's part of the ring. Nothing of another tenant is ever in it.
type lane struct {
	batches []*batch
	wake    bell
	tallies map[rxvigil.EventType]*tally
}

func (l *lane) add(b *batch, now time.Time) {
	l.batches = append(l.batches, b)
	for _, e := range b.events {
		t := l.tallies[e.Type]
		if t == nil {
			t = &tally{}
			l.tallies[e.Type] = t
		}
		t.count(now)
	}
}

func (l *lane) drop() {
	l.batches[0] = nil
	l.batches = l.batches[1:]
}
