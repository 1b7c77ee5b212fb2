package cdc

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// preflightOf runs Preflight and gives its fatal findings, a line each.
func preflightOf(t testing.TB, cfg Config) []string {
	t.Helper()
	findings, err := Preflight(t.Context(), cfg)
	must(t, err)
	var fatal []string
	for _, f := range findings {
		if f.Fatal {
			fatal = append(fatal, oneLine(f))
		}
	}
	return fatal
}

// untouched fails when anything of ours exists in a database.
func untouched(t testing.TB, dsn string) {
	t.Helper()
	if got := pgtest.Ask(t, dsn, "SELECT (SELECT count(*) FROM pg_publication WHERE NOT puballtables) || ' publications, ' || (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) || ' slots'"); got != "0 publications, 0 slots" {
		t.Errorf("there are %s", got)
	}
}

// as is a DSN with another user, password or database.
func as(t testing.TB, dsn, user, database string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	must(t, err)
	if user != "" {
		u.User = url.UserPassword(user, "secret")
	}
	if database != "" {
		u.Path = "/" + database
	}
	return u.String()
}

func TestAHealthySourceHasNoFatalFinding(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, shopSchema)
	if got := preflightOf(t, Config{DSN: dsn, Slot: "fine", Publication: "fine", Mapping: parseMapping(t, shopMapping)}); len(got) > 0 {
		t.Errorf("%s", got)
	}
	untouched(t, dsn)
}

