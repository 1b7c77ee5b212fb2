package cdc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Identity is the source identity: what must be the same for a position to mean anything.
type Identity struct {
	System      string `json:"system"`
	Timeline    int32  `json:"timeline"`
	Database    uint32 `json:"database"`
	Publication uint32 `json:"publication"`
	Slot        int64  `json:"slot"` // generation of our slot
}

// String is the identity in one line.
func (i Identity) String() string {
	return fmt.Sprintf("%s/%d/%d/%d/%d", i.System, i.Timeline, i.Database, i.Publication, i.Slot)
}

// slotState is our slot as pg_replication_slots shows it.
type slotState struct {
	exists    bool
	active    bool
	pid       int32
	lost      bool
	why       string // it was lost, as far as the server says
	foreign   string // why it cannot be ours
	failover  bool   // standbys keep a copy of it; from 17 on
	confirmed uint64
}

// slotSQL reads columns that came with 17 as JSON: older servers have none.
const slotSQL = `
SELECT coalesce(plugin, ''), coalesce(database, ''), active, coalesce(active_pid, 0), coalesce(wal_status, ''),
       coalesce(confirmed_flush_lsn, '0/0')::text, current_database(),
       coalesce(to_jsonb(s) ->> 'invalidation_reason', ''), coalesce((to_jsonb(s) ->> 'failover')::bool, false)
FROM pg_replication_slots AS s WHERE slot_name = $1`

func readSlot(ctx context.Context, conn *pgx.Conn, name string) (slotState, error) {
	var plugin, database, status, confirmed, here string
	var s slotState
	err := conn.QueryRow(ctx, slotSQL, name).Scan(&plugin, &database, &s.active, &s.pid, &status, &confirmed, &here, &s.why, &s.failover)
	if errors.Is(err, pgx.ErrNoRows) {
		return slotState{}, nil
	}
	if err != nil {
		return s, fmt.Errorf("read slot: %w", err)
	}
	s.exists, s.lost = true, status == "lost"
	if plugin != "pgoutput" || database != here {
		s.foreign = fmt.Sprintf("slot %q belongs to plugin %q in database %q", name, plugin, database)
	}
	lsn, err := pglogrepl.ParseLSN(confirmed)
	s.confirmed = uint64(lsn)
	return s, err
}

const userSQL = `
SELECT format('pid %s (%s, %s)', pid, usename, coalesce(nullif(application_name, ''), 'unnamed')) FROM pg_stat_activity WHERE pid = $1`

// user names a session for a person.
func user(ctx context.Context, conn *pgx.Conn, pid int32) string {
	var name string
	if err := conn.QueryRow(ctx, userSQL, pid).Scan(&name); err != nil {
		return fmt.Sprintf("pid %d", pid)
	}
	return name
}

// publicationMark is the comment on a publication of ours. One without it is somebody else's: it is used where it publishes
// what we need, and never changed or dropped.
const publicationMark = "made by rxvigil"

const publicationSQL = `
SELECT p.oid, p.pubviaroot OR NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate),
       ARRAY(SELECT prrelid FROM pg_publication_rel WHERE prpubid = p.oid ORDER BY 1)::oid[], p.puballtables,
       EXISTS (SELECT FROM pg_publication_rel r WHERE prpubid = p.oid AND (to_jsonb(r) ->> 'prattrs' IS NOT NULL OR to_jsonb(r) ->> 'prqual' IS NOT NULL)),
       obj_description(p.oid, 'pg_publication') IS NOT DISTINCT FROM '` + publicationMark + `'
FROM pg_publication p WHERE p.pubname = $1`

// publish makes the publication name exactly the mapped tables, with all their rows and columns, and gives its oid; altered
// says that it had to be changed, so that it may have carried too little. It runs DDL only where something differs, and never
// waits for a lock longer than a second: the app comes first.
func publish(ctx context.Context, conn *pgx.Conn, name string, tables []*Table) (oid uint32, altered bool, err error) {
	oid, fits, ours, err := readPublication(ctx, conn, name, tables)
	missing := errors.Is(err, pgx.ErrNoRows)
	switch {
	case err != nil && !missing:
		return 0, false, err
	case fits:
		return oid, false, nil
	case !missing && !ours:
		return 0, false, fatal(fmt.Errorf("publication %q is not ours and does not publish what the mapping needs: choose another source.publication", name))
	}
	var quoted []string
	for _, t := range tables {
		quoted = append(quoted, t.Quoted())
	}
	ident, list := pgx.Identifier{name}.Sanitize(), strings.Join(quoted, ", ")
	sql := []string{
		"CREATE PUBLICATION " + ident + " FOR TABLE " + list,
		"COMMENT ON PUBLICATION " + ident + " IS '" + publicationMark + "'",
	}
	if !missing {
		sql = []string{
			"ALTER PUBLICATION " + ident + " SET TABLE " + list,
			"ALTER PUBLICATION " + ident + " SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = false)",
		}
	}
	if err := withLockTimeout(ctx, conn, sql...); err != nil {
		return 0, false, fmt.Errorf("publish the mapped tables: %w", err)
	}
	oid, _, _, err = readPublication(ctx, conn, name, tables)
	return oid, true, err
}

