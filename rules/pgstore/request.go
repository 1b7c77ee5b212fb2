package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Request is what a person said with a command. Its free text stays in our own table; the message in the WAL names it.
type Request struct {
	ID       string // a UUID
	Tenant   rxvigil.Tenant
	Op       string
	By, Note string
}

type requestBody struct {
	Note string `json:"note,omitempty"`
}

const putRequestSQL = `INSERT INTO rxvigil.requests (id, tenant, op, body, by) VALUES ($1, $2, $3, $4, $5)`

// PutRequest keeps a request before its message is emitted.
func (s *Store) PutRequest(ctx context.Context, r Request) error {
	body, err := json.Marshal(requestBody{r.Note})
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	if _, err := s.pool.Exec(ctx, putRequestSQL, r.ID, r.Tenant, r.Op, body, r.By); err != nil {
		return fmt.Errorf("keep request: %w", err)
	}
	return nil
}

const requestSQL = `SELECT by, body FROM rxvigil.requests WHERE id = $1 AND tenant = $2`

// Request gives who asked for an operation, and what they noted; empty for one that nobody recorded.
func (s *Store) Request(ctx context.Context, t rxvigil.Tenant, id string) (by, note string, err error) {
	var body requestBody
	err = s.pool.QueryRow(ctx, requestSQL, id, t).Scan(&by, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("read request: %w", err)
	}
	return by, body.Note, nil
}

const newSlotSQL = `
UPDATE rxvigil.engine SET slot_generation = slot_generation + 1, updated_at = now()
WHERE generation = $1 RETURNING slot_generation`

// NewSlot records that our slot is made anew, and gives its generation. Fenced.
func (s *Store) NewSlot(ctx context.Context) (int64, error) {
	var n int64
	err := s.pool.QueryRow(ctx, newSlotSQL, s.Generation()).Scan(&n)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, rules.ErrFenced
	}
	if err != nil {
		return 0, fmt.Errorf("record new slot: %w", err)
	}
	return n, nil
}
