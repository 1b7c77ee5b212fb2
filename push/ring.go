package push

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// ring is the order in which batches leave memory: oldest first, whatever their tenant. Events after floor are all in memory.
type ring struct {
	floor rxvigil.Position
	slots []slot // from first on, and round
	first int
	n     int
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
	if r.n == len(r.slots) {
		r.grow()
	}
	*r.slot(r.n) = s
	r.n++
}

// slot is the nth, from the oldest on; of as many as there are slots.
func (r *ring) slot(n int) *slot { return &r.slots[(r.first+n)&(len(r.slots)-1)] }

func (r *ring) grow() {
	const least = 64 // a power of two, as all sizes are
	larger := make([]slot, max(least, 2*len(r.slots)))
	copied := copy(larger, r.slots[r.first:])
	copy(larger[copied:], r.slots[:r.first])
	r.slots, r.first = larger, 0
}

// shrink lets whole transactions go until the rest fits, but never the newest.
func (r *ring) shrink(limit int) {
	for r.bytes > limit && r.slot(0).lsn != r.slot(r.n-1).lsn {
		r.pop()
	}
}

func (r *ring) pop() {
	lsn := r.slot(0).lsn
	for r.n > 0 && r.slot(0).lsn == lsn {
		oldest := r.slot(0)
		r.bytes -= oldest.weight
		oldest.lane.drop()
		*oldest = slot{}
		r.first = (r.first + 1) & (len(r.slots) - 1)
		r.n--
	}
	r.floor = rxvigil.EndOf(r.floor.Epoch, lsn)
}

func (r *ring) oldest() time.Time {
	if r.n == 0 {
		return time.Time{}
	}
	return r.slot(0).at
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
