package main

import (
	"sync"

	"github.com/rxvigil/rxvigil/rules"
)

// waiters are those who emitted a message and wait until the engine has read it back.
type waiters struct {
	mu      sync.Mutex
	waiting map[string]chan answer
}

type answer struct {
	lsn     uint64
	receipt rules.Receipt
}

// expect registers an operation; forget must be called when nobody waits any more.
func (w *waiters) expect(operation string) (answers <-chan answer, forget func()) {
	c := make(chan answer, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string]chan answer{}
	}
	w.waiting[operation] = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, operation)
	}
}

func (w *waiters) answer(lsn uint64, receipts []rules.Receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range receipts {
		if c, ok := w.waiting[r.Operation]; ok {
			c <- answer{lsn, r}
			delete(w.waiting, r.Operation)
		}
	}
}
