package push

import "sync/atomic"

// bell wakes everyone who waits, at no cost when nobody does. Its methods are called under the owner's lock: wait under
// the reading lock, ring under the writing one.
type bell struct {
	c     chan struct{}
	heard *atomic.Bool // someone took c since it was made
}

func newBell() bell { return bell{make(chan struct{}), new(atomic.Bool)} }

// wait gives a channel that is closed at the next ring.
func (b *bell) wait() <-chan struct{} {
	b.heard.Store(true)
	return b.c
}

func (b *bell) ring() {
	if b.heard.Swap(false) {
		close(b.c)
		b.c = make(chan struct{})
	}
}