// readPublication gives a publication's oid, whether it publishes exactly these tables with all their rows and columns, and
// whether it is ours. pgx.ErrNoRows: there is none.
func readPublication(ctx context.Context, conn *pgx.Conn, name string, tables []*Table) (oid uint32, fits, ours bool, err error) {
	var odd, all, part bool
	var have, want []uint32
	if err := conn.QueryRow(ctx, publicationSQL, name).Scan(&oid, &odd, &have, &all, &part, &ours); err != nil {
		return 0, false, false, fmt.Errorf("read publication: %w", err)
	}
	for _, t := range tables {
		want = append(want, t.OID)
	}
	slices.Sort(want)
	return oid, !odd && !all && !part && slices.Equal(want, have), ours, nil
}

func withLockTimeout(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, sql := range append([]string{"SET LOCAL lock_timeout = '1s'"}, statements...) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

const createSlotSQL = `SELECT pg_create_logical_replication_slot($1, 'pgoutput')`

// createFailoverSlotSQL makes a slot that standbys keep a copy of; from 17 on.
const createFailoverSlotSQL = `SELECT pg_create_logical_replication_slot($1, 'pgoutput', failover => true)`

// createSlot makes the slot. The server waits for every transaction that is running now; who holds it up is logged.
func createSlot(ctx context.Context, conn, watch *pgx.Conn, name string, failover bool, log *slog.Logger) error {
	done := make(chan struct{})
	watched := make(chan struct{})
	go func() { // ends before createSlot returns
		defer close(watched)
		for tick := time.NewTicker(2 * time.Second); ; {
			select {
			case <-done:
				tick.Stop()
				return
			case <-tick.C:
				log.WarnContext(ctx, "slot_creation_waits", "blockers", blockers(ctx, watch))
			}
		}
	}()
	sql := createSlotSQL
	if failover && hasFailover(conn) {
		sql = createFailoverSlotSQL
	}
	_, err := conn.Exec(ctx, sql, name)
	close(done)
	<-watched
	if err != nil {
		return fmt.Errorf("create slot %q: %w", name, err)
	}
	return nil
}

// blockersSQL reads pg_locks, which shows everybody's transactions to every role, of every database: they all count.
const blockersSQL = `
SELECT format('pid %s (%s, %s) for %s', l.pid, a.usename, coalesce(nullif(a.application_name, ''), 'unnamed'), date_trunc('second', clock_timestamp() - a.xact_start))
FROM (SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted) AS l
JOIN pg_stat_activity a USING (pid)
WHERE l.pid <> pg_backend_pid()
UNION ALL
SELECT format('prepared transaction %L of %s for %s', gid, owner, date_trunc('second', clock_timestamp() - prepared)) FROM pg_prepared_xacts
LIMIT 10`

// blockers names the sessions with an open writing transaction.
func blockers(ctx context.Context, conn *pgx.Conn) []string {
	rows, err := conn.Query(ctx, blockersSQL)
	if err != nil {
		return []string{err.Error()}
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return []string{err.Error()}
	}
	return names
}

const serverSQL = `
SELECT (SELECT oid FROM pg_database WHERE datname = current_database()),
       CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_flush_lsn()::text END,
       pg_is_in_recovery(), pg_snapshot_xmax(pg_current_snapshot())::text::bigint`

// server is what a session tells about the server: how far its WAL is durable, and a recent 64-bit transaction id.
type server struct {
	Identity
	flushed  uint64
	xid      uint64
	recovery bool
}

func readServer(ctx context.Context, conn *pgx.Conn, repl *pgconn.PgConn) (server, error) {
	sys, err := pglogrepl.IdentifySystem(ctx, repl)
	if err != nil {
		return server{}, fmt.Errorf("identify system: %w", err)
	}
	s := server{Identity: Identity{System: sys.SystemID, Timeline: sys.Timeline}}
	var flushed string
	var xid int64
	if err := conn.QueryRow(ctx, serverSQL).Scan(&s.Database, &flushed, &s.recovery, &xid); err != nil {
		return s, fmt.Errorf("read server identity: %w", err)
	}
	s.xid = uint64(xid)
	lsn, err := pglogrepl.ParseLSN(flushed)
	s.flushed = uint64(lsn)
	return s, err
}

// widen makes a 32-bit transaction id of the stream 64 bits wide: the one nearest to a recent one.
func widen(xid uint32, near uint64) uint64 {
	wide := near&^0xFFFF_FFFF | uint64(xid)
	switch {
	case wide > near && wide-near > 1<<31 && wide >= 1<<32:
		return wide - 1<<32
	case near > wide && near-wide > 1<<31:
		return wide + 1<<32
	}
	return wide
}
