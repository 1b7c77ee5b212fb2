package pgstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// Positions gives how far a courier is, by tenant. All tenants: a courier is the operator's.
func (s *Store) Positions(ctx context.Context, courier string) (map[rxvigil.Tenant]string, error) {
	const sql = `SELECT tenant, cursor FROM rxvigil.couriers WHERE courier = $1`
	rows, err := s.pool.Query(ctx, sql, courier)
	if err != nil {
		return nil, fmt.Errorf("read courier: %w", err)
	}
	positions := map[rxvigil.Tenant]string{}
	var tenant rxvigil.Tenant
	var cursor string
	_, err = pgx.ForEachRow(rows, []any{&tenant, &cursor}, func() error {
		positions[tenant] = cursor
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read courier: %w", err)
	}
	return positions, nil
}

// KeepPosition notes that a courier has carried everything of a tenant up to a cursor.
func (s *Store) KeepPosition(ctx context.Context, courier string, t rxvigil.Tenant, cursor string) error {
	const sql = `
		INSERT INTO rxvigil.couriers (courier, tenant, cursor) VALUES ($1, $2, $3)
		ON CONFLICT (courier, tenant) DO UPDATE SET cursor = excluded.cursor, at = now()`
	if _, err := s.pool.Exec(ctx, sql, courier, t, cursor); err != nil {
		return fmt.Errorf("keep courier: %w", err)
	}
	return nil
}

// Bury notes what a courier gave up, and why. Doing so again is harmless.
func (s *Store) Bury(ctx context.Context, courier, id string, t rxvigil.Tenant, reason string, body []byte) error {
	const sql = `
		INSERT INTO rxvigil.dead_letters (courier, id, tenant, reason, body) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (courier, id) DO UPDATE SET reason = excluded.reason, at = now()`
	reason = strings.ReplaceAll(strings.ToValidUTF8(reason, ""), "\x00", "") // it quotes what a stranger answered
	if _, err := s.pool.Exec(ctx, sql, courier, id, t, reason, body); err != nil {
		return fmt.Errorf("bury letter: %w", err)
	}
	return nil
}
