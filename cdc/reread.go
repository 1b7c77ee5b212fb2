package cdc

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// A table is read again while the stream goes on: a snapshot S shows it as it was at one instant, and a marker in the stream
// says where the picture counts. Between the two the stream notes every row that it touches, because what a transaction did
// that S does not show is newer than the picture.

// errand is a table to be read again.
type errand struct {
	table  *Table
	reason string
	leaves []uint32 // only these, which nothing is known of; nil: the whole table
	xid    uint64   // the newest transaction that spoiled it; 0: none did
	due    time.Time
	tries  int
}

// reread is one reading of a table. What stands above read is written before that is closed, and only read behind it.
type reread struct {
	errand
	marker string
	shape  *tableShape // as it was just before the snapshot
	rows   int
	faults map[string][]misread // by image key
	err    error
	read   chan struct{} // closed when the table is read and the marker is written, or cannot be

	seen    atomic.Pointer[snapshot] // the snapshot, or an older one while it is waited for
	settled chan struct{}            // closed when the stream has gone past the marker

	// Of the stream.
	truncated []uint64 // transactions that truncated it, wholly or in part
	noted     bool     // there are notes
	changes   int
}

// misread is a value of the picture that could not be read.
type misread struct {
	step *step
	err  error
	text []byte
}

// pace is how often a table is read again.
type pace struct {
	read  time.Time // the last time
	apart time.Duration
}

// unreadableRow is why a table is read again of which a row could not be.
const unreadableRow = "a row could not be read"

const (
	rereadApart = 10 * time.Second
	rereadMost  = 10 * time.Minute
)

// rereads is the queue of tables to be read again in one session, and the goroutine that reads them, one after the other.
type rereads struct {
	*Reader
	picture Scratch // of the goroutine until a reread is read, then of the stream until it is settled
	now     atomic.Pointer[reread]
	wake    chan struct{}

	mu    sync.Mutex
	wants []*errand
}

func newRereads(r *Reader, picture Scratch) *rereads {
	return &rereads{Reader: r, picture: picture, wake: make(chan struct{}, 1)}
}

// want puts a table into the queue; what is wanted already is wanted more.
func (q *rereads) want(w errand) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now := q.now.Load(); now != nil && now.table == w.table && w.xid == 0 && now.covers(&w) {
		return
	}
	for _, old := range q.wants {
		if old.table == w.table {
			old.join(w)
			signal(q.wake)
			return
		}
	}
	w.due = q.due(&w)
	q.wants = append(q.wants, &w)
	signal(q.wake)
}

// covers tells whether a reading under way answers a want that was found by looking: what it misses is found at the next look.
func (rr *reread) covers(w *errand) bool { return rr.leaves == nil || w.leaves != nil }

func (w *errand) join(other errand) {
	w.xid = max(w.xid, other.xid)
	if w.leaves == nil || other.leaves == nil {
		w.leaves = nil
		return
	}
	w.leaves = slices.Compact(slices.Sorted(slices.Values(append(w.leaves, other.leaves...))))
}

// due is when a table may be read again: some time behind the last, longer and longer while rows of it cannot be read.
func (q *rereads) due(w *errand) time.Time {
	apart := rereadApart
	if q.cfg.apart > 0 {
		apart = q.cfg.apart
	}
	p := q.paces[w.table.OID]
	if p == nil {
		p = &pace{}
		q.paces[w.table.OID] = p
	}
	p.apart = max(apart, p.apart)
	switch {
	case w.reason != unreadableRow:
		p.apart = apart
	case !p.read.IsZero():
		p.apart = min(2*p.apart, rereadMost)
	}
	return p.read.Add(p.apart)
}

// hurry lets a table be read at once that could not be read before.
func (q *rereads) hurry(t *Table) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range q.wants {
		if w.table == t && w.tries > 0 {
			w.due, w.tries = time.Now(), 0
		}
	}
	signal(q.wake)
}

// wanted tells whether something that the snapshot does not show, or that was found since, wants a table read again. What the
// snapshot shows is forgotten.
func (q *rereads) wanted(t *Table, snap *snapshot) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wants = slices.DeleteFunc(q.wants, func(w *errand) bool { return w.table == t && w.xid != 0 && w.xid < snap.xmin })
	return slices.ContainsFunc(q.wants, func(w *errand) bool { return w.table == t })
}

