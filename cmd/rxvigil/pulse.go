package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
)

// pulse writes a canary every ten seconds and expects it back: it shows that the stream is alive, moves an idle slot, and
// carries the wall clock that engine time is bounded by. With each beat it confirms to the slot what is safe.
type pulse struct {
	source  *pgxpool.Pool
	key     cdc.Key
	engine  *engine
	reader  *cdc.Reader
	confirm func(ctx context.Context, lsn uint64) error
	logger  *slog.Logger

	seen uint64 // where the engine stood at the last beat
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
				if err := p.engine.disk.Sync(); err != nil {
					return err
				}
				p.measure(ctx)
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
	id := rand.Text()
	p.engine.vital.canarySent(id)
	_, err := p.key.Emit(ctx, p.source, cdc.Message{Op: "canary", At: time.Now().UTC(), ID: id})
	return err
}

// watch looks after a stream that seems to stand: its canary is overdue and nothing else came. It is made anew.
func (p *pulse) watch(ctx context.Context) {
	here := p.engine.durable.Load()
	if late := p.engine.vital.overdue(); late > overdue && here == p.seen {
		p.logger.WarnContext(ctx, "canary_overdue", "seconds", late.Seconds())
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

const headSQL = `
SELECT pg_current_wal_lsn()::text,
       coalesce((SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = $1), 0)::bigint,
       coalesce((SELECT safe_wal_size FROM pg_replication_slots WHERE slot_name = $1), -1)::bigint`

// measure compares the source's head with our position.
func (p *pulse) measure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var head string
	var retained, safe int64
	if p.source.QueryRow(ctx, headSQL, p.engine.slot).Scan(&head, &retained, &safe) != nil {
		return // the reader says what is wrong with the source
	}
	if lsn, err := rxvigil.ParseLSN(head); err == nil {
		p.engine.vital.behind(lsn)
	}
	p.engine.metrics.slot(retained, safe)
}
