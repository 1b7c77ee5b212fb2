package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/state"
)

// engine is where the rooms meet: it takes transactions from cdc, has rules fold and judge them, stores alerts, then the
// images and the log, and publishes. All its methods that cdc calls run on one goroutine; what others read is atomic or
// behind its own lock.
type engine struct {
	disk      *state.Store
	store     alertStore
	log       *push.Log
	logger    *slog.Logger
	newRules  func() (*rules.Engine, error)
	rules     atomic.Pointer[rules.Engine]
	retention state.Retention
	slot      string
	metrics   *engineMetrics

	epoch    string
	settled  uint64                        // the alert store has every transition up to here
	recorded map[uint64][]rules.Transition // those that the log may still lack, by LSN
	started  bool                          // the log is open
	group    []done
	since    time.Time // when the open group began
	wall     time.Time
	trimmed  time.Time

	ready   chan struct{} // closed when alerts are true for the first time
	waiting waiters
	vital   vitals
	durable atomic.Uint64 // end LSN of the last transaction given to the disk
	unsure  deliveries
}

// alertStore keeps alerts; rules/pgstore satisfies it.
type alertStore interface {
	rules.Store
	// Request gives what a person said with a command, by its operation.
	Request(ctx context.Context, t rxvigil.Tenant, id string) (by, note string, err error)
	// NewSlot records that our slot is made anew, and gives its generation.
	NewSlot(ctx context.Context) (int64, error)
	// Identify records which source and epoch the engine reads.
	Identify(ctx context.Context, identity, epoch string, slotGeneration int64) error
}

// done is a transaction that was folded and judged, and waits for its group to be stored.
type done struct {
	entry    push.Entry
	commit   rules.Commit
	receipts []rules.Receipt
	canaries []string
}

// A group is stored together: while transactions wait in line, one write serves many. It ends at whichever comes first.
const (
	groupCount = 512
	groupBytes = 4 << 20
	groupAge   = 25 * time.Millisecond
)

// hugeTransaction is the number of events past which a transaction is told as a resync.
const hugeTransaction = 50_000

// Image, Keys: cdc reads the images through the open group.
func (e *engine) Image(key []byte) ([]byte, bool, error) { return e.disk.Image(key) }

// Keys walks the keys of images.
func (e *engine) Keys(prefix []byte, yield func([]byte) bool) error {
	return e.disk.Keys(prefix, yield)
}

// Forget voids everything: a cold boot begins.
func (e *engine) Forget(ctx context.Context, id cdc.Identity, hash string) error {
	identity, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("encode identity: %w", err)
	}
	e.epoch = epochOf(id, hash)
	e.group, e.recorded, e.settled = nil, nil, 0
	e.vital.set("starting")
	fresh, err := e.newRules()
	if err != nil {
		return err
	}
	e.rules.Store(fresh)
	if err := e.disk.Reset(identity, hash, e.epoch); err != nil {
		return err
	}
	return e.retry(ctx, "identify", func() error { return e.store.Identify(ctx, id.String(), e.epoch, id.Slot) })
}

// epochOf names the stretch in which positions can be compared: the source and the mapping.
func epochOf(id cdc.Identity, hash string) string {
	sum := sha256.Sum256([]byte(id.String() + "\x00" + hash))
	return hex.EncodeToString(sum[:5])
}

// NewSlot records a new generation of our slot.
func (e *engine) NewSlot(ctx context.Context) (generation int64, err error) {
	err = e.retry(ctx, "new slot", func() error { generation, err = e.store.NewSlot(ctx); return err })
	return generation, err
}

// Picture takes rows of a cold boot.
func (e *engine) Picture(_ context.Context, tx *cdc.Transaction) error { return e.picture(tx) }

// Fold takes a transaction that committed while the tables were read.
func (e *engine) Fold(_ context.Context, tx *cdc.Transaction) error { return e.picture(tx) }

func (e *engine) picture(tx *cdc.Transaction) error {
	if err := e.keepImages(tx); err != nil {
		return err
	}
	r := e.rules.Load()
	for i := range tx.Changes {
		r.Fold(&tx.Changes[i])
	}
	e.vital.fault(tx.Faults)
	if e.disk.GroupSize() < groupBytes {
		return nil
	}
	return e.disk.Commit()
}

func (e *engine) keepImages(tx *cdc.Transaction) error {
	for _, w := range tx.Writes {
		if err := e.disk.PutImage(w.Key, w.Value); err != nil {
			return err
		}
	}
	return nil
}

