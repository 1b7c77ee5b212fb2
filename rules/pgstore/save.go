package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Save is rules.Store's: one transaction for all commits. When the database refuses a value (SQLSTATE 22*, 23*), the commits
// are saved again with care: only the transition that carries it is replaced by a line that says so.
func (s *Store) Save(ctx context.Context, commits []rules.Commit) error {
	if len(commits) == 0 {
		return nil
	}
	err := s.inFence(ctx, commits, s.saveAll)
	if refused(err) {
		err = s.inFence(ctx, commits, s.saveCarefully)
	}
	if err != nil {
		return fmt.Errorf("save transitions: %w", err)
	}
	return nil
}

func (s *Store) inFence(ctx context.Context, commits []rules.Commit, save func(context.Context, pgx.Tx, []rules.Commit) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		last := &commits[len(commits)-1]
		held, err := s.fence(ctx, tx, rxvigil.Position{Epoch: last.Epoch, LSN: last.Tx.LSN})
		if err != nil {
			return err
		}
		if !held {
			return rules.ErrFenced
		}
		return save(ctx, tx, commits)
	})
}

func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && len(pg.Code) == 5 && (pg.Code[:2] == "22" || pg.Code[:2] == "23")
}

// fullBatch is how many statements are sent in one round trip: one transaction may raise an alert on every shelf, and a batch
// is held in memory twice.
const fullBatch = 1000

// saveAll sends everything, usually in one round trip.
func (s *Store) saveAll(ctx context.Context, tx pgx.Tx, commits []rules.Commit) error {
	batch := &pgx.Batch{}
	for i := range commits {
		c := &commits[i]
		for rank := range c.Transitions {
			if err := queueTransition(batch, c, rank); err != nil {
				return err
			}
			if batch.Len() >= fullBatch {
				if err := tx.SendBatch(ctx, batch).Close(); err != nil {
					return err
				}
				batch = &pgx.Batch{}
			}
		}
		queueOccurrences(batch, c)
		queueOverrides(batch, c)
	}
	return tx.SendBatch(ctx, batch).Close()
}

// saveCarefully gives each transition a savepoint of its own.
func (s *Store) saveCarefully(ctx context.Context, tx pgx.Tx, commits []rules.Commit) error {
	for i := range commits {
		c := &commits[i]
		for rank := range c.Transitions {
			if err := s.saveOne(ctx, tx, c, rank); err != nil {
				return err
			}
		}
		batch := &pgx.Batch{}
		queueOccurrences(batch, c)
		queueOverrides(batch, c)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) saveOne(ctx context.Context, tx pgx.Tx, c *rules.Commit, rank int) error {
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		batch := &pgx.Batch{}
		if err := queueTransition(batch, c, rank); err != nil {
			return err
		}
		return savepoint.SendBatch(ctx, batch).Close()
	})
	if !refused(err) {
		return err
	}
	s.quarantined(c.Transitions[rank], err)
	return s.quarantine(ctx, tx, c, rank, err)
}

const insertAlert = `
	INSERT INTO rxvigil.alerts AS a (tenant, id, fingerprint, episode, branch, rule, status, severity, started_at, changed_at,
		resolved_at, version, body)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
	ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, severity = excluded.severity,
		changed_at = excluded.changed_at, resolved_at = excluded.resolved_at, version = excluded.version, body = excluded.body
	WHERE a.version < excluded.version`

const insertHistory = `
	INSERT INTO rxvigil.alert_history (tenant, alert_id, version, epoch, lsn, ordinal, xid, committed_at, at, event, from_status,
		to_status, severity, rung, by, note, body, quarantined)
	VALUES ($1, $2, $3, $4, $5::text::pg_lsn, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
	ON CONFLICT (tenant, alert_id, version) DO NOTHING`

func queueTransition(batch *pgx.Batch, c *rules.Commit, rank int) error {
	t := &c.Transitions[rank]
	a := &t.Alert
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	batch.Queue(insertAlert, a.Tenant, a.ID, a.Fingerprint(), a.Episode, string(a.Branch), a.Rule, a.Status, a.Severity,
		a.StartedAt, a.ChangedAt, a.ResolvedAt, a.Version, body)
	batch.Queue(insertHistory, historyArgs(c, rank, t.By, t.Note, body, nil)...)
	return nil
}

func historyArgs(c *rules.Commit, rank int, by, note string, body []byte, reason *string) []any {
	t, place := &c.Transitions[rank], c.Place(rank)
	a := &t.Alert
	return []any{
		a.Tenant, a.ID, a.Version, place.Epoch, rxvigil.FormatLSN(place.LSN), int64(place.Ordinal),
		fmt.Sprint(c.Tx.XID), c.Tx.At, a.ChangedAt, t.Event, t.From, a.Status, a.Severity, a.Rung, by, note, body, reason,
	}
}

// quarantine stores the line without what a person or an app may have written into it.
func (s *Store) quarantine(ctx context.Context, tx pgx.Tx, c *rules.Commit, rank int, cause error) error {
	reason := cause.Error()
	var pg *pgconn.PgError
	if errors.As(cause, &pg) {
		reason = pg.Code + " " + pg.Message
	}
	_, err := tx.Exec(ctx, insertHistory, historyArgs(c, rank, "", "", nil, &reason)...)
	return err
}

func queueOccurrences(batch *pgx.Batch, c *rules.Commit) {
	const sql = `
		INSERT INTO rxvigil.occurrences (tenant, scan, wall, at, status) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant, scan, wall) DO NOTHING`
	for _, o := range c.Occurrences {
		batch.Queue(sql, o.Tenant, o.Scan, o.Wall, o.At, o.Status)
	}
}
