package pgstore

import (
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// sheet is transitions that are written together, alerts and their history in one statement. Hundreds come at once where an engine
// catches up, and a statement for each costs the server, and us, several times as much.
type sheet struct {
	lines  []line
	newest map[alertKey]int // the line that an alert is left as
	bodies []byte
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
	reason *string // why it is here without what people wrote, and without an alert; nil: it is whole
	newest bool    // its alert is left like this: a statement cannot write a row twice
}

func (s *sheet) add(c *rules.Commit, rank int) {
	t := &c.Transitions[rank]
	start := len(s.bodies)
	s.bodies = t.Alert.AppendJSON(s.bodies)
	key := alertKey{t.Alert.Tenant, t.Alert.ID}
	if i, ok := s.newest[key]; ok {
		s.lines[i].newest = false
	}
	if s.newest == nil {
		s.newest = map[alertKey]int{}
	}
	s.newest[key] = len(s.lines)
	s.lines = append(s.lines, line{commit: c, rank: rank, Transition: t, body: s.bodies[start:], newest: true})
}

const insertLines = `
	WITH line AS MATERIALIZED (
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[],
			$9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::integer[], $13::jsonb[], $14::text[], $15::text[], $16::bigint[],
			$17::text[], $18::timestamptz[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::boolean[])
		AS l (tenant, id, fingerprint, episode, branch, rule, status, severity, started_at, changed_at, resolved_at, version, body,
			epoch, lsn, ordinal, xid, committed_at, event, from_status, rung, by, note, quarantined, newest)
	), alert AS (
		INSERT INTO rxvigil.alerts AS a (tenant, id, fingerprint, episode, branch, rule, status, severity, started_at, changed_at,
			resolved_at, version, body)
		SELECT tenant, id, fingerprint, episode, branch, rule, status, severity, started_at, changed_at, resolved_at, version, body
		FROM line WHERE newest
		ON CONFLICT (tenant, id) DO UPDATE SET status = excluded.status, severity = excluded.severity,
			changed_at = excluded.changed_at, resolved_at = excluded.resolved_at, version = excluded.version, body = excluded.body
		WHERE a.version < excluded.version
	)
	INSERT INTO rxvigil.alert_history (tenant, alert_id, version, epoch, lsn, ordinal, xid, committed_at, at, event, from_status,
		to_status, severity, rung, by, note, body, quarantined)
	SELECT tenant, id, version, epoch, lsn::pg_lsn, ordinal, xid, committed_at, changed_at, event, from_status,
		status, severity, rung, by, note, body, quarantined FROM line
	ON CONFLICT (tenant, alert_id, version) DO NOTHING`

// queue puts the statement into a batch, and empties the sheet.
func (s *sheet) queue(batch *pgx.Batch) {
	if l := s.lines; len(l) > 0 {
		batch.Queue(insertLines,
			column(l, func(l *line) string { return string(l.Alert.Tenant) }),
			column(l, func(l *line) string { return l.Alert.ID }),
			column(l, func(l *line) string { return l.Alert.Fingerprint() }),
			column(l, func(l *line) int { return l.Alert.Episode }),
			column(l, func(l *line) string { return string(l.Alert.Branch) }),
			column(l, func(l *line) string { return l.Alert.Rule }),
			column(l, func(l *line) string { return string(l.Alert.Status) }),
			column(l, func(l *line) string { return string(l.Alert.Severity) }),
			column(l, func(l *line) time.Time { return l.Alert.StartedAt }),
			column(l, func(l *line) time.Time { return l.Alert.ChangedAt }),
			column(l, func(l *line) *time.Time { return l.Alert.ResolvedAt }),
			column(l, func(l *line) int { return l.Alert.Version }),
			column(l, func(l *line) []byte { return l.body }),
			column(l, func(l *line) string { return l.commit.Place(l.rank).Epoch }),
			column(l, func(l *line) string { return rxvigil.FormatLSN(l.commit.Place(l.rank).LSN) }),
			column(l, func(l *line) int64 { return int64(l.commit.Place(l.rank).Ordinal) }),
			column(l, func(l *line) string { return strconv.FormatUint(l.commit.Tx.XID, 10) }),
			column(l, func(l *line) time.Time { return l.commit.Tx.At }),
			column(l, func(l *line) string { return string(l.Event) }),
			column(l, func(l *line) string { return string(l.From) }),
			column(l, func(l *line) string { return l.Alert.Rung }),
			column(l, func(l *line) string { return l.By }),
			column(l, func(l *line) string { return l.Note }),
			column(l, func(l *line) *string { return l.reason }),
			column(l, func(l *line) bool { return l.newest }))
	}
	clear(s.lines)
	s.lines, s.bodies = s.lines[:0], s.bodies[:0]
	clear(s.newest)
}

// column is one value of each line.
func column[T any](lines []line, of func(*line) T) []T {
	out := make([]T, len(lines))
	for i := range lines {
		out[i] = of(&lines[i])
	}
	return out
}
