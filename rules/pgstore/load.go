package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Load is rules.Store's. It reads all tenants, as an engine must, in one snapshot.
func (s *Store) Load(ctx context.Context) (rules.Snapshot, error) {
	var got rules.Snapshot
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) (err error) {
		if got.Alerts, err = openAlerts(ctx, tx); err != nil {
			return err
		}
		if got.Episodes, err = lastEpisodes(ctx, tx); err != nil {
			return err
		}
		if got.Occurrences, err = lastOccurrences(ctx, tx); err != nil {
			return err
		}
		if got.Overrides, err = overrides(ctx, tx); err != nil {
			return err
		}
		got.Position, err = position(ctx, tx)
		return err
	})
	if err != nil {
		return rules.Snapshot{}, fmt.Errorf("load alerts: %w", err)
	}
	return got, nil
}

func openAlerts(ctx context.Context, tx pgx.Tx) ([]rxvigil.Alert, error) {
	rows, err := tx.Query(ctx, `SELECT body FROM rxvigil.alerts WHERE status <> 'resolved' ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanAlert)
}

func scanAlert(row pgx.CollectableRow) (rxvigil.Alert, error) {
	var a rxvigil.Alert
	var body []byte
	if err := row.Scan(&body); err != nil {
		return a, err
	}
	return a, json.Unmarshal(body, &a)
}

func lastEpisodes(ctx context.Context, tx pgx.Tx) (map[string]int, error) {
	rows, err := tx.Query(ctx, `SELECT fingerprint, max(episode) FROM rxvigil.alerts GROUP BY fingerprint`)
	if err != nil {
		return nil, err
	}
	last := map[string]int{}
	var print string
	var episode int
	_, err = pgx.ForEachRow(rows, []any{&print, &episode}, func() error {
		last[print] = episode
		return nil
	})
	return last, err
}

func lastOccurrences(ctx context.Context, tx pgx.Tx) ([]rules.Occurrence, error) {
	const sql = `
		SELECT DISTINCT ON (tenant, scan) scan, tenant, wall, at, status
		FROM rxvigil.occurrences ORDER BY tenant, scan, wall DESC`
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o rules.Occurrence, err error) {
		err = row.Scan(&o.Scan, &o.Tenant, &o.Wall, &o.At, &o.Status)
		o.At = o.At.UTC()
		return o, err
	})
}

func position(ctx context.Context, tx pgx.Tx) (p rxvigil.Position, err error) {
	var lsn string
	if err := tx.QueryRow(ctx, `SELECT position_epoch, position::text FROM rxvigil.engine`).Scan(&p.Epoch, &lsn); err != nil {
		return p, err
	}
	p.LSN, err = parseLSN(lsn)
	return p, err
}

// Since is rules.Store's. It reads all tenants. Quarantined transitions are not among them: what they said is lost.
func (s *Store) Since(ctx context.Context, epoch string, lsn uint64) ([]rules.Recorded, error) {
	const sql = `
		SELECT body, epoch, lsn::text, ordinal, xid, committed_at, event, from_status, by, note
		FROM rxvigil.alert_history WHERE epoch = $1 AND lsn > $2::text::pg_lsn AND body IS NOT NULL ORDER BY lsn, ordinal`
	rows, err := s.pool.Query(ctx, sql, epoch, rxvigil.FormatLSN(lsn))
	if err != nil {
		return nil, fmt.Errorf("read transitions: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanRecorded)
	if err != nil {
		return nil, fmt.Errorf("read transitions: %w", err)
	}
	return all, nil
}

func scanRecorded(row pgx.CollectableRow) (r rules.Recorded, err error) {
	var body []byte
	var lsn, xid string
	var ordinal int64
	err = row.Scan(&body, &r.Pos.Epoch, &lsn, &ordinal, &xid, &r.Tx.At, &r.Event, &r.From, &r.By, &r.Note)
	if err != nil {
		return r, err
	}
	r.Tx.At, r.Pos.Ordinal = r.Tx.At.UTC(), uint32(ordinal)
	if r.Pos.LSN, err = parseLSN(lsn); err != nil {
		return r, err
	}
	r.Tx.LSN = r.Pos.LSN
	if r.Tx.XID, err = strconv.ParseUint(xid, 10, 64); err != nil {
		return r, err
	}
	r.Alert = &rxvigil.Alert{}
	return r, json.Unmarshal(body, r.Alert)
}

// Alert is rules.Store's.
func (s *Store) Alert(ctx context.Context, t rxvigil.Tenant, id string) (rxvigil.Alert, []rules.HistoryLine, error) {
	rows, err := s.pool.Query(ctx, `SELECT body FROM rxvigil.alerts WHERE tenant = $1 AND id = $2`, t, id)
	if err != nil {
		return rxvigil.Alert{}, nil, fmt.Errorf("read alert: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAlert)
	if errors.Is(err, pgx.ErrNoRows) {
		return rxvigil.Alert{}, nil, rules.ErrNotFound
	}
	if err != nil {
		return rxvigil.Alert{}, nil, fmt.Errorf("read alert: %w", err)
	}
	lines, err := s.history(ctx, t, id)
	return a, lines, err
}

func (s *Store) history(ctx context.Context, t rxvigil.Tenant, id string) ([]rules.HistoryLine, error) {
	const sql = `
		SELECT epoch, lsn::text, ordinal, at, event, from_status, to_status, severity, rung, by, note, version,
			coalesce(quarantined, '')
		FROM rxvigil.alert_history WHERE tenant = $1 AND alert_id = $2 ORDER BY version`
	rows, err := s.pool.Query(ctx, sql, t, id)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	lines, err := pgx.CollectRows(rows, scanHistory)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return lines, nil
}

func scanHistory(row pgx.CollectableRow) (h rules.HistoryLine, err error) {
	var lsn string
	var ordinal int64
	err = row.Scan(&h.Pos.Epoch, &lsn, &ordinal, &h.At, &h.Event, &h.From, &h.To, &h.Severity, &h.Rung, &h.By, &h.Note,
		&h.Version, &h.Quarantined)
	if err != nil {
		return h, err
	}
	h.At, h.Pos.Ordinal = h.At.UTC(), uint32(ordinal)
	h.Pos.LSN, err = parseLSN(lsn)
	return h, err
}

// Resolved is rules.Store's.
func (s *Store) Resolved(ctx context.Context, t rxvigil.Tenant, q rules.ResolvedQuery) (rules.Page, error) {
	const sql = `
		SELECT body FROM rxvigil.alerts
		WHERE tenant = $1 AND status = 'resolved'
			AND ($2 = '' OR rule = $2)
			AND ($3::text[] IS NULL OR branch = '' OR branch = ANY ($3))
			AND ($4::timestamptz IS NULL OR (resolved_at, id) < ($4, $5))
		ORDER BY resolved_at DESC, id DESC LIMIT $6`
	after, err := rules.ParseResolvedKey(q.After)
	if err != nil {
		return rules.Page{}, err
	}
	var at *time.Time
	if !after.IsZero() {
		at = &after.At
	}
	var branches []string
	for _, b := range q.Branches {
		branches = append(branches, string(b))
	}
	rows, err := s.pool.Query(ctx, sql, t, q.Rule, branches, at, after.ID, q.Most()+1)
	if err != nil {
		return rules.Page{}, fmt.Errorf("read ended alerts: %w", err)
	}
	page := rules.Page{}
	if page.Alerts, err = pgx.CollectRows(rows, scanAlert); err != nil {
		return rules.Page{}, fmt.Errorf("read ended alerts: %w", err)
	}
	page.Cut(q)
	return page, nil
}
