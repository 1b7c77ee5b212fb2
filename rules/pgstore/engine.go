package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// Engine is the engine's own row: who may write, of which source it speaks, and how far it is.
type Engine struct {
	Generation     int64
	Identity       string // of the source; empty: none yet
	Epoch          string
	SlotGeneration int64
	Position       rxvigil.Position // the last transaction saved
	Confirmed      uint64           // LSN up to which the slot may forget
	UpdatedAt      time.Time
}

const engineColumns = `generation, identity, epoch, slot_generation, position::text, position_epoch, confirmed::text, updated_at`

// Claim makes this store the only one that may write: older ones get rules.ErrFenced from now on. It gives the row as the
// engine before left it, with the new generation.
func (s *Store) Claim(ctx context.Context) (Engine, error) {
	const sql = `UPDATE rxvigil.engine SET generation = generation + 1, updated_at = now() RETURNING ` + engineColumns
	e, err := s.engine(ctx, "claim", sql)
	if err == nil {
		s.generation = e.Generation
	}
	return e, err
}

// Generation is the one that Claim gave; 0 before.
func (s *Store) Generation() int64 { return s.generation }

// Status reads the row without claiming it.
func (s *Store) Status(ctx context.Context) (Engine, error) {
	return s.engine(ctx, "status", `SELECT `+engineColumns+` FROM rxvigil.engine`)
}

func (s *Store) engine(ctx context.Context, doing, sql string) (Engine, error) {
	var e Engine
	var position, confirmed string
	err := s.pool.QueryRow(ctx, sql).Scan(&e.Generation, &e.Identity, &e.Epoch, &e.SlotGeneration, &position,
		&e.Position.Epoch, &confirmed, &e.UpdatedAt)
	if err != nil {
		return Engine{}, fmt.Errorf("engine row: %s: %w", doing, err)
	}
	if e.Position.LSN, err = parseLSN(position); err != nil {
		return Engine{}, fmt.Errorf("engine row: %s: %w", doing, err)
	}
	if e.Confirmed, err = parseLSN(confirmed); err != nil {
		return Engine{}, fmt.Errorf("engine row: %s: %w", doing, err)
	}
	return e, nil
}

// Identify stores of which source, epoch and slot the engine speaks. Fenced.
func (s *Store) Identify(ctx context.Context, identity, epoch string, slotGeneration int64) error {
	const sql = `UPDATE rxvigil.engine SET identity = $2, epoch = $3, slot_generation = $4, updated_at = now() WHERE generation = $1`
	return s.one(ctx, "identify", sql, s.generation, identity, epoch, slotGeneration)
}

// Confirm stores up to where the slot may forget, before the slot is told. Fenced.
func (s *Store) Confirm(ctx context.Context, lsn uint64) error {
	const sql = `UPDATE rxvigil.engine SET confirmed = $2::text::pg_lsn, updated_at = now() WHERE generation = $1`
	return s.one(ctx, "confirm", sql, s.generation, rxvigil.FormatLSN(lsn))
}

// InstallKey gives the two pads of the key that our messages are signed with: the MAC is
// SHA-256(opad ‖ SHA-256(ipad ‖ message)).
func (s *Store) InstallKey(ctx context.Context) (ipad, opad []byte, err error) {
	err = s.pool.QueryRow(ctx, `SELECT ipad, opad FROM rxvigil.install`).Scan(&ipad, &opad)
	if err != nil {
		return nil, nil, fmt.Errorf("read install key: %w", err)
	}
	return ipad, opad, nil
}

// fence holds the engine's row until tx ends, if it is still ours, and moves its position.
func (s *Store) fence(ctx context.Context, tx pgx.Tx, p rxvigil.Position) (held bool, err error) {
	const sql = `
		UPDATE rxvigil.engine SET position = $2::text::pg_lsn, position_epoch = $3, updated_at = now() WHERE generation = $1`
	tag, err := tx.Exec(ctx, sql, s.generation, rxvigil.FormatLSN(p.LSN), p.Epoch)
	return tag.RowsAffected() == 1, err
}
