package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// turn is the right to be the engine of a slot: an advisory lock in the source, held by a session that gives a sign of life
// each second. Others on the same slot stand by and watch that session. When it goes, or has been silent for so long that its
// engine must be frozen or cut off, one of them ends it and has its turn; the first, when it wakes, finds that out before it
// writes or tells anything, and stops.
type turn struct {
	dsn, slot string
	logger    *slog.Logger

	conn  *pgx.Conn // of whoever runs await, then of Run alone; nil: none
	pid   uint32    // of our newest session that had the lock
	seen  int       // looks at which another engine had the turn
	stood bool      // and we stand by for it
	threw bool      // and was thrown out

	mu      sync.Mutex // guards what follows
	proved  time.Time  // when the last sign of life was sent that the server answered
	renewed chan struct{}
}

const (
	turnBeat    = time.Second
	turnLease   = 2 * time.Second         // for so long a sign of life counts
	turnGrace   = 2500 * time.Millisecond // an engine that lost its session may come back for so long; more than the lease
	turnSilence = 2500 * time.Millisecond // of a holder that is taken for frozen, if it stays silent for turnLooks
	turnLook    = 250 * time.Millisecond
	turnLooks   = 3 // a server that was itself frozen lets its clients speak before the third look
	turnAnswer  = time.Second
	turnReturn  = 3 * time.Second // for a new session
)

func newTurn(cfg *config, logger *slog.Logger) *turn {
	return &turn{dsn: cfg.Source.DSN, slot: cfg.Source.Slot, logger: logger, renewed: make(chan struct{})}
}

