// Package pgtest gives tests a Postgres: one server for a test binary, started when the first test asks, and a fresh
// database for each test.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/rxvigil/rxvigil/internal/privatepg"
)

// DSNVar names a running server to test against, as a superuser. Its databases named rxv_… are ours.
const DSNVar = "RXVIGIL_TEST_DSN"

// shared is the server of this test binary; the mutex guards its start.
var shared struct {
	sync.Mutex
	server *privatepg.Server
	err    error
}

// Main is a package's TestMain: it runs the tests, stops the shared server, and fails when a goroutine is left.
func Main(m *testing.M, options ...goleak.Option) {
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(options...); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = 1
		}
	}
	os.Exit(code)
}

func stop() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	return shared.server.Close()
}

// common is the shared server; it is started by the first test that asks, which says which one it is.
func common(t testing.TB) *privatepg.Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		// Not the test's context: the server outlives the test that happened to be first.
		shared.server, shared.err = privatepg.Start(context.Background(), privatepg.Options{DSN: os.Getenv(DSNVar)})
		if shared.err == nil {
			fmt.Println("using", shared.server.Source())
		}
	}
	if shared.err != nil {
		t.Fatalf("start a Postgres for tests: %v", shared.err)
	}
	return shared.server
}

// Database makes a fresh, empty database on the shared server and gives its URL over TCP. It goes, with its slots and
// whoever is connected, when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	server := common(t)
	name := "rxv_" + strings.ToLower(rand.Text()[:12])
	admin := server.DSN("postgres")
	Exec(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0")
	t.Cleanup(func() { drop(t, admin, name) })
	return server.DSN(name)
}

// SocketDSN is the URL over the unix socket of a database that Database gave; the same URL when the server has no socket
// that we know.
func SocketDSN(t testing.TB, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return common(t).SocketDSN(strings.TrimPrefix(u.Path, "/"))
}

// Source says which Postgres the tests run on.
func Source(t testing.TB) string {
	t.Helper()
	return common(t).Source()
}

// Binary is the path of one of the server's own programs, of the same version; empty when somebody else runs the server.
func Binary(t testing.TB, name string) string {
	t.Helper()
	dir := common(t).BinDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// Server starts a server for one test alone, with settings over the usual ones: for tests that stop or break it.
func Server(t testing.TB, settings map[string]string) *privatepg.Server {
	t.Helper()
	server, err := privatepg.Start(t.Context(), privatepg.Options{Settings: settings})
	if err != nil {
		t.Fatalf("start a Postgres for this test: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the server's log ends:\n%s", server.LogTail(60))
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Exec runs SQL, several statements if need be, on a connection of its own.
func Exec(t testing.TB, dsn, sql string) {
	t.Helper()
	with(t, dsn, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		return err
	})
}

// Load runs SQL files in order.
func Load(t testing.TB, dsn string, files ...string) {
	t.Helper()
	for _, file := range files {
		sql, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		with(t, dsn, func(ctx context.Context, conn *pgx.Conn) error {
			if _, err := conn.PgConn().Exec(ctx, string(sql)).ReadAll(); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			return nil
		})
	}
}

// Ask runs a query that gives one value, and gives it as text: what the server prints for it.
func Ask(t testing.TB, dsn, sql string) string {
	t.Helper()
	var got string
	with(t, dsn, func(ctx context.Context, conn *pgx.Conn) error {
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil {
			return err
		}
		last := results[len(results)-1]
		if len(last.Rows) != 1 || len(last.Rows[0]) != 1 {
			return fmt.Errorf("the query gave %d rows, want one value: %s", len(last.Rows), sql)
		}
		got = string(last.Rows[0][0])
		return nil
	})
	return got
}

// Await returns as soon as a query gives true; it fails the test after half a minute. It is for facts that only the database
// knows; whatever can be awaited by other means should be.
func Await(t testing.TB, dsn, sql string) {
	t.Helper()
	with(t, dsn, func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var ok bool
			if err := conn.QueryRow(ctx, sql).Scan(&ok); err != nil {
				return fmt.Errorf("await %s: %w", sql, err)
			}
			if ok {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("await %s: it did not become true", sql)
			case <-tick.C:
			}
		}
	})
}

// with connects, does, and disconnects. Its context is not the test's, which is done when clean-up runs.
func with(t testing.TB, dsn string, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("connect to the test's Postgres: %v", err)
	}
	defer conn.Close(ctx)
	if err := do(ctx, conn); err != nil {
		t.Fatal(err)
	}
}

// drop removes a database that may still be replicated from: a slot pins its database, and a walsender its slot.
func drop(t testing.TB, admin, name string) {
	t.Helper()
	with(t, admin, func(ctx context.Context, conn *pgx.Conn) error {
		const closeDoor = `ALTER DATABASE %s WITH ALLOW_CONNECTIONS false`
		const endReaders = `SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE database = $1 AND active`
		const dropSlots = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1`
		if _, err := conn.Exec(ctx, fmt.Sprintf(closeDoor, name)); err != nil {
			return err
		}
		for _, sql := range []string{endReaders, dropSlots} {
			if _, err := conn.Exec(ctx, sql, name); err != nil {
				return fmt.Errorf("drop the slots of %s: %w", name, err)
			}
		}
		_, err := conn.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
		return err
	})
}
