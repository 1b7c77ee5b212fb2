package cdc

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// Shape keeps what is handed on with the next transaction.
func (m *memory) Shape(_ context.Context, shape []byte) error {
	m.change(func() { m.kept.Shape = shape })
	return nil
}

// readAgain counts how often a table was read again.
func (s *shop) readAgain() int { return strings.Count(s.said.String(), `"table_reread"`) }

// quiet waits until the images belong to the tables as the catalog shows them.
func (s *shop) quiet() {
	s.t.Helper()
	s.quietBy(session(s.t, s.dsn))
}

// quietBy is quiet, asking the catalog on a session of the test's.
func (s *shop) quietBy(conn *pgx.Conn) {
	s.t.Helper()
	for {
		n := s.readAgain()
		s.news = append(s.news, s.settle()...) // a look
		s.news = append(s.news, s.settle()...) // what it found is kept with the next transaction
		resolved, _, err := Resolve(s.t.Context(), conn, s.cfg.Mapping)
		must(s.t, err)
		now, err := readShape(s.t.Context(), conn, resolved.Tables...)
		must(s.t, err)
		if cmp.Equal(parseShape(s.sink.keptNow().Shape), now) {
			s.news = append(s.news, s.settle()...) // with the transaction that the shape came with
			return
		}
		s.until("a table to be read again", func(*memory) bool { return s.readAgain() > n })
	}
}

// rereads runs SQL, waits until the tables were read again because of it, and gives what was told then.
func (s *shop) rereads(sql ...string) string {
	s.t.Helper()
	s.quiet()
	s.again, s.news = nil, nil
	n, end := s.readAgain(), time.Now().Add(patience)
	s.exec(sql...)
	for s.readAgain() == n && time.Now().Before(end) { // a look gives way to whoever holds a lock, as a vacuum does
		s.news = append(s.news, s.settle()...)
	}
	s.quiet()
	return all(s.again)
}

// looked waits until one more table was read again.
func (s *shop) looked() {
	s.t.Helper()
	n := s.readAgain()
	s.canary()
	s.until("a table to be read again", func(*memory) bool { return s.readAgain() > n })
}

// insist runs statements that may have to give way to others, until they do not.
func insist(t testing.TB, conn *pgx.Conn, sql ...string) {
	t.Helper()
	for _, text := range sql {
		var err error
		for range 50 {
			if _, err = conn.PgConn().Exec(context.Background(), text).ReadAll(); err == nil {
				break
			}
		}
		must(t, err)
	}
}

// heldTrue tells whether a transaction is that of a table read again in which nothing was found.
func (tx *seen) heldTrue() bool {
	return len(tx.Messages) > 0 && tx.Messages[0].Op == rereadOp && len(tx.Changes) == 0
}
