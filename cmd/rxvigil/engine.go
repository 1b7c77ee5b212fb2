package main

import (
	"context"
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
	"github.com/rxvigil/rxvigil/rules/pgstore"
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
	newRules  func(rules.Pack) (*rules.Engine, error)
	packs     sync.Mutex // over pack, and over which rules are the engine's: a pack is never adopted by rules that others replace
	pack      rules.Pack // what new rules are made of
	rules     atomic.Pointer[rules.Engine]
	retention state.Retention
	slot      string
	turn      *turn // nil: nobody else can be the engine
	metrics   *engineMetrics

	epoch    string
	saved    uint64                        // end LSN of the last transaction given to the alert store
	settled  uint64                        // the alert store has every transition up to here
	recorded map[uint64][]rules.Transition // those that the log may still lack, by LSN
	started  bool                          // the log is open
	reshaped bool                          // the open group has a shape
	group    []done
	usage    map[string]rules.Usage // of the open group, by its key: most of a group's replace each other
	awaited  map[string]*awaited    // documents that wait for their lines
	memory   *cdc.Memory            // reads the images that are kept; nil: none are
	scratch  []byte
	heap     heap
	booted   func()                 // ends the thrift of a cold boot; nil: none is under way
	happened []cdc.Happening        // in the transaction at hand
	last     map[rxvigil.Tenant]int // the place of the last event that each tenant sees of it
	named    []rxvigil.Event        // the events that are being encoded
	words    map[string]string      // names of tenants and branches
	since    time.Time              // when the open group began
	age      time.Duration          // at which it ends
	large    *large                 // the transaction that comes in parts; nil: none does
	spilled  map[string]*spillroom  // by name
	wall     time.Time
	trimmed  time.Time

	ready   chan struct{} // closed when alerts are true for the first time
	waiting waiters
	vital   vitals
	durable atomic.Uint64 // end LSN of the last transaction given to the disk
	unsure  deliveries

	onRevoke func(cdc.Message) // hears of tokens that are taken back
	staff    staff
}

