package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"sync"
	"time"
)

// heap sets how much garbage may lie about before it is collected. Go's default, as much again as is live, is little for a small
// pharmacy, where what a burst of changes leaves behind is collected again and again, and much for a million lots. Ours fills a heap of
// a certain size, and goes beyond it by a share of what is live. Where much is read at once it is thriftier. Where GOGC is set, that
// counts.
type heap struct {
	mu      sync.Mutex // guards what follows
	asked   []*thrift  // for as long as something takes; the least counts
	percent int        // what was set last; 0: nothing yet
}

// thrift is how much garbage there may be while records are many and short-lived: percent of what is live, and some bytes in any case.
type thrift struct{ percent, bytes uint64 }

var (
	thriftyBoot  = thrift{20, 32 << 20} //nolint:gochecknoglobals // constants; Go has none for structs
	thriftyStart = thrift{30, 48 << 20} //nolint:gochecknoglobals // a warm start is to be short
	thriftyJudge = thrift{8, 16 << 20}  //nolint:gochecknoglobals // a boot holds most when it judges, and is to stay within 500 MB
	thriftyLarge = thrift{10, 16 << 20} //nolint:gochecknoglobals // a transaction is not to cost more than 100 MB
)

const (
	heapFull  = 208 << 20 // live, and garbage
	heapLeast = 40        // percent of what is live, however much that is: each collection looks at all of it
	heapMost  = 300       // percent, however little is live
	heapLook  = 100 * time.Millisecond
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

// save is thrifty until enough is called.
func (h *heap) save(t thrift) (enough func()) {
	asks := &t
	h.mu.Lock()
	h.asked = append(h.asked, asks)
	h.mu.Unlock()
	h.adjust()
	return func() {
		h.mu.Lock()
		h.asked = slices.DeleteFunc(h.asked, func(t *thrift) bool { return t == asks })
		h.mu.Unlock()
		h.adjust()
	}
}

// least is the least that is asked for; zero: nothing is.
func (h *heap) least() (least thrift) {
	for _, t := range h.asked {
		if least == (thrift{}) || t.percent < least.percent {
			least = *t
		}
	}
	return least
}

func (h *heap) adjust() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := heapPercent(liveHeap(), h.least())
	if d := percent - h.percent; d*d*100 > h.percent*h.percent { // each setting stops the world for a moment: by more than a tenth
		debug.SetGCPercent(percent)
		h.percent = percent
	}
}

// heapPercent is how much garbage there may be for so many live bytes, in percent of them.
func heapPercent(live uint64, t thrift) int {
	room, least := uint64(0), uint64(heapLeast)
	if live < heapFull {
		room = heapFull - live
	}
	if t != (thrift{}) {
		room, least = t.bytes, t.percent
	}
	return int(min(max(100*room/max(live, 1), least), heapMost))
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
