package rules

import (
	"container/heap"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// deadline is a time at which something is looked at although nothing happened: a snooze that ends, a prescription that has waited
// for too long. Only the WAL moves the clock, so every replica comes to it at the same place.
type deadline struct {
	at     time.Time
	tenant rxvigil.Tenant
	key    string // of a matter, or an alert's fingerprint behind alertKey
}

const alertKey = "alert/"

// deadlines are a heap in the order in which they are to be kept. One that no longer applies is passed over when its time comes.
type deadlines []deadline

func (d deadlines) Len() int      { return len(d) }
func (d deadlines) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

func (d deadlines) Less(i, j int) bool {
	if !d[i].at.Equal(d[j].at) {
		return d[i].at.Before(d[j].at)
	}
	if d[i].tenant != d[j].tenant {
		return d[i].tenant < d[j].tenant
	}
	return d[i].key < d[j].key
}

// Push is part of heap.Interface.
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) }

// Pop is part of heap.Interface.
func (d *deadlines) Pop() any {
	old := *d
	last := old[len(old)-1]
	old[len(old)-1] = deadline{}
	*d = old[:len(old)-1]
	return last
}

// await notes a deadline; zero is none.
func (e *Engine) await(at time.Time, t rxvigil.Tenant, key string) {
	if !at.IsZero() {
		heap.Push(&e.deadlines, deadline{at, t, key})
	}
}

// wake keeps the deadlines up to now, in their order, each at its own time: by the clock as it stood then, which does not step back
// for one that is noted late.
func (e *Engine) wake(before time.Time) {
	if !e.settled {
		for _, d := range e.late {
			heap.Push(&e.deadlines, d)
		}
		e.late = nil
	}
	now := e.clock.now
	for len(e.deadlines) > 0 && !e.deadlines[0].at.After(now) {
		d := heap.Pop(&e.deadlines).(deadline)
		if e.clock.now = d.at; d.at.Before(before) {
			e.clock.now = before
		}
		before = e.clock.now
		print, ok := strings.CutPrefix(d.key, alertKey)
		switch {
		case ok && e.settled: // the alert is as the store has it, which is ahead
			e.late = append(e.late, d)
		case ok:
			e.wakeAlert(d.tenant, print, d.at)
		default:
			e.wakeMatter(d.tenant, d.key, d.at)
		}
	}
	e.clock.now = now
}
