package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// heap sets how much garbage may lie about before it is collected. Go's default, as much again as is live, is little for a small
// pharmacy, where what a burst of changes leaves behind is collected again and again, and much for a million lots. Ours fills a heap of
// a certain size, and goes beyond it by a third. Where GOGC is set, that counts.
type heap struct {
	mu      sync.Mutex // guards what follows
	thrifty bool
	percent int // what was set last; 0: nothing yet
}

const (
	heapFull    = 256 << 20 // live, and garbage
	heapLeast   = 33        // percent of what is live, however much that is: each collection looks at all of it
	heapMost    = 300       // percent, however little is live
	heapLook    = 100 * time.Millisecond
	heapThrifty = 25 // while a large transaction is taken: its records are many and short-lived
)

// Run follows what is live until ctx ends.
func (h *heap) Run(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	tick := time.NewTicker(heapLook)
	defer tick.Stop()
	for {
		h.adjust()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (h *heap) thrift(on bool) {
	h.mu.Lock()
	h.thrifty = on
	h.mu.Unlock()
	h.adjust()
}

func (h *heap) adjust() {
	h.mu.Lock()
	defer h.mu.Unlock()
	percent := heapPercent(liveHeap())
	if h.thrifty {
		percent = min(percent, heapThrifty)
	}
	if d := percent - h.percent; d*d*100 > h.percent*h.percent { // each setting stops the world for a moment: by more than a tenth
		debug.SetGCPercent(percent)
		h.percent = percent
	}
}

// heapPercent is how much garbage there may be for so many live bytes, in percent of them.
func heapPercent(live uint64) int {
	if live >= heapFull {
		return heapLeast
	}
	return int(min(max(100*(heapFull-live)/max(live, 1), heapLeast), heapMost))
}

// liveHeap is what the last collection found to be in use.
func liveHeap() uint64 {
	s := [1]metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s[:])
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
