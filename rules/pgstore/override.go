package pgstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// overrides reads those of all tenants.
func overrides(ctx context.Context, tx pgx.Tx) ([]rules.Override, error) {
	const sql = `
		SELECT tenant, rule, medicine, branch, value::text, by, at FROM rxvigil.overrides ORDER BY tenant, rule, medicine, branch`
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, overrideOf)
}

func overrideOf(row pgx.CollectableRow) (o rules.Override, err error) {
	var value string
	if err := row.Scan(&o.Tenant, &o.Rule, &o.Medicine, &o.Branch, &value, &o.By, &o.At); err != nil {
		return o, err
	}
	n, err := rxvigil.ParseNumber(value)
	o.Value, o.At = &n, o.At.UTC()
	return o, err
}

// Overrides lists the thresholds that people set in a tenant, by rule, medicine and branch.
func (s *Store) Overrides(ctx context.Context, t rxvigil.Tenant) ([]rules.Override, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT tenant, rule, medicine, branch, value::text, by, at FROM rxvigil.overrides WHERE tenant = $1 ORDER BY rule, medicine, branch`, t)
	if err != nil {
		return nil, fmt.Errorf("read overrides: %w", err)
	}
	return pgx.CollectRows(rows, overrideOf)
}

const (
	putOverrideSQL = `
		INSERT INTO rxvigil.overrides (tenant, rule, medicine, branch, value, by, at) VALUES ($1, $2, $3, $4, $5::text::numeric, $6, $7)
		ON CONFLICT (tenant, rule, medicine, branch) DO UPDATE SET value = excluded.value, by = excluded.by, at = excluded.at`

	dropOverrideSQL = `DELETE FROM rxvigil.overrides WHERE tenant = $1 AND rule = $2 AND medicine = $3 AND branch = $4`

	overrideHistorySQL = `
		INSERT INTO rxvigil.override_history (tenant, rule, medicine, branch, epoch, lsn, ordinal, value, by, at)
		VALUES ($1, $2, $3, $4, $5, $6::text::pg_lsn, $7, $8::text::numeric, $9, $10)
		ON CONFLICT (epoch, lsn, ordinal) DO NOTHING`
)

// queueOverrides sets and withdraws thresholds, and notes who did.
func queueOverrides(batch *pgx.Batch, c *rules.Commit) {
	for i, o := range c.Overrides {
		var value *string
		if o.Value != nil {
			value = new(o.Value.String())
			batch.Queue(putOverrideSQL, o.Tenant, o.Rule, o.Medicine, o.Branch, *value, o.By, o.At)
		} else {
			batch.Queue(dropOverrideSQL, o.Tenant, o.Rule, o.Medicine, o.Branch)
		}
		batch.Queue(overrideHistorySQL, o.Tenant, o.Rule, o.Medicine, o.Branch, c.Epoch, rxvigil.FormatLSN(c.Tx.LSN), i, value, o.By, o.At)
	}
}