// Booted judges everything once: the log starts here.
func (e *engine) Booted(ctx context.Context, tx *cdc.Transaction, gap *cdc.Gap) error {
	snapshot, err := e.load(ctx)
	if err != nil {
		return err
	}
	r := e.rules.Load()
	r.Restore(snapshot.Alerts, snapshot.Episodes)
	r.RestoreOccurrences(snapshot.Occurrences)
	in, err := e.input(ctx, tx)
	if err != nil {
		return err
	}
	if gap != nil {
		in.Blind = &rules.Interval{From: gap.From, To: gap.To, Since: gap.Since, Until: gap.Until, Reason: gap.Reason}
	}
	out := r.JudgeAll(in)
	out.Usage = nil
	r.Usage(func(u rules.Usage) bool { out.Usage = append(out.Usage, u); return true })
	floor := rxvigil.EndOf(e.epoch, tx.LSN-1)
	e.disk.SetFloor(tx.LSN - 1)
	if err := e.keepImages(tx); err != nil {
		return err
	}
	if err := e.settle(tx, in, out); err != nil {
		return err
	}
	if err := e.save(ctx); err != nil {
		return err
	}
	if err := e.disk.Sync(); err != nil {
		return err
	}
	e.open(floor, floor)
	e.publish()
	return nil
}

// Resumed goes on where the disk stands. The first time, memory is rebuilt from it.
func (e *engine) Resumed(ctx context.Context, m *cdc.Memory) error {
	if e.started {
		e.log.Fresh()
		e.vital.set("live")
		return nil
	}
	if err := e.remember(ctx, m); err != nil {
		return err
	}
	meta := e.disk.Meta()
	e.durable.Store(meta.Position)
	e.open(rxvigil.EndOf(e.epoch, meta.Floor), rxvigil.EndOf(e.epoch, meta.Position))
	return nil
}

func (e *engine) open(floor, head rxvigil.Position) {
	e.log.Start(e.epoch, floor, head)
	e.log.Fresh()
	e.vital.set("live")
	if !e.started {
		e.started = true
		close(e.ready)
	}
}

// remember rebuilds features and alerts from the disk and the alert store.
func (e *engine) remember(ctx context.Context, m *cdc.Memory) error {
	meta := e.disk.Meta()
	e.epoch, e.wall = meta.Epoch, meta.Wall
	r, err := e.newRules()
	if err != nil {
		return err
	}
	e.rules.Store(r)
	if err := e.foldImages(r, m); err != nil {
		return err
	}
	if err := e.foldUsage(r); err != nil {
		return err
	}
	snapshot, err := e.load(ctx)
	if err != nil {
		return err
	}
	r.Restore(snapshot.Alerts, snapshot.Episodes)
	r.RestoreOccurrences(snapshot.Occurrences)
	if snapshot.Position.Epoch == e.epoch && snapshot.Position.LSN > meta.Position {
		if err := e.replayRecorded(ctx, r, meta.Position, snapshot.Position.LSN); err != nil {
			return err
		}
	}
	r.Refresh(meta.Now)
	return nil
}