// alertStore keeps alerts; rules/pgstore satisfies it.
type alertStore interface {
	rules.Store
	// Request gives what a person said with a command, by its operation.
	Request(ctx context.Context, t rxvigil.Tenant, id string) (by, note string, err error)
	// Overrides lists the thresholds that people set in a tenant.
	Overrides(ctx context.Context, t rxvigil.Tenant) ([]rules.Override, error)
	// Analytics tells how a tenant's alerts have been.
	Analytics(ctx context.Context, t rxvigil.Tenant, q rules.AnalyticsQuery) (rules.Analytics, error)
	// NewSlot records that our slot is made anew, and gives its generation.
	NewSlot(ctx context.Context) (int64, error)
	// Status reads the engine's own row.
	Status(ctx context.Context) (pgstore.Engine, error)
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

// A group is stored together: while transactions wait in line, one write serves many. It ends at whichever comes first, or when
// nothing waits. Folding stands still while a group is stored, so where that takes long a group may be older: storing then takes
// no more than a fifth of the time.
const (
	groupCount = 4096
	groupBytes = 4 << 20
	groupAge   = 25 * time.Millisecond
	groupOld   = 250 * time.Millisecond
	groupWorth = 4 // times as long as storing the one before took
)

// hugeTransaction is the number of events past which a transaction is told as a resync.
const hugeTransaction = 50_000

// Image, Keys: cdc reads the images through the open group.
func (e *engine) Image(key []byte) ([]byte, bool, error) { return e.disk.Image(key) }

// Keys walks the keys of images.
func (e *engine) Keys(prefix []byte, yield func([]byte) bool) error {
	return e.disk.Keys(prefix, yield)
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
	e.staff.takeAll(tx.Changes)
	out := e.rules.Load().Commit(in)
	if tx.LSN <= e.settled {
		out.Transitions = e.recorded[tx.LSN]
	} else {
		e.recorded = nil
	}
	if err := e.settle(tx, in, out); err != nil {
		return err
	}
	e.large = nil
	if e.disk.InBulk() || len(e.group) >= groupCount || e.disk.GroupSize() >= groupBytes || time.Since(e.since) > e.age {
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
	d.commit = rules.Commit{Epoch: e.epoch, Tx: tx.Tx, Transitions: out.Transitions, Occurrences: out.Occurrences, Overrides: out.Overrides}
	var err error
	if d.entry.Events, err = e.tell(tx, out); err != nil {
		return err
	}
	if err := e.takeUsage(out.Usage); err != nil {
		return err
	}
	for _, m := range tx.Messages {
		switch {
		case m.Op == "canary":
			d.canaries = append(d.canaries, m.ID)
		case m.Op == "revoke":
			e.onRevoke(m)
		case m.Op == "event" && m.ID != "":
			d.receipts = append(d.receipts, rules.Receipt{Operation: m.ID, Applied: true})
		}
	}
	if tx.LSN <= e.settled { // the alert store has it
		d.commit.Transitions, d.commit.Occurrences, d.commit.Overrides = nil, nil, nil
	}
	e.disk.Advance(tx.LSN, tx.At, e.rules.Load().Now(), in.Wall)
	e.group = append(e.group, d)
	e.unsure.add(tx.XID, tx.LSN)
	e.vital.transaction(tx)
	e.metrics.transaction(tx, out)
	return nil
}

// tell puts a transaction's log entry into the open group, and gives its events. A boot's are not held: the log begins behind them, and who
// asks for them reads them from the disk.
func (e *engine) tell(tx *cdc.Transaction, out rules.Outcome) (held []*push.Event, err error) {
	t, err := e.telling(tx, out)
	if err != nil {
		return nil, err
	}
	defer e.forgetHappened()
	for !t.done() {
		events := push.NewEvents(e.nextEvents(&t))
		clear(e.named)
		if err := e.keepEntry(push.Entry{LSN: tx.LSN, Events: events}, tx.At); err != nil {
			return nil, err
		}
		switch {
		case e.booted != nil:
		case held == nil:
			held = events
		default:
			held = append(held, events...)
		}
	}
	return held, nil
}

// Flush stores the group and publishes it: alerts first, then the disk, then the log. An event is seen only after its
// alerts are stored.
func (e *engine) Flush(ctx context.Context) error {
	if len(e.group) == 0 {
		return nil
	}
	began := time.Now()
	if err := e.save(ctx); err != nil {
		return err
	}
	e.publish()
	e.age = min(max(groupAge, groupWorth*time.Since(began)), groupOld)
	return nil
}

func (e *engine) save(ctx context.Context) error {
	if err := e.hold(ctx); err != nil {
		return err
	}
	var commits []rules.Commit
	for _, d := range e.group {
		if !d.commit.Empty() {
			commits = append(commits, d.commit)
		}
	}
	if len(commits) > 0 {
		if err := e.saveAlerts(ctx, commits); err != nil {
			return err
		}
		e.saved = commits[len(commits)-1].Tx.LSN
	}
	if err := e.keepUsage(); err != nil {
		return err
	}
	if now := e.rules.Load().Now(); now.Sub(e.trimmed) > time.Minute && !e.disk.InBulk() {
		e.trimmed = now
		if err := e.disk.Trim(now, e.retention); err != nil {
			return err
		}
	}
	return e.commitDisk()
}

// savePatience is how long one try to store alerts may take: a connection that was cut without a word, or a frozen server,
// would hold it, and the whole line with it, for a quarter of an hour.
const savePatience = 5 * time.Second

// patienceFor is savePatience and some time for each transition: one transaction may raise an alert on every shelf.
func patienceFor(commits []rules.Commit) time.Duration {
	const each = 5 * time.Millisecond
	patience := savePatience
	for _, c := range commits {
		patience += time.Duration(len(c.Transitions)) * each
	}
	return patience
}

// saveAlerts stops the line until the alert store has them. While it stands nobody hears of anything new, and is told so.
func (e *engine) saveAlerts(ctx context.Context, commits []rules.Commit) error {
	stood := false
	return e.retry(ctx, "store alerts", func() error {
		ctx, cancel := context.WithTimeout(ctx, patienceFor(commits))
		defer cancel()
		err := e.store.Save(ctx, commits)
		switch {
		case err != nil && !isFenced(err):
			stood = true
			e.Lost(err)
		case stood && e.started:
			e.vital.set("live")
			e.log.Fresh()
		}
		return err
	})
}

// takeUsage keeps usage for the end of the group. A large transaction's is a group of its own, and may be as much as there are shelves.
func (e *engine) takeUsage(all []rules.Usage) error {
	for i := range all {
		u := &all[i]
		if !e.disk.InBulk() {
			e.usage[u.Key()] = *u
		} else if err := e.putUsage(u.Key(), u); err != nil {
			return err
		}
	}
	return nil
}

// keepUsage puts the newest usage under each key into the open group.
func (e *engine) keepUsage() error {
	for key, u := range e.usage {
		if err := e.putUsage(key, &u); err != nil {
			return err
		}
	}
	clear(e.usage)
	return nil
}

func (e *engine) putUsage(key string, u *rules.Usage) error {
	if u.Gone() {
		return e.disk.PutUsage([]byte(key), nil)
	}
	e.scratch = u.Append(e.scratch[:0])
	return e.disk.PutUsage([]byte(key), e.scratch)
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
