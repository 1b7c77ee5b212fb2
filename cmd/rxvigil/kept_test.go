package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// Stories in which the engine could stand in the app's way, and does not.

// configure adds settings under source.
func (s *service) configure(source string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "source: {", "source: {"+source+", ", 1))
	if err := os.WriteFile(s.config, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// session is a session of the app, closed with the test.
func session(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

// keptIs awaits what is told of the WAL that is kept for us.
func (s *shop) keptIs(t *testing.T, status, rung string) {
	t.Helper()
	pgtest.Await(t, s.dsn, fmt.Sprintf(`SELECT EXISTS (SELECT FROM rxvigil.alerts
		WHERE tenant = '~engine' AND rule = 'wal_kept' AND status = '%s' AND body ->> 'rung' = '%s')`, status, rung))
}

func TestASlotThatKeepsTooMuchWALIsToldAndThenDropped(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Server(t, nil).DSN(""), 17)
	s.svc.configure("wal: {warn: 2MiB, critical: 1GB, drop: 64MiB}")
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)

	forgotten := session(t, s.dsn) // as long as it is open, the server keeps all WAL since it began
	run(t, forgotten, "BEGIN; CREATE TABLE scratch (n int)")
	pgtest.Exec(t, s.dsn, "CREATE TABLE filler AS SELECT g, md5(g::text) AS text FROM generate_series(1, 60000) AS g")
	s.keptIs(t, "firing", "much")
	if _, said := command(t, "status", "--config", s.svc.config); !strings.Contains(said, "The source keeps ") ||
		!strings.Contains(said, "service   at "+s.svc.addr+", ") || !strings.Contains(said, " behind, ready") {
		t.Errorf("status says\n%s", said)
	}
	if metrics := string(s.svc.get("/metrics")); !strings.Contains(metrics, `rxvigil_slot_wal_status{status="reserved"} 1`) || !strings.Contains(metrics, "rxvigil_slot_active 1") {
		t.Error("the slot's state is not among the metrics")
	}

	pgtest.Exec(t, s.dsn, "INSERT INTO filler SELECT g, md5(g::text) FROM generate_series(1, 1000000) AS g")
	s.svc.says("slot_dropped")
	s.svc.says("slot_creation_waits") // for the very transaction that made it keep so much
	run(t, forgotten, "COMMIT")
	s.svc.says(`reason="we dropped our slot`)
	<-s.work(t, 20, time.Millisecond)
	s.svc.ready()
	s.end(t)
	s.keptIs(t, "resolved", "much")
	blind := 0
	for _, a := range openAlerts(t, s.svc, tenantOne) {
		if values := a["values"].(map[string]any); a["rule"] == "blind" {
			blind++
			if reason := fmt.Sprint(values["reason"]); !strings.HasPrefix(reason, "we dropped our slot, because ") || values["from"] == nil || values["to"] == nil {
				t.Errorf("a blind interval %v", values)
			}
		}
	}
	if _, resyncs := s.view.heard(); blind != 1 || len(resyncs) == 0 {
		t.Errorf("%d blind intervals, resyncs %v", blind, resyncs)
	}
	if n := strings.Count(s.svc.log.String(), "slot_dropped"); n != 1 {
		t.Errorf("the slot was dropped %d times", n)
	}
	checkOpenAgainstTables(t, s)
}

func TestSizesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"": 7, "off": 0, "5GiB": 5 << 30, "500 MB": 500e6, "12": 12, "1kib": 1024} {
		if got, err := size("f", text, 7); got != want || err != nil {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"on", "GiB", "-1", "1.5GiB", "5 giraffes", "99999999999TiB"} {
		if got, err := size("source.wal.warn", bad, 7); err == nil || !strings.HasPrefix(err.Error(), "source.wal.warn: ") {
			t.Errorf("%q is %d, %v", bad, got, err)
		}
	}
}