func TestARoleWithoutPrivilegesIsToldEachOfThemWithItsSQL(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	name := session(t, dsn).Config().Database
	pgtest.Exec(t, dsn, shopSchema+fmt.Sprintf(`CREATE ROLE %[1]s_app NOLOGIN; CREATE ROLE %[1]s_weak LOGIN PASSWORD 'secret';
		ALTER TABLE lots OWNER TO %[1]s_app; ALTER TABLE lots ENABLE ROW LEVEL SECURITY; GRANT SELECT ON lots TO %[1]s_weak;
		CREATE SCHEMA hidden; CREATE TABLE hidden.medicines (id int PRIMARY KEY, tenant text); ALTER TABLE hidden.medicines OWNER TO %[1]s_app`, name))
	t.Cleanup(func() {
		pgtest.Exec(t, dsn, fmt.Sprintf("REASSIGN OWNED BY %[1]s_app TO postgres; DROP OWNED BY %[1]s_weak; DROP ROLE %[1]s_app, %[1]s_weak", name))
	})
	mapping := parseMapping(t, "medicine: {table: hidden.medicines, key: id, tenant: tenant}\nlot: {table: lots, key: id, tenant: tenant}")
	got := preflightOf(t, Config{DSN: as(t, dsn, name+"_weak", ""), Slot: "s", Publication: "p", Mapping: mapping})
	want := []string{
		`role N_weak may not replicate: grant it ALTER ROLE "N_weak" REPLICATION; -- as superuser`,
		`role N_weak may not create our schema and publication in N: grant it GRANT CREATE ON DATABASE "N" TO "N_weak"; -- as owner of the database`,
		`we may not use schema hidden: grant it GRANT USAGE ON SCHEMA "hidden" TO "N_weak"; -- as owner of schema hidden`,
		`we may not read hidden.medicines: grant it GRANT SELECT ON "hidden"."medicines" TO "N_weak"; -- as owner of hidden.medicines`,
		`we may not publish hidden.medicines, because only its owner can: make our role a member of the owner, or create the publication as the owner GRANT "N_app" TO "N_weak"; -- as superuser`,
		`we may not publish public.lots, because only its owner can: make our role a member of the owner, or create the publication as the owner GRANT "N_app" TO "N_weak"; -- as superuser`,
		`row-level security on public.lots hides rows from our role, though not from the stream: let our role see them all ALTER ROLE "N_weak" BYPASSRLS; -- as superuser`,
	}
	for i := range got {
		got[i] = strings.TrimPrefix(strings.ReplaceAll(got[i], name, "N"), ": ")
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	untouched(t, dsn)

	for _, cure := range got { // what is proposed works
		sql := cure[strings.LastIndexAny(cure[:strings.LastIndex(cure, "; --")], ":"):strings.LastIndex(cure, "; --")]
		for _, verb := range []string{"ALTER ROLE", "GRANT"} {
			if i := strings.Index(sql, verb); i >= 0 {
				pgtest.Exec(t, dsn, strings.NewReplacer(`"N`, `"`+name).Replace(sql[i:]))
				break
			}
		}
	}
	s := &shop{t: t, dsn: dsn, sink: newMemory(), said: &said{}, cfg: Config{DSN: as(t, dsn, name+"_weak", ""), Slot: name, Mapping: mapping, Key: testKey}}
	t.Cleanup(func() { _ = s.stop() })
	if got := preflightOf(t, s.cfg); len(got) > 0 {
		t.Errorf("after the cures: %s", got)
	}
	s.exec("INSERT INTO lots VALUES (1, 't1')")
	s.start()
	s.until("a boot of the weak role", func(m *memory) bool { return m.booted == 1 && m.pictured == 1 })
	must(t, s.stop())
	s.exec("DROP PUBLICATION rxvigil")
}

func TestASourceOutOfReachIsOneSentence(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	for broken, want := range map[string]string{
		as(t, dsn, "", "rxv_nowhere"):                   `$.source.dsn: the source cannot be reached: database "rxv_nowhere" does not exist: check the database's name in source.dsn`,
		as(t, dsn, "nobody_at_all", ""):                 `$.source.dsn: the source cannot be reached: role "nobody_at_all" does not exist: check user and password in source.dsn, and pg_hba.conf`,
		"postgres://u:secret@127.0.0.1:1/x":             `$.source.dsn: the source cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused: check host, port and that Postgres listens there`,
		"postgres://u:secret@no.such.host.invalid/x":    `$.source.dsn: the source cannot be reached: `,
		"postgres://u:secret@127.0.0.1:99999/x":         `$.source.dsn: the source cannot be reached: `,
		"postgres://u:secret@127.0.0.1/x?sslmode=maybe": `$.source.dsn: the source cannot be reached: `,
	} {
		got := preflightOf(t, Config{DSN: broken, Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
		if len(got) != 1 || !strings.HasPrefix(got[0], want) || strings.Contains(got[0], "secret") || strings.Count(got[0], "failed") > 1 {
			t.Errorf("%s\ngives %q\nwant %s", broken, got, want)
		}
	}
}

func TestSomebodyElsesPublicationOfEverythingIsAFinding(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, shopSchema+"CREATE PUBLICATION theirs FOR ALL TABLES")
	got := preflightOf(t, Config{DSN: dsn, Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
	if len(got) != 1 || got[0] != ": publication theirs is FOR ALL TABLES: our tables in this database would stop its subscriber: set state.dsn to another database" {
		t.Errorf("%q", got)
	}
	untouched(t, dsn)
}

func TestSomebodyElsesPublicationOfOurNameIsLeftAlone(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, shopSchema+"CREATE PUBLICATION p FOR TABLE tenants")
	got := preflightOf(t, Config{DSN: dsn, Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
	want := `$.source.publication: publication "p" is not ours and does not publish what the mapping needs: choose another source.publication`
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
	conn, err := Connect(t.Context(), dsn)
	must(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	must(t, Drop(t.Context(), conn, "no_such_slot", "p"))
	if n := pgtest.Ask(t, dsn, "SELECT count(*) FROM pg_publication WHERE pubname = 'p'"); n != "1" {
		t.Errorf("%s publications are left, want theirs", n)
	}
}

func TestAServerThatWritesNoRowChangesIsAFinding(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{"wal_level": "replica", "max_slot_wal_keep_size": "-1", "synchronous_commit": "off"})
	dsn := server.DSN("")
	pgtest.Exec(t, dsn, shopSchema)
	findings, err := Preflight(t.Context(), Config{DSN: dsn, Slot: "s", Publication: "p", Mapping: parseMapping(t, shopMapping)})
	must(t, err)
	var all []string
	for _, f := range findings {
		all = append(all, fmt.Sprintf("%v %s", f.Fatal, f.What))
	}
	want := []string{
		"true wal_level is replica, which carries no row changes",
		"false max_slot_wal_keep_size is unlimited: if rxvigil stays away for long, WAL could fill the disk",
		"false synchronous_commit is off: changes arrive 110 to 140 ms later than they could, where half a millisecond is usual",
	}
	if strings.Join(all, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(all, "\n"))
	}
	untouched(t, dsn)
}

func TestDropLeavesNothingAndTakesNothingOfOthers(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	conn := session(t, s.dsn)
	if err := Drop(t.Context(), conn, s.cfg.Slot, "rxvigil"); err == nil || !strings.Contains(err.Error(), "stop the engine first") {
		t.Errorf("a slot in use: %v", err)
	}
	must(t, s.stop())
	pgtest.Await(t, s.dsn, "SELECT NOT active FROM pg_replication_slots WHERE slot_name = '"+s.cfg.Slot+"'")
	must(t, Drop(t.Context(), conn, s.cfg.Slot, "rxvigil"))
	must(t, Drop(t.Context(), conn, s.cfg.Slot, "rxvigil")) // twice is once
	untouched(t, s.dsn)
	s.exec("SELECT pg_create_logical_replication_slot('" + s.cfg.Slot + "', 'test_decoding')")
	if err := Drop(t.Context(), conn, s.cfg.Slot, "rxvigil"); err == nil || !strings.Contains(err.Error(), "test_decoding") {
		t.Errorf("a slot of somebody else: %v", err)
	}
}