// The lock has two keys, ours and the slot's; pg_locks shows them as classid and objid.
const (
	tryTurnSQL = `SELECT pg_try_advisory_lock(1920497270, hashtext($1))`

	turnHolderSQL = `
SELECT l.pid, coalesce(extract(epoch FROM clock_timestamp() - a.state_change), 0)::float8
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1920497270 AND l.objid = (hashtext($1)::bigint & 4294967295)::oid AND l.objsubid = 2
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

	// A frozen engine holds the slot, too, until its walsender times out, and may have stopped in the middle of a boot, whose
	// marker keeps a new slot from being made.
	endHolderSQL = `
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a, pg_stat_activity AS holder
WHERE holder.pid = $1 AND (a.pid = holder.pid OR a.application_name = 'rxvigil' AND (
    a.pid = (SELECT active_pid FROM pg_replication_slots WHERE slot_name = $2)
    OR a.usename = holder.usename AND a.client_addr IS NOT DISTINCT FROM holder.client_addr
       AND a.state = 'idle in transaction' AND a.backend_xid IS NOT NULL AND a.state_change < clock_timestamp() - interval '2 s'))`
)

// await blocks until it is our turn, or ctx ends. Once the server was reached it is waited for when it goes away.
func (t *turn) await(ctx context.Context) error {
	var free time.Time // since when nobody has the turn
	silent := 0        // looks at which its holder was silent
	for reached := false; ; reached = true {
		holder, silence, err := t.holder(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !reached:
			return err
		case err != nil:
			t.drop()
			free, silent = time.Time{}, 0
		case holder != 0:
			t.standBy(ctx, holder)
			free = time.Time{}
			if silent++; silence < turnSilence {
				silent = 0
			}
			if silent >= turnLooks && t.throwOut(ctx, holder) {
				free = time.Now().Add(-turnGrace)
			}
		case free.IsZero():
			free = time.Now()
		}
		if !free.IsZero() && (!t.stood || time.Since(free) >= turnGrace) {
			got, err := t.take(ctx)
			if got {
				return nil
			}
			if err != nil {
				t.drop()
			}
		}
		if pause(ctx, turnLook) != nil {
			return nil
		}
	}
}

// standBy notes that another engine has the turn. Seen once it may be the session of one that has just ended, which the server
// has not noticed yet: a service that is restarted need not wait for itself.
func (t *turn) standBy(ctx context.Context, holder uint32) {
	if t.seen++; t.seen == 2 {
		t.stood = true
		t.logger.InfoContext(ctx, "standing_by", "slot", t.slot, "read_by_pid", holder)
	}
}

// throwOut ends the sessions of an engine that is frozen or cut off.
func (t *turn) throwOut(ctx context.Context, holder uint32) bool {
	_, err := t.conn.Exec(ctx, endHolderSQL, holder, t.slot)
	if err != nil {
		t.logger.WarnContext(ctx, "silent_engine_not_ended", "pid", holder, "error", err.Error())
		return false
	}
	t.logger.WarnContext(ctx, "silent_engine_ended", "pid", holder)
	t.threw = true
	return true
}

// connect makes a session, where there is none.
func (t *turn) connect(ctx context.Context) error {
	if t.conn != nil && !t.conn.IsClosed() {
		return nil
	}
	conn, err := cdc.Connect(ctx, t.dsn)
	t.conn = conn
	return err
}

// holder gives the session that has the turn, 0 for none, and for how long it has been silent.
func (t *turn) holder(ctx context.Context) (pid uint32, silence time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	if err := t.connect(ctx); err != nil {
		return 0, 0, err
	}
	var seconds float64
	err = t.conn.QueryRow(ctx, turnHolderSQL, t.slot).Scan(&pid, &seconds)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, nil
	}
	return pid, time.Duration(seconds * float64(time.Second)), err
}

func (t *turn) take(ctx context.Context) (got bool, err error) {
	sent := time.Now()
	if err := t.conn.QueryRow(ctx, tryTurnSQL, t.slot).Scan(&got); err != nil || !got {
		return false, err
	}
	t.pid = t.conn.PgConn().PID()
	t.prove(sent)
	return true, nil
}

func (t *turn) prove(sent time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.proved = sent
	close(t.renewed)
	t.renewed = make(chan struct{})
}

// Run gives signs of life until ctx ends. rules.ErrFenced: another engine has had its turn.
func (t *turn) Run(ctx context.Context) error {
	for {
		wait := turnBeat
		if err := t.renew(ctx); errors.Is(err, rules.ErrFenced) {
			return err
		} else if err != nil {
			wait = turnLook
		}
		if pause(ctx, wait) != nil {
			return nil
		}
	}
}

// renew gives one sign of life. A session that was lost is made again, and gets the turn back unless another engine has it.
func (t *turn) renew(ctx context.Context) error {
	if t.conn != nil && t.alive(ctx) == nil {
		return nil
	}
	t.drop()
	ctx, cancel := context.WithTimeout(ctx, turnReturn)
	defer cancel()
	holder, _, err := t.holder(ctx)
	if err != nil {
		return err
	}
	switch holder {
	case 0:
	case t.pid: // our own session of before: the server has not noticed yet
		if _, err := t.conn.Exec(ctx, "SELECT pg_terminate_backend($1, 500)", holder); err != nil {
			return fmt.Errorf("end our own session: %w", err)
		}
	default:
		return rules.ErrFenced
	}
	got, err := t.take(ctx)
	if err == nil && !got {
		err = errors.New("the turn is not free yet")
	}
	return err
}

func (t *turn) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, turnAnswer)
	defer cancel()
	sent := time.Now()
	_, err := t.conn.Exec(ctx, "SELECT")
	if err == nil {
		t.prove(sent)
	}
	return err
}

// held tells whether nobody else can have had a turn since the last sign of life.
func (t *turn) held() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Since(t.proved) < turnLease
}

// regain waits until it is certain again that it is our turn.
func (t *turn) regain(ctx context.Context) error {
	for !t.held() {
		t.mu.Lock()
		renewed := t.renewed
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for our turn: %w", ctx.Err())
		case <-renewed:
		}
	}
	return nil
}

var errTurn = errors.New("it is not certain that it is still our turn: the source does not answer")

// hold waits, and tells viewers so, while it is not certain that no other engine has its turn. An engine that was frozen or cut
// off comes by here before it stores or tells anything.
func (e *engine) hold(ctx context.Context) error {
	if e.turn == nil || e.turn.held() {
		return nil
	}
	e.Lost(errTurn)
	if err := e.turn.regain(ctx); err != nil {
		return err
	}
	if e.started {
		e.vital.set("live")
		e.log.Fresh()
	}
	return nil
}

func (t *turn) drop() {
	if t.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), turnLook)
	defer cancel()
	_ = t.conn.Close(ctx)
	t.conn = nil
}

// pause sleeps, or ends with ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
