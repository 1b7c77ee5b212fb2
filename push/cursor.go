package push

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Why a client must fetch anew.
const (
	EpochChanged        = "epoch_changed"
	CursorTooOld        = "cursor_too_old"
	CursorInvalid       = "cursor_invalid"
	CursorAhead         = "cursor_ahead"
	LogDamaged          = "log_damaged"           // an entry after the cursor cannot be read any more
	TransactionTooLarge = "transaction_too_large" // stands in the log itself
)

// AllTenants names every tenant of a source at once, for those who may see any of them.
const AllTenants rxvigil.Tenant = "*"

// Earliest is a cursor before everything that the log still has.
const Earliest = "earliest"

// patience is how long a cursor of this epoch may be ahead of the head: a client may come back before the engine has.
const patience = 60 * time.Second

// Limits of one take: bytes of events, and entries passed over without finding any.
const (
	takeBytes   = 64 << 10
	takeEntries = 4096
)

// Cursor walks one tenant's lane: it is complete up to pos. It belongs to one goroutine.
type Cursor struct {
	log    *Log
	tenant rxvigil.Tenant
	lane   *lane // nil: of AllTenants
	filter Filter
	pos    rxvigil.Position
	asked  bool      // the client named a position to resume from
	broken string    // why the asked position cannot be resumed from; told at the next take
	until  time.Time // when waiting for the head ends; zero while not ahead
}

// step is what a take found. Nothing at all means: wait for wake, or for until when that is set.
type step struct {
	after   rxvigil.Position // the batches' events up to here were told before
	batches []*batch
	resync  string // the reason why everything must be fetched anew; the cursor stands at the head then
	wake    <-chan struct{}
	until   time.Time
}

// open makes a cursor that is complete up to the position after names; with an empty one up to the head, with Earliest up to where
// the log begins. A cursor that
// cannot be resumed from is told so by the first take. The log must have been started.
func (l *Log) open(t rxvigil.Tenant, f Filter, after string) *Cursor {
	oldest := l.archive.Oldest()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Cursor{log: l, tenant: t, filter: f, pos: l.head}
	if t != AllTenants {
		c.lane = l.lane(t)
	}
	if after == "" {
		return c
	}
	c.asked = true
	if after == Earliest {
		if c.pos = l.ring.floor; l.reach.given(oldest, c.pos).Compare(c.pos) < 0 {
			c.pos = l.reach.given(oldest, c.pos)
		}
		return c
	}
	pos, err := rxvigil.ParsePosition(after)
	if err != nil {
		c.broken = CursorInvalid
		return c
	}
	c.pos = pos
	switch {
	case pos.Epoch != l.epoch:
		c.broken = EpochChanged
	case pos.Compare(l.ring.floor) < 0 && pos.Compare(l.reach.given(oldest, l.ring.floor)) < 0:
		c.broken = CursorTooOld
	}
	return c
}

// take gives what is new after the cursor and moves the cursor past it. It blocks only to read the archive.
func (c *Cursor) take(ctx context.Context) (step, error) {
	s, old := c.takeMemory(time.Now())
	if !old {
		return s, nil
	}
	return c.takeArchive(ctx)
}

// takeMemory takes from the ring; it gives true when the cursor stands below the ring's floor.
func (c *Cursor) takeMemory(now time.Time) (step, bool) {
	l := c.log
	l.mu.RLock()
	defer l.mu.RUnlock()
	switch {
	case c.broken != "":
		return c.lose(c.broken), false
	case c.pos.Epoch != l.epoch:
		return c.lose(EpochChanged), false
	case c.pos.Compare(l.head) > 0:
		return c.ahead(now), false
	}
	c.until = time.Time{}
	if c.tenant == AllTenants { // few ask for them: they have no lane, and read what everybody's is made of
		return step{wake: l.heads.wait()}, c.pos.Compare(l.head) < 0
	}
	if c.pos.Compare(l.reach.floor) < 0 {
		return c.lose(CursorTooOld), false
	}
	if c.pos.Compare(l.ring.floor) < 0 {
		return step{}, true
	}
	return c.takeLane(), false
}

// lose puts the cursor at the head and says why. The caller holds the log's lock.
func (c *Cursor) lose(reason string) step {
	c.pos, c.broken, c.until = c.log.head, "", time.Time{}
	return step{resync: reason}
}

// ahead waits for the head, but not for ever. The caller holds the log's lock.
func (c *Cursor) ahead(now time.Time) step {
	if c.until.IsZero() {
		c.until = now.Add(patience)
	}
	if !now.Before(c.until) {
		return c.lose(CursorAhead)
	}
	return step{wake: c.log.heads.wait(), until: c.until}
}

// takeLane takes what fits of the lane after the cursor. The caller holds the log's lock.
func (c *Cursor) takeLane() step {
	s, batches := step{after: c.pos}, c.lane.batches
	first := sort.Search(len(batches), func(i int) bool { return batches[i].lsn >= c.pos.LSN })
	size, seen := 0, 0
	for _, b := range batches[first:] {
		if size >= takeBytes || seen >= takeEntries {
			return s
		}
		seen++
		c.collect(&s, b, &size)
	}
	c.pos = c.log.head
	s.wake = c.lane.wake.wait()
	return s
}

// collect adds b if there is anything new in it for this cursor, and moves the cursor to its end.
func (c *Cursor) collect(s *step, b *batch, size *int) {
	wanted := false
	for _, e := range b.events {
		if e.Pos.Compare(s.after) > 0 && c.filter.admits(e) {
			*size += len(e.JSON)
			wanted = true
		}
	}
	if wanted {
		s.batches = append(s.batches, b)
	}
	if end := rxvigil.EndOf(c.pos.Epoch, b.lsn); end.Compare(c.pos) > 0 {
		c.pos = end
	}
}

// takeArchive takes what fits of the archive's part after the cursor, no further than the head. When the archive let go of
// that part in the meantime, nothing that was read is given.
func (c *Cursor) takeArchive(ctx context.Context) (step, error) {
	head, _ := c.log.Head()
	start, s := c.pos, step{after: c.pos}
	full, err := c.scan(ctx, &s, head.LSN)
	if errors.Is(err, ErrDamaged) { // trying again would end the same way, for ever
		c.log.mu.RLock()
		defer c.log.mu.RUnlock()
		return c.lose(LogDamaged), nil
	}
	if err != nil {
		c.pos = start
		return step{}, err
	}
	oldest := c.log.archive.Oldest()
	c.log.mu.RLock()
	defer c.log.mu.RUnlock()
	if c.log.epoch != start.Epoch {
		return c.lose(EpochChanged), nil
	}
	if start.Compare(c.log.reach.given(oldest, c.log.ring.floor)) < 0 {
		return c.lose(CursorTooOld), nil
	}
	if !full {
		c.pos = later(c.pos, head)
	}
	return s, nil
}

// scan reads the archive up to an LSN; it gives true when it stopped because enough was taken.
func (c *Cursor) scan(ctx context.Context, s *step, to uint64) (full bool, err error) {
	size, seen := 0, 0
	err = c.log.archive.Scan(ctx, s.after, func(e Entry) bool {
		if e.LSN > to {
			return false
		}
		if full = size >= takeBytes || seen >= takeEntries; full {
			return false
		}
		seen++
		part := partOf
		if c.tenant == AllTenants {
			part = wholeOf
		}
		if b := part(s.after.Epoch, e, c.tenant); b != nil {
			c.collect(s, b, &size)
		} else {
			c.pos = later(c.pos, rxvigil.EndOf(c.pos.Epoch, e.LSN))
		}
		return true
	})
	return full, err
}
