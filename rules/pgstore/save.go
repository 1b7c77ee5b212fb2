package pgstore

import (
	"context"
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

// fullSheet is how many transitions are sent in one round trip: one transaction may raise an alert on every shelf, and what is
// sent is held in memory twice.
const fullSheet = 500

// saveAll sends everything, usually in one round trip.
func (s *Store) saveAll(ctx context.Context, tx pgx.Tx, commits []rules.Commit) error {
	var all sheet
	for i := range commits {
		c := &commits[i]
		for rank := range c.Transitions {
			all.add(c, rank)
			if len(all.lines) >= fullSheet {
				if err := send(ctx, tx, &all); err != nil {
					return err
				}
			}
		}
	}
	return send(ctx, tx, &all, commits...)
}

// send writes a sheet, and what else some commits leave, in one round trip. The sheet is empty then.
func send(ctx context.Context, tx pgx.Tx, sheet *sheet, commits ...rules.Commit) error {
	batch := &pgx.Batch{}
	sheet.queue(batch)
	for i := range commits {
		queueOccurrences(batch, &commits[i])
		queueOverrides(batch, &commits[i])
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
		if err := send(ctx, tx, &sheet{}, *c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) saveOne(ctx context.Context, tx pgx.Tx, c *rules.Commit, rank int) error {
	err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
		var one sheet
		one.add(c, rank)
		return send(ctx, savepoint, &one)
	})
	if !refused(err) {
		return err
	}
	s.quarantined(c.Transitions[rank], err)
	return s.quarantine(ctx, tx, c, rank, err)
}

// quarantine stores the line without what a person or an app may have written into it.
func (s *Store) quarantine(ctx context.Context, tx pgx.Tx, c *rules.Commit, rank int, cause error) error {
	reason := cause.Error()
	var pg *pgconn.PgError
	if errors.As(cause, &pg) {
		reason = pg.Code + " " + pg.Message
	}
	t := c.Transitions[rank]
	t.By, t.Note = "", ""
	return send(ctx, tx, &sheet{lines: []line{{commit: c, rank: rank, Transition: &t, reason: &reason}}})
}

func queueOccurrences(batch *pgx.Batch, c *rules.Commit) {
	const sql = `
		INSERT INTO rxvigil.occurrences (tenant, scan, wall, at, status) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant, scan, wall) DO NOTHING`
	for _, o := range c.Occurrences {
		batch.Queue(sql, o.Tenant, o.Scan, o.Wall, o.At, o.Status)
	}
}
