package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// pulse writes a canary every ten seconds and expects it back: it shows that the stream is alive, moves an idle slot, and
// carries the wall clock that engine time is bounded by and what the source keeps for us. With each beat it confirms to the
// slot what is safe.
type pulse struct {
	source  *pgxpool.Pool
	key     cdc.Key
	engine  *engine
	reader  *cdc.Reader
	confirm func(ctx context.Context, lsn uint64) error
	limits  walLimits
	logger  *slog.Logger

	seen uint64 // progress of the reader at the last beat
}

// walLimits say from where on WAL that is kept for us is too much; 0: never.
type walLimits struct {
	warn, critical int64 // an alert
	drop           int64 // we drop our slot
}

const (
	beat    = 10 * time.Second
	overdue = 30 * time.Second
)

// Run beats until ctx ends, and confirms a last time.
func (p *pulse) Run(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	gauge := time.NewTicker(time.Second)
	defer gauge.Stop()
	for {
		if err := p.beat(ctx); err != nil && ctx.Err() == nil {
			if isFenced(err) {
				return err
			}
			p.logger.WarnContext(ctx, "canary_failed", "error", err.Error())
		}
	waiting:
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-gauge.C:
				p.engine.refreshSome()
				if err := p.engine.disk.Sync(); err != nil {
					return err
				}
				if _, err := p.measure(ctx); err == nil { // else the reader says what is wrong with the source
					p.protect(ctx)
				}
			case <-tick.C:
				break waiting
			}
		}
	}
}

func (p *pulse) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beat)
	defer cancel()
	p.watch(ctx)
	if err := p.confirmSafe(ctx); err != nil {
		return err
	}
	told, err := p.measure(ctx)
	if err != nil {
		return err
	}
	id := rand.Text()
	p.engine.vital.canarySent(id)
	_, err = p.key.Emit(ctx, p.source, cdc.Message{Op: "canary", At: time.Now().UTC(), ID: id, Data: told})
	return err
}

// watch looks after a stream that seems to stand: its canary is overdue, nothing else came, and nothing that came is still
// worked on. It is made anew.
func (p *pulse) watch(ctx context.Context) {
	here, waiting := p.reader.Progress()
	if late := p.engine.vital.overdue(); late > overdue && waiting && here == p.seen {
		p.logger.WarnContext(ctx, "canary_overdue", "seconds", late.Seconds())
		p.engine.vital.set("stale")
		p.engine.vital.forgetCanaries()
		p.reader.Interrupt()
	}
	p.seen = here
}

// confirmSafe lets the slot forget what is synced here, visible to everybody there, and recorded as confirmed.
func (p *pulse) confirmSafe(ctx context.Context) error {
	upTo := p.engine.durable.Load()
	if upTo == 0 {
		return nil
	}
	if err := p.engine.disk.Sync(); err != nil {
		return err
	}
	snapshot, err := readSnapshot(ctx, p.source)
	if err != nil {
		return err
	}
	upTo = p.engine.unsure.visible(upTo, snapshot)
	if err := p.confirm(ctx, upTo); err != nil {
		return fmt.Errorf("record what is confirmed: %w", err)
	}
	p.reader.Confirm(upTo)
	return nil
}

const snapshotSQL = `
SELECT pg_snapshot_xmax(s)::text::bigint, ARRAY(SELECT x::text::bigint FROM pg_snapshot_xip(s) AS x)
FROM pg_current_snapshot() AS s`

func readSnapshot(ctx context.Context, pool *pgxpool.Pool) (pgSnapshot, error) {
	var limit int64
	var running []int64
	if err := pool.QueryRow(ctx, snapshotSQL).Scan(&limit, &running); err != nil {
		return pgSnapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	s := pgSnapshot{Max: uint64(limit)}
	for _, x := range running {
		s.Running = append(s.Running, uint64(x))
	}
	return s, nil
}

// measure asks what the source keeps for us, compares its head with our position, and gives what a canary says of it; nothing
// while there is no slot. A slot that keeps more than we may cost is dropped.
func (p *pulse) measure(ctx context.Context) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	k, err := cdc.ReadKeptWAL(ctx, p.source, p.engine.slot)
	if err != nil {
		return nil, err
	}
	p.engine.vital.measured(k, p.reader.Seen())
	p.reader.Reached(k.Head)
	p.engine.metrics.slot(k)
	if !k.Exists {
		return nil, nil
	}
	return json.Marshal(rules.Kept{
		Bytes: k.Bytes, Safe: k.Safe, Limit: k.Limit, Status: k.Status, Warn: p.limits.warn, Critical: p.limits.critical,
		Behind: int64(p.engine.vital.overdue() / time.Second),
	})
}

// dropPatience is how long the session that reads our slot may take to let it go.
const dropPatience = 15 * time.Second

// protect drops our slot where it keeps more WAL than the configuration allows: the app's disk is worth more than our history.
func (p *pulse) protect(ctx context.Context) {
	kept, ok := p.engine.vital.tooMuch(p.limits.drop)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dropPatience)
	defer cancel()
	why := fmt.Sprintf("we dropped our slot, because %s of WAL were kept for it, more than source.wal.drop", rules.Size(kept))
	if err := p.reader.Forsake(ctx, why); err != nil {
		p.logger.ErrorContext(ctx, "slot_not_dropped", "kept_bytes", kept, "error", err.Error())
		return
	}
	p.logger.ErrorContext(ctx, "slot_dropped", "kept_bytes", kept, "limit_bytes", p.limits.drop)
}
