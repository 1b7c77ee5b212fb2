package cdc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// prepare makes publication and slot fit, and boots cold where it must. It gives the boot, nil for a warm start, and the
// LSN to start at.
func (r *Reader) prepare(ctx context.Context, conn *pgx.Conn, repl *pgconn.PgConn, sink Sink) (*boot, uint64, error) {
	srv, err := readServer(ctx, conn, repl)
	if err != nil {
		return nil, 0, err
	}
	r.xid = srv.xid
	if srv.recovery {
		return nil, 0, errors.New("the source is a standby in recovery: rxvigil reads a primary")
	}
	unfit, err := r.resolve(ctx, conn)
	if err != nil {
		return nil, 0, err
	}
	id := srv.Identity
	var altered bool
	if id.Publication, altered, err = publish(ctx, conn, r.cfg.Publication, r.resolved.Tables); err != nil {
		return nil, 0, err
	}
	slot, err := r.freeSlot(ctx, conn)
	if err != nil {
		return nil, 0, err
	}
	id.Slot = r.kept.SlotGen
	slot.lost = slot.lost || r.invalid
	r.keepFailover(ctx, conn, repl, slot)
	r.reached.Store(srv.flushed) // what another server had reached says nothing of this one
	reason, err := r.reason(ctx, repl, sink, id, slot, srv.flushed)
	if err != nil {
		return nil, 0, err
	}
	if !slot.exists {
		reason = cmp.Or(r.forsook(), reason)
	}
	if reason == "" && altered {
		reason = "the publication did not name our tables"
	}
	if reason == "" {
		return nil, r.kept.Position, nil
	}
	if unfit != nil {
		return nil, 0, unfit
	}
	b, err := r.begin(ctx, conn, sink, id, slot, reason)
	return b, 0, err
}

// resolve fits the mapping to the catalog. What does not fit ends the reader at its start. Later a column may have been
// dropped or renamed under a stream that can go on: then the mapping stays as it was resolved, its unfit parts degrade
// loudly, and unfit says why no table could be read anew.
func (r *Reader) resolve(ctx context.Context, conn *pgx.Conn) (unfit error, err error) {
	resolved, findings, err := Resolve(ctx, conn, r.cfg.Mapping)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Fatal }) {
		r.resolved = resolved
		return nil, nil
	}
	unfit = &MappingError{findings}
	if r.resolved == nil {
		return nil, unfit
	}
	for _, t := range r.resolved.Tables {
		if !slices.ContainsFunc(resolved.Tables, func(u *Table) bool { return u.OID == t.OID }) {
			return nil, unfit
		}
	}
	r.log.ErrorContext(ctx, "mapping_degraded", "error", unfit.Error())
	return unfit, nil
}

// freeSlot waits until nobody uses our slot.
func (r *Reader) freeSlot(ctx context.Context, conn *pgx.Conn) (slotState, error) {
	for try := 0; ; try++ {
		slot, err := readSlot(ctx, conn, r.cfg.Slot)
		if err != nil {
			return slot, err
		}
		if slot.foreign != "" {
			return slot, fatal(fmt.Errorf("%s: choose another source.slot", slot.foreign))
		}
		if !slot.active {
			return slot, nil
		}
		if try%20 == 4 {
			r.log.WarnContext(ctx, "slot_in_use", "slot", r.cfg.Slot, "by", user(ctx, conn, slot.pid))
		}
		if err := wait(ctx, 250*time.Millisecond); err != nil {
			return slot, err
		}
	}
}

// reason is cold, and follows a source that a promotion moved to another timeline.
func (r *Reader) reason(ctx context.Context, repl *pgconn.PgConn, sink Sink, id Identity, slot slotState, flushed uint64) (string, error) {
	promoted, err := r.promoted(ctx, repl, id)
	if err != nil {
		return "", err
	}
	if !promoted {
		return r.cold(id, slot, flushed), nil
	}
	if reason := r.cold(r.kept.Identity, slot, flushed); reason != "" {
		return "the server was promoted, and " + reason, nil
	}
	whole, err := sink.Moved(ctx, id)
	if err != nil {
		return "", fatal(err)
	}
	if !whole {
		return "the server was promoted, and what we stored there may not have gone along", nil
	}
	r.kept.Identity = id
	return "", nil
}

