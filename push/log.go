package push

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
)

// LogOptions are the log's limits.
type LogOptions struct {
	RingBytes int // how much of the newest part stays in memory; default 64 MiB
}

// Archive is the log's older part. Entries are in it before they are published. Its methods may be called from many goroutines.
type Archive interface {
	// Scan calls fn with the entries of after's epoch that have events after that position, in order, until fn gives false or
	// the archive ends. The first entry may hold events at or before after too. ErrDamaged: one of them cannot be read.
	Scan(ctx context.Context, after rxvigil.Position, fn func(Entry) bool) error
	// Oldest is the place of the oldest entry still held: what is at or after it is all there. Zero when nothing is held.
	Oldest() rxvigil.Position
}

// ErrDamaged says that an entry of the archive cannot be read, now or later.
var ErrDamaged = errors.New("the log is damaged")

// Log is the ordered record of what was published. Publish, Start, Stale and Fresh are for one caller; everything else may
// be called from anywhere.
type Log struct {
	archive Archive
	limit   int

	mu    sync.RWMutex // guards what follows, for memory work only
	epoch string       // empty until Start
	head  rxvigil.Position
	reach reach // how far back the archive goes
	ring  ring
	lanes map[rxvigil.Tenant]*lane
	heads bell // rings when the head moves
	state bell // rings when the epoch or the source's state changes
	sight sight
	cut   splitter
	round uint64 // rises with each turn
}

// NewLog makes an empty log. A nil archive is one that holds nothing.
func NewLog(o LogOptions, a Archive) *Log {
	if o.RingBytes <= 0 {
		o.RingBytes = 64 << 20
	}
	if a == nil {
		a = noArchive{}
	}
	return &Log{
		archive: a, limit: o.RingBytes, lanes: map[rxvigil.Tenant]*lane{},
		heads: newBell(), state: newBell(),
	}
}

// Start opens the log for an epoch, or opens it anew: events after floor are complete in the archive, and everything up to
// head has been published. Connections of another epoch, and those that stand before floor, are told to resync.
func (l *Log) Start(epoch string, floor, head rxvigil.Position) {
	oldest := l.archive.Oldest()
	l.mu.Lock()
	defer l.mu.Unlock()
	floor.Epoch, head.Epoch = epoch, epoch
	l.epoch, l.head = epoch, head
	l.reach = newReach(floor, oldest)
	l.ring = ring{floor: head}
	for _, lane := range l.lanes {
		lane.batches = nil
	}
	l.turn()
}

// turn wakes everybody: something has changed that is no event. The caller holds the lock for writing.
func (l *Log) turn() {
	l.round++
	l.heads.ring()
	l.state.ring()
	for _, lane := range l.lanes {
		lane.wake.ring()
	}
}

// turned tells whether that has happened since a round.
func (l *Log) turned(round uint64) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.round != round
}

// Publish appends one transaction and moves the head past it, events or not. Entries must come in order; one that is not
// after the head has been published before and is left out.
func (l *Log) Publish(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch == "" || e.LSN <= l.head.LSN {
		return
	}
	l.head = rxvigil.EndOf(l.epoch, e.LSN)
	if parts := l.cut.split(l.epoch, e); len(parts) > 0 {
		l.reach.published(e.LSN)
		l.append(parts)
	}
	l.heads.ring()
}

func (l *Log) append(parts []part) {
	now := time.Now()
	for _, p := range parts {
		lane := l.lane(p.tenant)
		lane.add(p.batch, now)
		l.ring.push(lane, p.batch)
		lane.wake.ring()
	}
	l.ring.shrink(l.limit)
}

// lane finds or makes the tenant's lane. The caller holds the lock for writing.
func (l *Log) lane(t rxvigil.Tenant) *lane {
	if l.lanes[t] == nil {
		l.lanes[t] = &lane{wake: newBell(), tallies: map[rxvigil.EventType]*tally{}}
	}
	return l.lanes[t]
}

// Head is the position up to which everything is published; false before Start.
func (l *Log) Head() (rxvigil.Position, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.head, l.epoch != ""
}

// Size is what the ring holds: bytes, and the commit time of its oldest event (zero when it is empty).
func (l *Log) Size() (bytes int, oldest time.Time) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.ring.bytes, l.ring.oldest()
}

type noArchive struct{}

func (noArchive) Scan(context.Context, rxvigil.Position, func(Entry) bool) error { return nil }
func (noArchive) Oldest() rxvigil.Position                                       { return rxvigil.Position{} }
