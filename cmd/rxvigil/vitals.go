package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
)

// vitals is how the engine is, as stats, health and status show it.
type vitals struct {
	mu        sync.Mutex
	status    string
	since     time.Time
	resuming  bool // until a canary of this process has come back, what another did not keep may not have been read again
	faults    int
	position  uint64
	at        time.Time // commit time of the last transaction
	lagBytes  int64
	roundTrip time.Duration
	sent      map[string]time.Time // canaries on their way
	kept      cdc.KeptWAL          // by the last look
}

// set says how the engine is from now on, and gives since when it has been so.
func (v *vitals) set(status string) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if status == "live" && v.resuming {
		status = "catching_up"
	}
	if v.status != status {
		v.status, v.since = status, time.Now().UTC()
	}
	return v.since
}

// catchingUp is by how many bytes of WAL we may be behind and still be called live.
const catchingUp = 16 << 20

// caughtUp is how long a canary's way may be if we are called live when it comes back.
const caughtUp = 5 * time.Second

// resume says that the stream goes on where the disk stands. What was told last may lie ahead of that, so nothing is called true before
// a canary that this process has sent comes back.
func (v *vitals) resume(position uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.position, v.status, v.since, v.resuming = max(v.position, position), "catching_up", time.Now().UTC(), true
}

// arrive says that everything is true.
func (v *vitals) arrive() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status, v.since, v.resuming = "live", time.Now().UTC(), false
}

func (v *vitals) fault(faults []cdc.Fault) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults += len(faults)
}

func (v *vitals) transaction(tx *cdc.Transaction) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.position, v.at = tx.LSN, tx.At
	v.faults += len(tx.Faults) + tx.Unlisted + tx.Forged
}

func (v *vitals) canarySent(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sent == nil || len(v.sent) > 100 {
		v.sent = map[string]time.Time{}
	}
	v.sent[id] = time.Now()
}

// canaries takes canaries that came back.
func (v *vitals) canaries(ids []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, id := range ids {
		if at, ok := v.sent[id]; ok {
			v.roundTrip = time.Since(at)
			clear(v.sent)
			if v.resuming && v.status == "catching_up" && v.roundTrip < caughtUp {
				v.status, v.since = "live", time.Now().UTC()
			}
			v.resuming = false
		}
	}
}

// overdue is how long the oldest canary has been on its way.
func (v *vitals) overdue() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	var longest time.Duration
	for _, at := range v.sent {
		longest = max(longest, time.Since(at))
	}
	return longest
}

// forgetCanaries stops waiting for the canaries of a stream that was given up.
func (v *vitals) forgetCanaries() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.sent)
}

// measured records how much WAL lies between the source's head and us, and what is kept for us. Seen is how far the stream was read:
// what others write is no lag of ours. Before a boot has found its place nobody knows of any.
func (v *vitals) measured(k cdc.KeptWAL, seen uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept = k
	v.lagBytes = 0
	if place := max(v.position, seen); place > 0 {
		v.lagBytes = max(0, int64(k.Head-place))
	}
	switch {
	case v.status == "live" && v.lagBytes > catchingUp:
		v.status, v.since = "catching_up", time.Now().UTC()
	case v.status == "catching_up" && v.lagBytes < 1<<20 && !v.resuming:
		v.status, v.since = "live", time.Now().UTC()
	}
}

// tooMuch tells whether more WAL is kept for us than a limit allows, by the last look; a limit of 0 allows all. What was seen
// is forgotten: each look is acted on once.
func (v *vitals) tooMuch(limit int64) (int64, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if limit == 0 || !v.kept.Exists || v.kept.Bytes <= limit {
		return 0, false
	}
	v.kept.Exists = false
	return v.kept.Bytes, true
}

// warnings are what a person should know although all is ready.
func (v *vitals) warnings() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []string
	switch k := v.kept; {
	case !k.Exists:
	case k.Status == "lost":
		all = append(all, "the source gave our slot up")
	case k.Status == "unreserved":
		all = append(all, "the source is about to give our slot up: it keeps "+rules.Size(k.Bytes)+" for us")
	case k.Limit > 0 && k.Safe >= 0 && k.Safe < k.Limit/4:
		all = append(all, rules.Size(k.Safe)+" of WAL may still be written before the source gives our slot up")
	}
	return all
}

func (v *vitals) snapshot() push.EngineVitals {
	warnings, late := v.warnings(), v.overdue()
	v.mu.Lock()
	defer v.mu.Unlock()
	out := push.EngineVitals{Status: v.status, Since: v.since, Version: version(), Faults: v.faults, LagBytes: v.lagBytes, Warnings: warnings}
	if v.status != "live" && !v.at.IsZero() {
		out.LagSeconds = max(0, time.Since(v.at).Seconds())
	}
	if late > lateCanary {
		out.LagSeconds = max(out.LagSeconds, late.Seconds())
		out.Warnings = append(out.Warnings, fmt.Sprintf("a canary has been on its way for %d s", int(late.Seconds())))
	}
	return out
}

// lateCanary is how long a canary may be on its way before that counts as lag.
const lateCanary = 2 * time.Second

// deliveries remembers which transactions were read and may not yet be visible: one that waits for synchronous replication
// is decoded before other sessions see it, and a crash then could undo what we confirmed.
type deliveries struct {
	mu   sync.Mutex
	xids []delivery
}

type delivery struct{ xid, lsn uint64 }

func (d *deliveries) add(xid, lsn uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.xids = append(d.xids, delivery{xid, lsn})
}

// visible gives how far everything delivered is visible to a snapshot, at most upTo, and forgets what lies before.
func (d *deliveries) visible(upTo uint64, snapshot pgSnapshot) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for ; n < len(d.xids) && d.xids[n].lsn <= upTo; n++ {
		if !snapshot.sees(d.xids[n].xid) {
			upTo = d.xids[n].lsn - 1
			break
		}
	}
	d.xids = append(d.xids[:0], d.xids[n:]...)
	return upTo
}

// pgSnapshot is a snapshot of the source: transactions at or above Max and those listed are not visible.
type pgSnapshot struct {
	Max     uint64
	Running []uint64
}

func (s pgSnapshot) sees(xid uint64) bool {
	return xid < s.Max && !slices.Contains(s.Running, xid)
}
