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
// a certain size, and goes beyond it by half of what is live; by a fifth while much is read at once, at a start or of one transaction.
// Where GOGC is set, that counts.
type heap struct {
	mu      sync.Mutex // guards what follows
	thrifty int        // how many ask for thrift
	percent int        // what was set last; 0: nothing yet
}

const (
	heapFull    = 256 << 20 // live, and garbage
	heapLeast   = 50        // percent of what is live, however much that is: each collection looks at all of it
	heapMost    = 300       // percent, however little is live
	heapThrifty = 20        // percent, as heapLeast, where thrift is asked for: records are many then, and short-lived
	heapSpare   = 32 << 20  // of garbage also then
	heapLook    = 100 * time.Millisecond
)

// Run follows what is live until ctx ends.
func (h *heap) Run(ctx context.Context) error {
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

// thrift keeps garbage scarce until enough is called; calling that again does nothing.
func (h *heap) thrift() (enough func()) {
	h.ask(1)
	return sync.OnceFunc(func() { h.ask(-1) })
}

func (h *heap) ask(n int) {
	h.mu.Lock()
	h.thrifty += n
	h.mu.Unlock()
	h.adjust()
}

func (h *heap) adjust() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := heapPercent(liveHeap(), h.thrifty > 0)
	if d := percent - h.percent; d*d*100 > h.percent*h.percent { // each setting stops the world for a moment: by more than a tenth
		debug.SetGCPercent(percent)
		h.percent = percent
	}
}

// heapPercent is how much garbage there may be for so many live bytes, in percent of them.
func heapPercent(live uint64, thrifty bool) int {
	full, least := uint64(heapFull), uint64(heapLeast)
	if thrifty {
		full, least = live+heapSpare, heapThrifty
	}
	room := uint64(0)
	if full > live {
		room = 100 * (full - live) / max(live, 1)
	}
	return int(min(max(room, least), heapMost))
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
