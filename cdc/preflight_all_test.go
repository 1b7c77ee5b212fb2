package cdc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{
		"wal_level": "replica", "max_slot_wal_keep_size": "-1", "synchronous_commit": "off", "max_replication_slots": "1", "max_wal_senders": "1",
		"max_prepared_transactions": "2",
	})
	dsn := server.DSN("")
	pgtest.Exec(t, dsn, shopSchema+`
		CREATE ROLE owner NOLOGIN; CREATE ROLE weak LOGIN PASSWORD 'secret';
		REVOKE CREATE ON DATABASE postgres FROM PUBLIC;
		ALTER ROLE owner SET synchronous_commit = off;
		CREATE SCHEMA hidden AUTHORIZATION owner; CREATE TABLE hidden.patients (id int PRIMARY KEY, tenant text); ALTER TABLE hidden.patients OWNER TO owner;
		ALTER TABLE lots OWNER TO owner; ALTER TABLE lots ENABLE ROW LEVEL SECURITY; GRANT SELECT ON lots TO weak;
		ALTER TABLE moves DROP CONSTRAINT moves_pkey;
		ALTER TABLE sales ADD lower_note text GENERATED ALWAYS AS (lower(note)) STORED; ALTER TABLE sales REPLICA IDENTITY FULL;
		CREATE PUBLICATION theirs FOR ALL TABLES;
		SELECT pg_create_physical_replication_slot('theirs')`)
	report := session(t, dsn+"&application_name=nightly_report")
	run(t, report, "BEGIN; INSERT INTO moves VALUES (1, 't1', 1, 5, 'in')")
	two := session(t, dsn)
	run(t, two, "BEGIN; INSERT INTO moves VALUES (2, 't1', 1, 5, 'in'); PREPARE TRANSACTION 'left_over'")
	t.Cleanup(func() { run(t, two, "ROLLBACK PREPARED 'left_over'") })

	mapping := parseMapping(t, shopMapping+"\npatient: {table: hidden.patients, key: id, tenant: tenant}")
	conn, err := Connect(t.Context(), dsn)
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	run(t, conn, "SET SESSION AUTHORIZATION weak; SET ROLE weak")
	p := &preflight{conn: conn, cfg: Config{DSN: as(t, dsn, "weak", ""), Slot: "s", Publication: "p", Mapping: mapping}, patience: "0"}
	findings, err := p.look(t.Context())
	must(t, err)
	told := map[string]Finding{}
	for _, f := range findings {
		told[f.What] = f
		if f.Cure == "" || f.SQL != "" && f.Role == "" {
			t.Errorf("a finding without its cure, or without who can run it: %+v", f)
		}
	}
	for _, want := range []string{
		"fatal: wal_level is replica, which carries no row changes",
		"fatal: role weak may not replicate",
		"fatal: role weak may not create our schema and publication in postgres",
		"fatal: no replication slot is free",
		"warn: max_slot_wal_keep_size is unlimited",
		"warn: synchronous_commit is off: changes arrive 110 to 140 ms later",
		"warn: synchronous_commit is off for role owner: ",
		"fatal: publication theirs is FOR ALL TABLES",
		"warn: prepared transactions are left open, and the first start waits for them: 'left_over' of postgres for 00:00:",
		"fatal: table public.moves has no usable replica identity",
		"fatal: table public.sales has REPLICA IDENTITY FULL and a generated column",
		"fatal: we may not use schema hidden",
		"fatal: we may not read hidden.patients",
		"fatal: we may not publish hidden.patients, because only its owner can",
		"fatal: we may not read public.tenants",
		"fatal: we may not publish public.lots, because only its owner can",
		"fatal: row-level security on public.lots hides rows from our role",
	} {
		kind, text, _ := strings.Cut(want, ": ")
		found := false
		for what, f := range told {
			found = found || strings.HasPrefix(what, text) && f.Fatal == (kind == "fatal")
		}
		if !found {
			t.Errorf("it is not told that %s", want)
		}
	}
	t.Logf("%d findings at once", len(findings))
	if t.Failed() {
		for _, f := range findings {
			t.Log(oneLine(f))
		}
	}
	run(t, conn, "RESET SESSION AUTHORIZATION")
	p = &preflight{conn: conn, cfg: p.cfg, patience: "0"}
	must(t, p.others(t.Context()))
	if what := fmt.Sprintf("pid %d (postgres, nightly_report) for 00:00:", report.PgConn().PID()); len(p.findings) != 3 || !strings.Contains(p.findings[1].What, what) {
		t.Errorf("a long transaction is told as %+v", p.findings)
	}
}

