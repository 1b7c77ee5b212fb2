package migrations_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func setup(t *testing.T) *pgx.Conn {
	t.Helper()
	dsn := pgtest.Database(t)
	if err := migrations.Up(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return connect(t, dsn)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func TestTwoEnginesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	before, err := migrations.Status(t.Context(), dsn)
	if err != nil || len(before) == 0 || before[0].Applied() {
		t.Fatalf("before: %+v, %v", before, err)
	}
	g, ctx := errgroup.WithContext(t.Context())
	for range 3 {
		g.Go(func() error { return migrations.Up(ctx, dsn) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	after, err := migrations.Status(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range after {
		if !s.Applied() || s.Name == "" {
			t.Errorf("step %d %q was not applied", s.Version, s.Name)
		}
	}
}

func TestCreateOnTheDatabaseIsEnough(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	conn := connect(t, dsn)
	role := conn.Config().Database + "_owner"
	mustExec(t, conn, "CREATE ROLE "+role)
	mustExec(t, conn, "GRANT "+role+" TO current_user")
	mustExec(t, conn, "GRANT CREATE ON DATABASE "+conn.Config().Database+" TO "+role)
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	if err := migrations.Up(t.Context(), dsn+sep+"options=-crole%3D"+role); err != nil {
		t.Fatalf("as %s: %v", role, err)
	}
	mustExec(t, conn, "SELECT rxvigil.notify('t', 'hello', '{}')")
	mustExec(t, conn, "DROP OWNED BY "+role)
	mustExec(t, conn, "DROP ROLE "+role)
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestNotifySignsWhatItSends(t *testing.T) {
	t.Parallel()
	conn := setup(t)
	mustExec(t, conn, "SELECT pg_create_logical_replication_slot('s', 'test_decoding', true)")
	began := time.Now().Add(-time.Minute)
	mustExec(t, conn, `SELECT rxvigil.notify('ቤት', 'delivery_arrived', '{"van": 3, "text": "a\"b"}')`)
	content := messageContent(t, conn)
	mac, body := content[:64], content[64:]
	if want := sign(t, conn, body); mac != want {
		t.Errorf("mac %s, want %s", mac, want)
	}
	var got struct {
		Op, Tenant, Type string
		At               time.Time
		Data             struct {
			Van  int
			Text string
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if got.Op != "event" || got.Tenant != "ቤት" || got.Type != "delivery_arrived" || got.Data.Van != 3 || got.Data.Text != `a"b` {
		t.Errorf("message %+v", got)
	}
	if got.At.Before(began) || got.At.After(time.Now().Add(time.Minute)) {
		t.Errorf("at %v", got.At)
	}
}

// messageContent is the text of the one message in the slot.
func messageContent(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL)")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if _, content, ok := strings.Cut(line, "content:"); ok && strings.Contains(line, "prefix: rxvigil") {
			return content
		}
	}
	t.Fatalf("no message of ours in %q", lines)
	return ""
}

// sign is HMAC-SHA256 by the standard library, with the key won back from its inner pad.
func sign(t *testing.T, conn *pgx.Conn, body string) string {
	t.Helper()
	var key []byte
	if err := conn.QueryRow(t.Context(), "SELECT ipad FROM rxvigil.install").Scan(&key); err != nil {
		t.Fatal(err)
	}
	for i := range key {
		key[i] ^= 0x36
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}

func TestNotifyRefusesWhatItCannotMean(t *testing.T) {
	t.Parallel()
	conn := setup(t)
	for _, c := range []struct{ args, want string }{
		{`'', 'a', '{}'`, "tenant is empty"},
		{`NULL, 'a', '{}'`, "tenant is empty"},
		{`'t', NULL, '{}'`, "type NULL"},
		{`'t', 'Bad', '{}'`, "type 'Bad' is not"},
		{`'t', 'a b', '{}'`, "type 'a b' is not"},
		{`'t', repeat('a', 65), '{}'`, "is not"},
		{`'t', 'sale_created', '{}'`, "belongs to rxvigil"},
		{`'t', 'a', '[1]'`, "no JSON object"},
		{`'t', 'a', 'null'`, "no JSON object"},
		{`'t', 'a', NULL`, "no JSON object"},
		{`'t', 'a', jsonb_build_object('x', repeat('y', 65536))`, "more than 64 kB"},
	} {
		_, err := conn.Exec(t.Context(), "SELECT rxvigil.notify("+c.args+")")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("notify(%s): error %v, want one with %q", c.args, err, c.want)
		}
	}
	mustExec(t, conn, "SELECT rxvigil.notify('t', 'notification', jsonb_build_object('x', repeat('y', 65000)))")
}

func TestAnyRoleMayNotifyAndNoneMayReadTheKey(t *testing.T) {
	t.Parallel()
	conn := setup(t)
	role := conn.Config().Database + "_nobody"
	mustExec(t, conn, "CREATE ROLE "+role)
	defer func() {
		mustExec(t, conn, "RESET ROLE")
		mustExec(t, conn, "DROP ROLE "+role)
	}()
	mustExec(t, conn, "SET ROLE "+role)
	mustExec(t, conn, "SELECT rxvigil.notify('t', 'hello', '{}')")
	for _, table := range []string{"install", "engine", "alerts", "alert_history", "requests"} {
		if _, err := conn.Exec(t.Context(), "SELECT * FROM rxvigil."+table); err == nil {
			t.Errorf("any role can read %s", table)
		}
	}
}