// cold tells why the tables must be read, or "" when the stream can go on where it was.
func (r *Reader) cold(id Identity, slot slotState, flushed uint64) string {
	k := r.kept
	switch {
	case k.Position == 0:
		return "nothing kept"
	case !slot.exists:
		return "the slot is missing"
	case slot.lost && slot.why != "":
		return "the slot was invalidated: " + slot.why
	case slot.lost:
		return "the slot was invalidated"
	case k.Identity != id:
		return "another source: " + id.String() + ", before " + k.Identity.String()
	case k.Hash != r.resolved.Hash:
		return "the mapping changed"
	case slot.confirmed > k.Position: // the server would start there, and say nothing of what lies between
		return "the slot was made anew or advanced beyond our position"
	case k.Position > flushed:
		return "the server's WAL ends before our position"
	}
	return ""
}

// begin starts a cold boot: everything kept is void, the slot exists, the tables are read.
func (r *Reader) begin(ctx context.Context, conn *pgx.Conn, sink Sink, id Identity, slot slotState, reason string) (*boot, error) {
	if !r.booting && !r.mayBoot(time.Now()) {
		return nil, errBootsTooOften
	}
	r.booting = true
	r.place.Store(0)
	r.log.InfoContext(ctx, "cold_boot", "reason", reason)
	var horizon int64
	if err := conn.QueryRow(ctx, horizonSQL).Scan(&horizon); err != nil {
		return nil, fmt.Errorf("read horizon: %w", err)
	}
	if err := r.ensureSlot(ctx, conn, sink, &id, slot); err != nil {
		return nil, err
	}
	if r.kept.Position != 0 || r.kept.Older != 0 {
		r.gap(reason)
	}
	r.kept.Older = 0
	r.kept.Identity, r.kept.Hash, r.kept.Position, r.kept.SlotGen = id, r.resolved.Hash, 0, id.Slot
	if k, ok := sink.(interface{ Understand(m *Memory) }); ok {
		k.Understand(&Memory{r.resolved})
	}
	if err := sink.Forget(ctx, id, r.resolved.Hash); err != nil {
		return nil, fatal(err)
	}
	return r.coldBoot(ctx, sink, uint64(horizon))
}

// mayBoot counts cold boots: at most three an hour. One that was void, because the connection broke or a table was in use,
// is the same boot when it is tried again.
func (r *Reader) mayBoot(now time.Time) bool {
	for len(r.boots) > 0 && now.Sub(r.boots[0]) > time.Hour {
		r.boots = r.boots[1:]
	}
	if len(r.boots) >= 3 {
		return false
	}
	r.boots = append(r.boots, now)
	return true
}

// gap remembers what the boot under way will have missed; a boot that is void leaves it standing.
func (r *Reader) gap(reason string) {
	if r.missed == nil {
		r.missed = &Gap{From: r.kept.Position, Since: r.kept.At, Reason: reason}
		if r.kept.Position == 0 {
			r.missed.From, r.missed.Since = r.kept.Older, r.kept.OlderAt
		}
	}
}

// ensureSlot keeps our slot where it can be streamed from, and makes it anew otherwise: also when the publication is another
// one than before, because the server would look it up in the catalog of that time and fail for ever.
func (r *Reader) ensureSlot(ctx context.Context, conn *pgx.Conn, sink Sink, id *Identity, slot slotState) error {
	known := r.kept.Identity
	known.Slot = id.Slot
	if slot.exists && !slot.lost && known == *id {
		return nil
	}
	var err error
	if id.Slot, err = sink.NewSlot(ctx); err != nil {
		return fatal(err)
	}
	if slot.exists {
		if _, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", r.cfg.Slot); err != nil {
			return fmt.Errorf("drop the old slot: %w", err)
		}
	}
	r.invalid = false
	watch, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = watch.Close(context.WithoutCancel(ctx)) }()
	return createSlot(ctx, conn, watch, r.cfg.Slot, r.cfg.Failover, r.log)
}
