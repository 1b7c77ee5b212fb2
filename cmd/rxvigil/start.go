package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// How the engine comes to know what is true: cold, from the app's tables, or warm, from its own disk.

// Forget voids everything: a cold boot begins.
func (e *engine) Forget(ctx context.Context, id cdc.Identity, hash string) error {
	identity, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("encode identity: %w", err)
	}
	e.epoch = epochOf(id, hash)
	if e.booted == nil {
		e.booted = e.heap.save(thriftyBoot)
	}
	e.group, e.recorded, e.settled, e.saved = nil, nil, 0, 0
	clear(e.usage)
	clear(e.awaited)
	e.vital.set("starting")
	if _, err := e.renewRules(); err != nil {
		return err
	}
	if err := e.disk.Reset(identity, hash, e.epoch); err != nil {
		return err
	}
	return e.retry(ctx, "identify", func() error { return e.store.Identify(ctx, id.String(), e.epoch, id.Slot) })
}

// renewRules replaces the engine's rules by some that know nothing yet and judge by the pack that was adopted last.
func (e *engine) renewRules() (*rules.Engine, error) {
	e.packs.Lock()
	defer e.packs.Unlock()
	fresh, err := e.newRules(e.pack)
	if err == nil {
		e.rules.Store(fresh)
	}
	return fresh, err
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
	e.staff.takeAll(tx.Changes)
	e.vital.fault(tx.Faults)
	if e.disk.GroupSize() < groupBytes {
		return nil
	}
	return e.keepPicture()
}

// keepPicture keeps what came of a boot so far. Nobody will ask for it soon.
func (e *engine) keepPicture() error {
	if err := e.disk.Commit(); err != nil {
		return err
	}
	return e.disk.ForgetRecent()
}

func (e *engine) keepImages(tx *cdc.Transaction) error {
	put := e.disk.PutImage
	if e.disk.InBulk() {
		put = e.disk.BulkImage
	}
	for _, w := range tx.Writes {
		if err := put(w.Key, w.Value); err != nil {
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
	if err := e.keepPicture(); err != nil {
		return err
	}
	defer e.heap.save(thriftyJudge)() // there may be an alert for each shelf
	r := e.rules.Load()
	r.Restore(snapshot.Alerts, snapshot.Episodes)
	r.RestoreOccurrences(snapshot.Occurrences)
	r.RestoreOverrides(snapshot.Overrides)
	in, err := e.input(ctx, tx)
	if err != nil {
		return err
	}
	if gap != nil {
		in.Blind = &rules.Interval{From: gap.From, To: gap.To, Since: gap.Since, Until: gap.Until, Reason: gap.Reason}
	}
	out := r.JudgeAll(in)
	out.Usage = nil
	if err := e.keepAllUsage(r); err != nil {
		return err
	}
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
	e.open(floor, rxvigil.EndOf(e.epoch, tx.LSN))
	e.publish()
	e.vital.arrive()
	if e.booted != nil {
		e.booted()
		e.booted = nil
	}
	return nil
}

// keepAllUsage puts what no image tells into the open group: there may be as much as there are shelves.
func (e *engine) keepAllUsage(r *rules.Engine) (err error) {
	r.Usage(func(u rules.Usage) bool {
		err = e.putUsage(u.Key(), &u)
		return err == nil
	})
	return err
}

// Resumed goes on where the disk stands. The first time, memory is rebuilt from it.
func (e *engine) Resumed(ctx context.Context, m *cdc.Memory) error {
	e.memory = m
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
	e.vital.resume(meta.Position)
	e.open(rxvigil.EndOf(e.epoch, meta.Floor), rxvigil.EndOf(e.epoch, meta.Position))
	return nil
}

func (e *engine) open(floor, head rxvigil.Position) {
	e.log.Start(e.epoch, floor, head)
	e.log.Fresh()
	if !e.started {
		e.started = true
		close(e.ready)
	}
}

// remember rebuilds features and alerts from the disk and the alert store.
func (e *engine) remember(ctx context.Context, m *cdc.Memory) error {
	defer e.heap.save(thriftyStart)()
	meta := e.disk.Meta()
	e.epoch, e.wall = meta.Epoch, meta.Wall
	r, err := e.renewRules()
	if err != nil {
		return err
	}
	var snapshot rules.Snapshot
	g, both := errgroup.WithContext(ctx)
	g.Go(func() (err error) { snapshot, err = e.load(both); return err })
	g.Go(func() error {
		if err := e.foldImages(both, r, m); err != nil {
			return err
		}
		if err := e.recallAwaited(); err != nil {
			return err
		}
		return e.foldUsage(r)
	})
	if err := g.Wait(); err != nil {
		return err
	}
	r.Restore(snapshot.Alerts, snapshot.Episodes)
	r.RestoreOccurrences(snapshot.Occurrences)
	r.RestoreOverrides(snapshot.Overrides)
	if snapshot.Position.Epoch == e.epoch && snapshot.Position.LSN > meta.Position {
		if err := e.replayRecorded(ctx, r, meta.Position, snapshot.Position.LSN); err != nil {
			return err
		}
	}
	r.Refresh(meta.Now)
	return nil
}

// refreshSome goes on with what a warm start left for later, for a moment.
func (e *engine) refreshSome() {
	r := e.rules.Load()
	for began := time.Now(); time.Since(began) < 50*time.Millisecond && r.RefreshSome(200); {
	}
}

// foldBatch is how many records are handed from who reads images to who folds them.
const foldBatch = 512

// pictured is some records of a start, and the memory they are in.
type pictured struct {
	changes []rxvigil.Change
	records *cdc.Records
}

// foldImages folds what stands: while some records are folded the next ones are read. Nothing of them is kept, so a few batches are
// used again and again.
func (e *engine) foldImages(ctx context.Context, r *rules.Engine, m *cdc.Memory) error {
	const batches = 4
	read, spare := make(chan pictured, batches), make(chan pictured, batches)
	for range batches {
		spare <- pictured{make([]rxvigil.Change, 0, foldBatch), cdc.NewRecords()}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(read)
		return e.readImages(ctx, m, read, spare)
	})
	g.Go(func() error {
		for b := range read {
			r.FoldAll(b.changes)
			b.records.Reset()
			spare <- pictured{b.changes[:0], b.records}
		}
		return nil
	})
	return g.Wait()
}

func (e *engine) readImages(ctx context.Context, m *cdc.Memory, to chan<- pictured, spare <-chan pictured) error {
	batch := <-spare
	hand := func() error {
		to <- batch // there is room for all of them
		select {
		case batch = <-spare:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var failed error
	for _, prefix := range m.Prefixes(rxvigil.KindTenant, rxvigil.KindBranch, rxvigil.KindMedicine, rxvigil.KindLot, rxvigil.KindLevel, rxvigil.KindRecall, rxvigil.KindUser) {
		err := e.disk.Images(prefix, func(key, value []byte) bool {
			record, err := m.Record(batch.records, key, value)
			if record != nil && record.Tenant != "" {
				batch.changes = append(batch.changes, rxvigil.Change{After: record})
			}
			if record != nil {
				e.staff.take(&rxvigil.Change{After: record})
			}
			if err == nil && len(batch.changes) == foldBatch {
				err = hand()
			}
			failed = err
			return err == nil
		})
		if err := errors.Join(err, failed); err != nil {
			return err
		}
	}
	return hand()
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
	since := e.vital.set("stale") // the first time counts, however often a connection is tried
	if e.started {
		e.log.Stale(since, "source out of sight")
	}
	e.logger.Debug("source_out_of_sight", "error", err.Error())
}
