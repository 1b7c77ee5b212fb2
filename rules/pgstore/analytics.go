package pgstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// raisedSince are the alerts that analytics are about: $1 tenant, $2 since, $3 branches or null.
const raisedSince = `rxvigil.alerts a WHERE a.tenant = $1 AND a.started_at >= $2 AND ($3::text[] IS NULL OR a.branch = '' OR a.branch = ANY ($3))`

// Analytics reads how a tenant's alerts have been, all at one moment.
func (s *Store) Analytics(ctx context.Context, t rxvigil.Tenant, q rules.AnalyticsQuery) (a rules.Analytics, err error) {
	var branches []string
	for _, b := range q.Branches {
		branches = append(branches, string(b))
	}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		if a.Days, err = days(ctx, tx, t, q.Since, branches, q.Zone); err != nil {
			return err
		}
		if a.Rules, err = ruleStats(ctx, tx, t, q.Since, branches); err != nil {
			return err
		}
		a.Noisiest, err = noisiest(ctx, tx, t, q.Since, branches)
		return err
	})
	if err != nil {
		err = fmt.Errorf("read analytics: %w", err)
	}
	return a, err
}

func days(ctx context.Context, tx pgx.Tx, t rxvigil.Tenant, since time.Time, branches []string, zone string) ([]rules.DayCount, error) {
	rows, err := tx.Query(ctx, `
		SELECT to_char(a.started_at AT TIME ZONE $4, 'YYYY-MM-DD'), a.rule, a.body ->> 'kind', a.branch, count(*)
		FROM `+raisedSince+` GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4`, t, since, branches, zone)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (d rules.DayCount, err error) {
		var day string
		if err := row.Scan(&day, &d.Rule, &d.Kind, &d.Branch, &d.Raised); err != nil {
			return d, err
		}
		d.Day, err = rxvigil.ParseDay(day)
		return d, err
	})
}

func ruleStats(ctx context.Context, tx pgx.Tx, t rxvigil.Tenant, since time.Time, branches []string) ([]rules.RuleStats, error) {
	rows, err := tx.Query(ctx, `
		SELECT a.rule, a.kind, count(*), count(*) FILTER (WHERE a.status <> 'resolved'), count(a.seen), count(a.resolved_at),
			percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM a.seen - a.started_at)::float8),
			percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY extract(epoch FROM a.resolved_at - a.started_at)::float8)
		FROM (
			SELECT a.rule, a.body ->> 'kind' AS kind, a.status, a.started_at, a.resolved_at,
				(SELECT min(h.at) FROM rxvigil.alert_history h WHERE h.tenant = a.tenant AND h.alert_id = a.id AND h.event = 'alert_acknowledged') AS seen
			FROM `+raisedSince+`
		) a GROUP BY 1, 2 ORDER BY 3 DESC, 1`, t, since, branches)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r rules.RuleStats, err error) {
		var seen, ended []*float64
		err = row.Scan(&r.Rule, &r.Kind, &r.Raised, &r.Open, &r.Acknowledged, &r.Resolved, &seen, &ended)
		r.Acknowledge, r.Resolve = quantiles(seen), quantiles(ended)
		return r, err
	})
}

// quantiles of seconds; nil where nothing was measured.
func quantiles(q []*float64) *rules.Quantiles {
	if len(q) != 2 || q[0] == nil || q[1] == nil {
		return nil
	}
	of := func(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
	return &rules.Quantiles{P50: of(*q[0]), P90: of(*q[1])}
}

func noisiest(ctx context.Context, tx pgx.Tx, t rxvigil.Tenant, since time.Time, branches []string) ([]rules.SubjectCount, error) {
	rows, err := tx.Query(ctx, `
		SELECT rule, kind, branch, subject, episodes FROM (
			SELECT a.rule, (array_agg(a.body ->> 'kind'))[1] AS kind, (array_agg(a.branch))[1] AS branch,
				(array_agg(a.body -> 'subject' ORDER BY a.started_at DESC))[1] AS subject, count(*) AS episodes,
				row_number() OVER (PARTITION BY a.rule ORDER BY count(*) DESC, a.fingerprint) AS place
			FROM `+raisedSince+` GROUP BY a.rule, a.fingerprint
		) n WHERE place <= $4 AND episodes > 1 ORDER BY episodes DESC, rule, place`, t, since, branches, rules.MostNoisy)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c rules.SubjectCount, err error) {
		var subject []byte
		if err := row.Scan(&c.Rule, &c.Kind, &c.Branch, &subject, &c.Episodes); err != nil {
			return c, err
		}
		return c, json.Unmarshal(subject, &c.Subject)
	})
}
