package push

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Timing that every stream keeps.
const (
	heartbeatEvery = 10 * time.Second
	writeTimeout   = 5 * time.Second // for one write; a client slower than that is cut off
	writeBytes     = 64 << 10        // what is gathered before a write
)

// wire spells what a feed tells, for one transport and one connection. What it is told it keeps until flush, which writes
// all of it in one call; pending says how much that is.
type wire interface {
	established(established)
	heartbeat(beat)
	resync(resync)
	sight(sight)
	expiring(expiring)
	bye(bye)
	// batch tells those of b's events that lie after a position and pass the filter; it gives their number. It calls room
	// before each: a giant transaction leaves in many writes.
	batch(b *batch, after rxvigil.Position, f *Filter, room func() error) (int, error)
	// settle is called when everything is told; it may tell more, and says when it wants to be called again (zero: need not).
	settle(ctx context.Context, now time.Time) time.Time
	pending() int
	flush() error
}

// feed is the one writer of one connection. It decides what is told and when: what is in the log after the cursor, in
// order, once; a heartbeat every ten seconds; the state of the source; a goodbye.
type feed struct {
	server *Server
	wire   wire
	member *member
	ops    <-chan func(*feed) error // what a WebSocket's reader asks for; nil elsewhere
	cursor *Cursor                  // nil until a WebSocket subscribes

	standing *standing // what it may see; nil: everything, for ever
	warned   time.Time // the end of the token that was announced
	hub      bool      // its heartbeats are SignalR's
	born     time.Time
	round    uint64 // of the log's state that was told last
	lost     bool   // the source's being out of sight has been told
	told     []told // what the next flush writes
}

type told struct {
	at     time.Time
	events int
}

// run tells until ctx or the connection ends, or the server says goodbye. It gives nil when nobody is to blame.
func (f *feed) run(ctx context.Context) error {
	f.born = time.Now()
	f.greet()
	wheel := &f.server.beats
	if f.hub {
		wheel = &f.server.hubBeats
	}
	beat := wheel.join()
	defer beat.leave()
	for due := false; ; {
		idle, err := f.turn(ctx, due)
		if err != nil {
			return err
		}
		if due, err = f.rest(ctx, idle, beat.due); err != nil {
			return err
		}
		if due {
			beat.again()
		}
	}
}

// greet tells the first frame. Its cursor is the one asked for, while that may be resumed from. A WebSocket that has subscribed to
// nothing yet is complete up to nowhere: with the head here, a client cut off before its subscription is answered would skip to it.
func (f *feed) greet() {
	e := established{ConnectionID: f.member.id}
	if c := f.cursor; c != nil && c.broken == "" {
		e.Cursor, e.Resumed = text(c.pos), c.asked
	}
	f.wire.established(e)
}

// turn tells everything there is, and a heartbeat behind it when one is due.
func (f *feed) turn(ctx context.Context, due bool) (idle, error) {
	i := f.look()
	if err := f.reauthorized(); err != nil {
		return i, err
	}
	for f.cursor != nil {
		s, err := f.cursor.take(ctx)
		if err != nil {
			return i, err
		}
		if err := f.tell(s); err != nil {
			return i, err
		}
		if i.wake = s.wake; s.wake != nil {
			i.at = s.until
			break
		}
	}
	if err := f.revoked(); err != nil {
		return i, err
	}
	if err := f.expire(&i, time.Now()); err != nil {
		return i, err
	}
	if due {
		f.wire.heartbeat(beat{Cursor: f.complete(), Stale: f.lost})
	}
	if at := f.wire.settle(ctx, time.Now()); !at.IsZero() && (i.at.IsZero() || at.Before(i.at)) {
		i.at = at
	}
	return i, f.flush()
}

// idle is what a feed waits for when it has told everything.
type idle struct {
	wake, state <-chan struct{}
	at          time.Time // zero: no particular time
}

// look tells of the source's state when that has changed.
func (f *feed) look() idle {
	l := f.server.Log
	var state <-chan struct{}
	l.mu.RLock()
	now, round := l.sight, l.round
	if f.cursor == nil { // else its lane's bell rings too
		state = l.state.wait()
	}
	l.mu.RUnlock()
	if round != f.round && (now.lost || f.lost) {
		f.wire.sight(now)
		f.lost = now.lost
	}
	f.round = round
	return idle{state: state}
}

func (f *feed) tell(s step) error {
	if s.resync != "" {
		f.server.metrics.resyncs.WithLabelValues(s.resync).Inc()
		c := f.cursor
		f.wire.resync(newResync(s.resync, scope{c.tenant, c.filter.Branch, c.filter.Topics}, c.pos))
	}
	known := f.standing.rights().knowsPeople()
	for _, b := range s.batches {
		if known {
			b = b.cleared()
		}
		n, err := f.wire.batch(b, s.after, &f.cursor.filter, f.room)
		if err != nil {
			return err
		}
		if n > 0 {
			f.told = append(f.told, told{b.events[0].At, n})
		}
	}
	return nil
}

// room writes what was gathered once it is enough for a write.
func (f *feed) room() error {
	if f.wire.pending() < writeBytes {
		return nil
	}
	return f.flush()
}

func (f *feed) flush() error {
	if f.wire.pending() == 0 {
		return nil
	}
	if err := f.wire.flush(); err != nil {
		return err
	}
	f.server.metrics.delivered(f.member.transport, f.told, f.born)
	f.told = f.told[:0]
	return nil
}

func (f *feed) complete() *string {
	if f.cursor == nil {
		return nil
	}
	return text(f.cursor.pos)
}

// rest waits for something to tell; it gives true when a heartbeat is due.
func (f *feed) rest(ctx context.Context, i idle, beat <-chan struct{}) (due bool, err error) {
	if f.server.Log.turned(f.round) { // before i.wake was taken
		return false, nil
	}
	var alarm <-chan time.Time
	if !i.at.IsZero() {
		t := time.NewTimer(time.Until(i.at))
		defer t.Stop()
		alarm = t.C
	}
	select {
	case <-ctx.Done():
		return false, errGone
	case <-f.member.leave:
		return false, f.sayBye("shutdown", errBye)
	case op := <-f.ops:
		return false, op(f)
	case <-beat:
		return true, nil
	case <-i.wake:
	case <-i.state:
	case <-alarm:
	}
	return false, nil
}

// warnBefore is how long before its end a token's end is announced.
const warnBefore = time.Minute

// expire announces the end of the token, ends the connection at it, and asks to be woken for both.
func (f *feed) expire(i *idle, now time.Time) error {
	end := f.standing.ends()
	if end.IsZero() {
		return nil
	}
	next := end.Add(-warnBefore)
	if !now.Before(next) {
		if next = end; !f.warned.Equal(end) {
			f.warned = end
			f.wire.expiring(expiring{end.UTC(), int(max(0, end.Sub(now)).Seconds())})
		}
	}
	if !now.Before(end) {
		f.server.metrics.refused.WithLabelValues("expired").Inc()
		return f.sayBye("token_expired", errExpired)
	}
	if i.at.IsZero() || next.Before(i.at) {
		i.at = next
	}
	return nil
}

func (f *feed) sayBye(reason string, because error) error {
	f.wire.bye(bye{Reason: reason, RetryAfterMS: retryAfter()})
	if err := f.flush(); err != nil {
		return err
	}
	return because
}

// retryAfter is how long a client should stay away, in milliseconds: random, so that they do not all come back at once.
func retryAfter() int64 { return 1000 + rand.Int64N(4000) }
