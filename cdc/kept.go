package cdc

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
)

// KeptWAL is the WAL that the server keeps because of our slot.
type KeptWAL struct {
	Head   uint64 // where the server writes
	Exists bool   // the slot; without it nothing of what follows is known
	Active bool   // somebody reads it
	Status string // wal_status: reserved, extended, unreserved, lost
	Bytes  int64  // that cannot be removed because of the slot
	Safe   int64  // may still be written before the slot is in danger; -1 without limit
	Limit  int64  // what the server keeps for a slot at most; -1: all
}

const keptWALSQL = `
SELECT pg_current_wal_lsn()::text, s.slot_name IS NOT NULL, coalesce(s.active, false), coalesce(s.wal_status, ''),
       greatest(coalesce(pg_current_wal_lsn() - s.restart_lsn, 0), 0)::bigint, coalesce(s.safe_wal_size, -1),
       pg_size_bytes(current_setting('max_slot_wal_keep_size'))
FROM (SELECT) AS one LEFT JOIN pg_replication_slots s ON s.slot_name = $1`

// ReadKeptWAL asks a primary what it keeps for a slot. It takes no lock that anybody waits for.
func ReadKeptWAL(ctx context.Context, q Querier, slot string) (KeptWAL, error) {
	var k KeptWAL
	var head string
	if err := q.QueryRow(ctx, keptWALSQL, slot).Scan(&head, &k.Exists, &k.Active, &k.Status, &k.Bytes, &k.Safe, &k.Limit); err != nil {
		return k, fmt.Errorf("read kept WAL: %w", err)
	}
	lsn, err := pglogrepl.ParseLSN(head)
	k.Head = uint64(lsn)
	return k, err
}

// Forsake drops our slot so that the server may remove its WAL, and says why to whoever is told of the gap. The reader, as soon
// as it is able to, makes the slot anew and boots. Any goroutine may call it.
func (r *Reader) Forsake(ctx context.Context, why string) error {
	conn, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	r.forsaken.Store(&why)
	for {
		gone, err := r.dropOwn(ctx, conn)
		if gone || err != nil {
			return err
		}
		if err := wait(ctx, jittered(0, func(int64) int64 { return 0 })); err != nil {
			return fmt.Errorf("drop our slot: %w", err)
		}
	}
}

// dropOwn tries once: the session that reads the slot, which is our own, has to end first, and may be quick to come back.
func (r *Reader) dropOwn(ctx context.Context, conn *pgx.Conn) (gone bool, err error) {
	slot, err := readSlot(ctx, conn, r.cfg.Slot)
	if err != nil || !slot.exists {
		return err == nil, err
	}
	if slot.foreign != "" {
		return false, errors.New(slot.foreign)
	}
	r.Interrupt()
	_, err = conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", r.cfg.Slot)
	if causeOf(err) == occupied {
		return false, nil
	}
	return err == nil, err
}

// forsook gives, once, why we dropped our own slot.
func (r *Reader) forsook() string {
	why := r.forsaken.Swap(nil)
	if why == nil {
		return ""
	}
	r.booting = false // also a boot under way counts as another one: it must not begin again for ever
	return *why
}
