package pgstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Revocation is one that was asked for: of one token, user or tenant, by its name, issued up to an instant.
type Revocation struct {
	Of, Name string
	Until    time.Time
}

const putRevocationSQL = `INSERT INTO rxvigil.revocations AS r (of, name, until, by) VALUES ($1, $2, $3, $4)
	ON CONFLICT (of, name) DO UPDATE SET until = greatest(r.until, excluded.until), by = excluded.by, at = now()`

// PutRevocation keeps one before its message is emitted: an engine that starts later reads it here.
func (s *Store) PutRevocation(ctx context.Context, r Revocation, by string) error {
	if _, err := s.pool.Exec(ctx, putRevocationSQL, r.Of, r.Name, r.Until, by); err != nil {
		return fmt.Errorf("keep revocation: %w", err)
	}
	return nil
}

// Revocations lists all there are.
func (s *Store) Revocations(ctx context.Context) ([]Revocation, error) {
	rows, err := s.pool.Query(ctx, "SELECT of, name, until FROM rxvigil.revocations")
	if err != nil {
		return nil, fmt.Errorf("read revocations: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Revocation])
	if err != nil {
		return nil, fmt.Errorf("read revocations: %w", err)
	}
	return all, nil
}
