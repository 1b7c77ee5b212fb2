package pgstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// sheet is transitions that are written together: one statement for all alerts, one for their history. Hundreds come at once where an engine
// catches up, and a statement for each costs the server, and us, several times as much.
type sheet struct {
	lines  []line
	alerts []line // the last line of each alert
	places map[alertKey]int
}

type alertKey struct {
	tenant rxvigil.Tenant
	id     string
}

// line is one transition.
type line struct {
	commit *rules.Commit
	rank   int
	*rules.Transition
	body   []byte  // the alert, encoded
	reason *string // why it is here without what people wrote; nil: it is whole
}

func (s *sheet) add(c *rules.Commit, rank int) error {
	t := &c.Transitions[rank]
	body, err := json.Marshal(&t.Alert)
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", t.Alert.ID, err)
	}
	l := line{c, rank, t, body, nil}
	s.lines = append(s.lines, l)
	key := alertKey{t.Alert.Tenant, t.Alert.ID}
	if i, ok := s.places[key]; ok { // a statement cannot write a row twice
		s.alerts[i] = l
		return nil
	}
	if s.places == nil {
		s.places = map[alertKey]int{}
	}
	s.places[key] = len(s.alerts)
	s.alerts = append(s.alerts, l)
	return nil
}

const insertAlerts = `
	INSERT INTO rxvigil.alerts AS a (tenant, id, fingerprint, episode, branch, rule, status, severity, started_at, changed_at,
		resolved_at, version, body)
	SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[],
		$9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::integer[], $13::jsonb[])
	ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, severity = excluded.severity,
		changed_at = excluded.changed_at, resolved_at = excluded.resolved_at, version = excluded.version, body = excluded.body
	WHERE a.version < excluded.version`

const insertHistory = `
	INSERT INTO rxvigil.alert_history (tenant, alert_id, version, epoch, lsn, ordinal, xid, committed_at, at, event, from_status,
		to_status, severity, rung, by, note, body, quarantined)
	SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[]::pg_lsn[], $6::bigint[], $7::text[],
		$8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
		$16::text[], $17::jsonb[], $18::text[])
	ON CONFLICT (tenant, alert_id, version) DO NOTHING`

// queue puts the statements into a batch, and empties the sheet.
func (s *sheet) queue(batch *pgx.Batch) {
	if a := s.alerts; len(a) > 0 {
		batch.Queue(insertAlerts,
			column(a, func(l line) string { return string(l.Alert.Tenant) }),
			column(a, func(l line) string { return l.Alert.ID }),
			column(a, func(l line) string { return l.Alert.Fingerprint() }),
			column(a, func(l line) int { return l.Alert.Episode }),
			column(a, func(l line) string { return string(l.Alert.Branch) }),
			column(a, func(l line) string { return l.Alert.Rule }),
			column(a, func(l line) string { return string(l.Alert.Status) }),
			column(a, func(l line) string { return string(l.Alert.Severity) }),
			column(a, func(l line) time.Time { return l.Alert.StartedAt }),
			column(a, func(l line) time.Time { return l.Alert.ChangedAt }),
			column(a, func(l line) *time.Time { return l.Alert.ResolvedAt }),
			column(a, func(l line) int { return l.Alert.Version }),
			column(a, func(l line) []byte { return l.body }))
	}
	if h := s.lines; len(h) > 0 {
		batch.Queue(insertHistory,
			column(h, func(l line) string { return string(l.Alert.Tenant) }),
			column(h, func(l line) string { return l.Alert.ID }),
			column(h, func(l line) int { return l.Alert.Version }),
			column(h, func(l line) string { return l.commit.Place(l.rank).Epoch }),
			column(h, func(l line) string { return rxvigil.FormatLSN(l.commit.Place(l.rank).LSN) }),
			column(h, func(l line) int64 { return int64(l.commit.Place(l.rank).Ordinal) }),
			column(h, func(l line) string { return strconv.FormatUint(l.commit.Tx.XID, 10) }),
			column(h, func(l line) time.Time { return l.commit.Tx.At }),
			column(h, func(l line) time.Time { return l.Alert.ChangedAt }),
			column(h, func(l line) string { return string(l.Event) }),
			column(h, func(l line) string { return string(l.From) }),
			column(h, func(l line) string { return string(l.Alert.Status) }),
			column(h, func(l line) string { return string(l.Alert.Severity) }),
			column(h, func(l line) string { return l.Alert.Rung }),
			column(h, func(l line) string { return l.By }),
			column(h, func(l line) string { return l.Note }),
			column(h, func(l line) []byte { return l.body }),
			column(h, func(l line) *string { return l.reason }))
	}
	*s = sheet{}
}

// column is one value of each line.
func column[T any](lines []line, of func(line) T) []T {
	out := make([]T, len(lines))
	for i, l := range lines {
		out[i] = of(l)
	}
	return out
}