func TestAServerWithoutRoomForUsIsAFinding(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{"max_replication_slots": "1", "max_wal_senders": "1"})
	dsn := server.DSN("")
	pgtest.Exec(t, dsn, shopSchema+"SELECT pg_create_physical_replication_slot('theirs')")
	sender, err := pgconn.Connect(t.Context(), dsn+"&replication=true")
	must(t, err)
	t.Cleanup(func() { _ = sender.Close(context.Background()) })
	got := preflightOf(t, Config{DSN: dsn, Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
	want := []string{
		": no replication slot is free: drop one that nobody reads, or raise max_replication_slots and restart the server ALTER SYSTEM SET max_replication_slots = 6; -- as superuser",
		": no WAL sender is free: raise max_wal_senders and restart the server ALTER SYSTEM SET max_wal_senders = 6; -- as superuser",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestAStandbyIsAFinding(t *testing.T) {
	t.Parallel()
	first := pgtest.Server(t, nil)
	pgtest.Exec(t, first.DSN(""), shopSchema)
	second, err := first.Standby(t.Context(), nil)
	must(t, err)
	t.Cleanup(func() { must(t, second.Close()) })
	got := preflightOf(t, Config{DSN: second.DSN(""), Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
	if len(got) != 1 || !strings.HasPrefix(got[0], ": the server is a standby in recovery: point source.dsn at the primary") {
		t.Errorf("%q", got)
	}
}

func TestRightsMayBeGrantedByColumn(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	role := session(t, dsn).Config().Database + "_narrow"
	pgtest.Exec(t, dsn, shopSchema+fmt.Sprintf(`CREATE ROLE %[1]s LOGIN REPLICATION PASSWORD 'secret';
		GRANT SELECT (id, tenant, name) ON medicines TO %[1]s; GRANT SELECT (id, tenant) ON lots TO %[1]s`, role))
	t.Cleanup(func() { pgtest.Exec(t, dsn, fmt.Sprintf("DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)) })
	mapping := parseMapping(t, `{medicine: {table: medicines, key: id, tenant: tenant, fields: {name: name}}, lot: {table: lots, key: id, tenant: tenant, fields: {on_hand: packs}}}`)
	got := strings.Join(preflightOf(t, Config{DSN: as(t, dsn, role, ""), Slot: "s", Publication: "p", Mapping: mapping}), "\n")
	if strings.Contains(got, "may not read public.medicines") || !strings.Contains(got, "we may not read public.lots") {
		t.Errorf("%s", got)
	}
}

func TestMinorVersionsWithFaultsAreKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ major, minor, faults, cure int }{
		{14, 3, 4, 18},
		{14, 4, 3, 18},
		{14, 18, 1, 19},
		{14, 19, 0, 0},
		{15, 0, 3, 13},
		{15, 9, 2, 13},
		{15, 13, 1, 14},
		{15, 14, 0, 0},
		{16, 8, 1, 9},
		{16, 10, 0, 0},
		{17, 0, 2, 5},
		{17, 5, 1, 6},
		{17, 6, 0, 0},
		{18, 0, 0, 0},
		{19, 0, 0, 0},
	} {
		faults, cure := badMinor(c.major, c.minor)
		if len(faults) != c.faults || cure < c.cure {
			t.Errorf("%d.%d: %d faults %q, free of them from %d on; want %d and %d", c.major, c.minor, len(faults), faults, cure, c.faults, c.cure)
		}
		if again, _ := badMinor(c.major, cure); cure > 0 && len(again) > 0 {
			t.Errorf("%d.%d is no cure for %d.%d: %q", c.major, cure, c.major, c.minor, again)
		}
	}
}

func TestAPoolerIsNamedAsOne(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var served sync.WaitGroup
	served.Go(func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			refuseLikeAPooler(c)
		}
	})
	t.Cleanup(func() { _ = ln.Close(); served.Wait() })
	got := preflightOf(t, Config{DSN: "postgres://app@" + ln.Addr().String() + "/pharmacy?sslmode=disable", Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
	want := "$.source.dsn: source.dsn leads to a pooler such as PgBouncer, through which nobody can replicate (unsupported startup parameter: replication): name the host and port of Postgres itself"
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
	if IsPooler(errors.New("unsupported startup parameter")) {
		t.Error("not every error of these words is a server's")
	}
}

// refuseLikeAPooler answers a client's first message.
func refuseLikeAPooler(c net.Conn) {
	defer func() { _ = c.Close() }()
	b := pgproto3.NewBackend(c, c)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: replication"})
	_ = b.Flush()
}