// next waits for a table that is due, and takes it off the queue; nil when ctx ends.
func (q *rereads) next(ctx context.Context) *errand {
	for {
		w, in := q.take()
		if w != nil {
			return w
		}
		t := time.NewTimer(in)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-q.wake:
		case <-t.C:
		}
		t.Stop()
	}
}

func (q *rereads) take() (w *errand, in time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	in = time.Hour
	for i, w := range q.wants {
		wait := time.Until(w.due)
		if wait <= 0 {
			q.wants = slices.Delete(q.wants, i, i+1)
			return w, 0
		}
		in = min(in, wait)
	}
	return nil, in
}

// run reads what is wanted until ctx ends.
func (q *rereads) run(ctx context.Context) {
	for {
		w := q.next(ctx)
		if w == nil {
			return
		}
		rr := &reread{errand: *w, marker: rand.Text(), read: make(chan struct{}), settled: make(chan struct{}), faults: map[string][]misread{}}
		q.now.Store(rr)
		rr.err = q.read(ctx, rr)
		close(rr.read)
		if rr.err != nil {
			q.failed(ctx, rr)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-rr.settled:
		}
	}
}

// failed puts a table back into the queue, behind a pause that doubles from a second to a minute.
func (q *rereads) failed(ctx context.Context, rr *reread) {
	q.now.Store(nil)
	if ctx.Err() != nil {
		return
	}
	pause := min(time.Second<<min(rr.tries, 6), time.Minute)
	q.log.WarnContext(ctx, "reread_failed", "table", rr.table.String(), "reason", rr.reason, "error", rr.err.Error(), "retry_in", pause.String())
	w := rr.errand
	w.tries++
	w.due = time.Now().Add(pause)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, old := range q.wants {
		if old.table == w.table {
			old.join(w)
			old.due, old.tries = w.due, w.tries
			return
		}
	}
	q.wants = append(q.wants, &w)
}

// horizonSQL takes a transaction id: every one that was given before is smaller.
const horizonSQL = `SELECT pg_current_xact_id()::text::bigint`

// markSQL lets the marker's commit wait for no standby: the stream, which reads it before, waits for that commit.
const markSQL = `SET LOCAL synchronous_commit = local`

// read reads a table as one snapshot shows it, and leaves the marker in the WAL. The snapshot is not older than any transaction
// that ran when the reading was begun: it shows all that the stream had handed on before it took notes, also what a server that
// waits for its standbys decodes before anybody sees it, and all that was written while the table was not published.
func (q *rereads) read(ctx context.Context, rr *reread) error {
	if err := q.picture.Clear(); err != nil {
		return err
	}
	exporter, err := Connect(ctx, q.cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = exporter.Close(context.WithoutCancel(ctx)) }()
	if _, _, err := q.fit(ctx, exporter, rr.table); err != nil {
		return err
	}
	shapes, err := readShape(ctx, exporter, rr.table)
	if err != nil {
		return err
	}
	rr.shape = shapes[rr.table.OID]
	var horizon int64
	if err := exporter.QueryRow(ctx, horizonSQL).Scan(&horizon); err != nil {
		return fmt.Errorf("read horizon: %w", err)
	}
	tx, snap, name, err := q.exportSnapshot(ctx, exporter, uint64(horizon), rr.seen.Store)
	if err != nil {
		return err
	}
	rr.seen.Store(snap)
	if rr.rows, err = q.readTable(ctx, name, func(ctx context.Context, conn *pgx.Conn) ([]uint32, int, error) { return q.copyAgain(ctx, conn, rr) }); err != nil {
		return fmt.Errorf("read %s: %w", rr.table, err)
	}
	if _, err := tx.Exec(ctx, markSQL); err != nil {
		return fmt.Errorf("reread marker: %w", err)
	}
	if _, err := q.cfg.Key.Emit(ctx, tx, Message{Op: rereadOp, At: time.Now().UTC(), ID: rr.marker}); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit reread marker: %w", err)
	}
	return nil
}
