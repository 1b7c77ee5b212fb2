package cdc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// snapshot is the picture's instant: which transactions it shows.
type snapshot struct {
	xmin, xmax uint64
	running    map[uint64]bool
}

// shows tells whether the snapshot sees a committed transaction.
func (s *snapshot) shows(xid uint64) bool {
	return xid < s.xmin || xid < s.xmax && !s.running[xid]
}

func parseSnapshot(text string) (*snapshot, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return nil, fmt.Errorf("snapshot %q", text)
	}
	s := &snapshot{running: map[uint64]bool{}}
	var err, err2 error
	s.xmin, err = strconv.ParseUint(parts[0], 10, 64)
	s.xmax, err2 = strconv.ParseUint(parts[1], 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("snapshot %q: %w", text, err)
	}
	for x := range strings.SplitSeq(parts[2], ",") {
		if x == "" {
			continue
		}
		xid, err := strconv.ParseUint(x, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("snapshot %q: %w", text, err)
		}
		s.running[xid] = true
	}
	return s, nil
}

// boot is a cold boot under way: the tables are read, and the stream runs toward the marker that the exporter left.
type boot struct {
	snap   *snapshot
	marker string
}

var (
	errBlocking  = errors.New("our reading stood in somebody's way")
	errRewritten = errors.New("a table was rewritten while it was read")
)

// coldBoot reads every mapped table as one snapshot shows it, and leaves the marker B in the WAL. horizon is a transaction id
// taken when the publication was committed: the snapshot must not be older than any transaction that ran then, because such a
// one may have written rows that the stream will not carry.
func (r *Reader) coldBoot(ctx context.Context, sink Sink, horizon uint64) (*boot, error) {
	exporter, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return nil, err
	}
	defer func() { _ = exporter.Close(context.WithoutCancel(ctx)) }()
	if r.shape, err = readShape(ctx, exporter, r.resolved.Tables...); err != nil {
		return nil, err
	}
	tx, snap, name, err := r.exportSnapshot(ctx, exporter, horizon, func(*snapshot) {})
	if err != nil {
		return nil, err
	}
	started := time.Now()
	rows, err := r.readTables(ctx, sink, name)
	if err != nil {
		return nil, err
	}
	b := &boot{snap: snap, marker: rand.Text()}
	if _, err := r.cfg.Key.Emit(ctx, tx, Message{Op: "boot", At: time.Now().UTC(), ID: b.marker}); err != nil {
		return nil, err
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("commit boot marker: %w", err)
	}
	r.log.InfoContext(ctx, "tables_read", "rows", rows, "seconds", time.Since(started).Seconds())
	return b, nil
}

const exportSQL = `SELECT pg_export_snapshot(), pg_current_snapshot()::text`

// exportSnapshot opens the transaction that keeps the snapshot, trying again until it is young enough; seen gets each that is not.
func (r *Reader) exportSnapshot(ctx context.Context, conn *pgx.Conn, horizon uint64, seen func(*snapshot)) (pgx.Tx, *snapshot, string, error) {
	for try := 0; ; try++ {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			return nil, nil, "", fmt.Errorf("begin snapshot: %w", err)
		}
		var name, text string
		if err := tx.QueryRow(ctx, exportSQL).Scan(&name, &text); err != nil {
			return nil, nil, "", fmt.Errorf("export snapshot: %w", err)
		}
		snap, err := parseSnapshot(text)
		if err != nil {
			return nil, nil, "", err
		}
		if snap.xmin >= horizon {
			return tx, snap, name, nil
		}
		seen(snap)
		if err := tx.Rollback(ctx); err != nil {
			return nil, nil, "", fmt.Errorf("roll back snapshot: %w", err)
		}
		if try%20 == 10 {
			r.log.WarnContext(ctx, "snapshot_waits_for_transactions", "blockers", blockers(ctx, conn))
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return nil, nil, "", err
		}
	}
}

// readTables copies the mapped tables, what is needed before what needs it.
func (r *Reader) readTables(ctx context.Context, sink Sink, snapshot string) (int, error) {
	total := 0
	for _, t := range r.resolved.order {
		n, err := r.readTable(ctx, snapshot, func(ctx context.Context, conn *pgx.Conn) ([]uint32, int, error) {
			n, err := r.copyTable(ctx, conn, sink, t)
			return t.Leaves, n, err
		})
		if err != nil {
			return total, fmt.Errorf("read %s: %w", t, err)
		}
		total += n
		r.log.InfoContext(ctx, "table_read", "table", t.String(), "rows", n)
	}
	return total, nil
}

// readTable copies one table in a transaction of its own: its lock is gone as soon as the table is read. read gives the leaves
// that it read.
func (r *Reader) readTable(ctx context.Context, snapshot string, read func(context.Context, *pgx.Conn) ([]uint32, int, error)) (int, error) {
	conn, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() { defer close(watched); r.yieldToOthers(ctx, conn.PgConn().PID(), cancel) }() // ends with ctx
	defer func() { cancel(nil); <-watched }()

	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	for _, sql := range []string{
		"SET TRANSACTION SNAPSHOT '" + snapshot + "'", "SET LOCAL row_security = off", "SET LOCAL lock_timeout = '1s'",
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return 0, fmt.Errorf("import snapshot: %w", err)
		}
	}
	leaves, n, err := read(ctx, conn)
	if err == nil {
		err = unrewritten(ctx, tx, leaves)
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil && errors.Is(context.Cause(ctx), errBlocking) {
		err = fmt.Errorf("%w: %w", errBlocking, err)
	}
	return n, err
}

const rewrittenSQL = `
SELECT count(*) FROM unnest($1::oid[]) AS leaf (oid) LEFT JOIN pg_class c USING (oid)
WHERE c.relfilenode IS DISTINCT FROM pg_relation_filenode(leaf.oid)`

// unrewritten makes sure, while the lock of the copy is still held, that the files read are those the snapshot means: a
// TRUNCATE or a rewriting ALTER between snapshot and copy reads as an empty table.
func unrewritten(ctx context.Context, tx pgx.Tx, leaves []uint32) error {
	var moved int
	if err := tx.QueryRow(ctx, rewrittenSQL, leaves).Scan(&moved); err != nil {
		return fmt.Errorf("compare relfilenodes: %w", err)
	}
	if moved > 0 {
		return errRewritten
	}
	return nil
}

// inTheWaySQL asks only of those who wait: pg_blocking_pids stops the lock manager for a moment.
const inTheWaySQL = `
SELECT count(*) FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS waiting WHERE $1 = ANY (pg_blocking_pids(pid))`

// yieldToOthers ends the copy's session when somebody has waited for its lock for about a second. It ends it at the server:
// the lock must be gone also while the sink is busy with the last rows.
func (r *Reader) yieldToOthers(ctx context.Context, pid uint32, cancel context.CancelCauseFunc) {
	conn, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for waited := 0; wait(ctx, 250*time.Millisecond) == nil; {
		var waiting int
		if err := conn.QueryRow(ctx, inTheWaySQL, int32(pid)).Scan(&waiting); err != nil {
			return
		}
		if waited++; waiting == 0 {
			waited = 0
		}
		if waited > 2 {
			cancel(errBlocking)
			if _, err := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_terminate_backend($1)", int32(pid)); err != nil {
				r.log.WarnContext(ctx, "copy_not_ended", "error", err.Error())
			}
			return
		}
	}
}