func (e *engine) foldImages(r *rules.Engine, m *cdc.Memory) error {
	var failed error
	for _, prefix := range m.Prefixes(rxvigil.KindTenant, rxvigil.KindBranch, rxvigil.KindMedicine, rxvigil.KindLot) {
		err := e.disk.Images(prefix, func(key, value []byte) bool {
			record, err := m.Record(key, value)
			if err != nil {
				failed = err
				return false
			}
			if record.Tenant != "" {
				r.Fold(&rxvigil.Change{After: record})
			}
			return true
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) foldUsage(r *rules.Engine) error {
	var failed error
	err := e.disk.Usage(func(key, value []byte) bool {
		u, err := rules.ParseUsage(string(key), value)
		if err != nil {
			failed = err
			return false
		}
		r.FoldUsage(u)
		return true
	})
	return errors.Join(err, failed)
}

// replayRecorded prepares for transactions that the alert store has and the disk lost: they are judged no second time, but
// told again under the same names.
func (e *engine) replayRecorded(ctx context.Context, r *rules.Engine, from, to uint64) error {
	var all []rules.Recorded
	if err := e.retry(ctx, "read recorded transitions", func() (err error) {
		all, err = e.store.Since(ctx, e.epoch, from)
		return err
	}); err != nil {
		return err
	}
	e.recorded, e.settled = map[uint64][]rules.Transition{}, to
	for _, t := range all {
		e.recorded[t.Pos.LSN] = append(e.recorded[t.Pos.LSN], t.Transition)
	}
	r.Settle(to)
	return nil
}

func (e *engine) load(ctx context.Context) (s rules.Snapshot, err error) {
	err = e.retry(ctx, "load alerts", func() error { s, err = e.store.Load(ctx); return err })
	return s, err
}

// Lost says that the source is out of sight.
func (e *engine) Lost(err error) {
	e.vital.set("stale")
	if e.started {
		e.log.Stale(time.Now(), "source out of sight")
	}
	e.logger.Debug("source_out_of_sight", "error", err.Error())
}

// Commit folds and judges one transaction; the group keeps it until it is stored.
func (e *engine) Commit(ctx context.Context, tx *cdc.Transaction) error {
	if err := e.keepImages(tx); err != nil {
		return err
	}
	in, err := e.input(ctx, tx)
	if err != nil {
		return err
	}
	out := e.rules.Load().Commit(in)
	if tx.LSN <= e.settled {
		out.Transitions = e.recorded[tx.LSN]
	}
	if err := e.settle(tx, in, out); err != nil {
		return err
	}
	if len(e.group) >= groupCount || e.disk.GroupSize() >= groupBytes || time.Since(e.since) > groupAge {
		return e.Flush(ctx)
	}
	return nil
}

// settle puts what became of a transaction into the open group: its log entry, its usage, the position.
func (e *engine) settle(tx *cdc.Transaction, in rules.Input, out rules.Outcome) error {
	if len(e.group) == 0 {
		e.since = time.Now()
	}
	d := done{receipts: out.Receipts, entry: push.Entry{LSN: tx.LSN}}
	d.commit = rules.Commit{Epoch: e.epoch, Tx: tx.Tx, Transitions: out.Transitions, Occurrences: out.Occurrences}
	events := e.events(tx, out)
	for i := range events {
		d.entry.Events = append(d.entry.Events, push.NewEvent(&events[i]))
	}
	if len(events) > 0 {
		if err := e.disk.Append(tx.LSN, tx.At, encodeEntry(d.entry)); err != nil {
			return err
		}
	}
	for _, u := range out.Usage {
		if err := e.disk.PutUsage([]byte(u.Key()), u.Append(nil)); err != nil {
			return err
		}
	}
	for _, m := range tx.Messages {
		switch {
		case m.Op == "canary":
			d.canaries = append(d.canaries, m.ID)
		case m.Op == "event" && m.ID != "":
			d.receipts = append(d.receipts, rules.Receipt{Operation: m.ID, Applied: true})
		}
	}
	if tx.LSN <= e.settled { // the alert store has it
		d.commit.Transitions, d.commit.Occurrences = nil, nil
	}
	e.disk.Advance(tx.LSN, tx.At, e.rules.Load().Now(), in.Wall)
	e.group = append(e.group, d)
	e.unsure.add(tx.XID, tx.LSN)
	e.vital.transaction(tx)
	e.metrics.transaction(tx, out)
	return nil
}

// Flush stores the group and publishes it: alerts first, then the disk, then the log. An event is seen only after its
// alerts are stored.
func (e *engine) Flush(ctx context.Context) error {
	if len(e.group) == 0 {
		return nil
	}
	if err := e.save(ctx); err != nil {
		return err
	}
	e.publish()
	return nil
}

func (e *engine) save(ctx context.Context) error {
	var commits []rules.Commit
	for _, d := range e.group {
		if len(d.commit.Transitions) > 0 || len(d.commit.Occurrences) > 0 {
			commits = append(commits, d.commit)
		}
	}
	if len(commits) > 0 {
		if err := e.retry(ctx, "store alerts", func() error { return e.store.Save(ctx, commits) }); err != nil {
			return err
		}
	}
	if now := e.rules.Load().Now(); now.Sub(e.trimmed) > time.Minute {
		e.trimmed = now
		if err := e.disk.Trim(now, e.retention); err != nil {
			return err
		}
	}
	return e.disk.Commit()
}

func (e *engine) publish() {
	for _, d := range e.group {
		e.log.Publish(d.entry)
		e.waiting.answer(d.entry.LSN, d.receipts)
		e.vital.canaries(d.canaries)
		e.durable.Store(d.entry.LSN)
	}
	clear(e.group)
	e.group = e.group[:0]
}

// retry stops the line until something works. A fenced engine gives up at once: another has taken over.
func (e *engine) retry(ctx context.Context, what string, try func() error) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := try()
		if err == nil || errors.Is(err, rules.ErrFenced) {
			return err
		}
		e.logger.Warn("line_stopped", "doing", what, "error", err.Error())
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, err)
		case <-time.After(pause):
		}
	}
}

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
