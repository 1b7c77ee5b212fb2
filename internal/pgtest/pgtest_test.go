package pgtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	a, b := pgtest.Database(t), pgtest.Database(t)
	pgtest.Exec(t, a, "CREATE TABLE x (id int); INSERT INTO x VALUES (7)")
	if got := pgtest.Ask(t, pgtest.SocketDSN(t, a), "SELECT id FROM x"); got != "7" {
		t.Errorf("over the socket x holds %q, want 7", got)
	}
	if got := pgtest.Ask(t, b, "SELECT to_regclass('x') IS NULL"); got != "t" {
		t.Error("b sees a's table")
	}
}

func TestLoadRunsFilesInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	schema, seed := filepath.Join(dir, "schema.sql"), filepath.Join(dir, "seed.sql")
	for name, sql := range map[string]string{schema: "CREATE TABLE x (id int);", seed: "BEGIN; INSERT INTO x VALUES (1), (2); COMMIT;"} {
		if err := os.WriteFile(name, []byte(sql), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dsn := pgtest.Database(t)
	pgtest.Load(t, dsn, schema, seed)
	if got := pgtest.Ask(t, dsn, "SELECT count(*) FROM x"); got != "2" {
		t.Errorf("x holds %s rows, want 2", got)
	}
}

// A test that fails half-way leaves a session and a walsender; clean-up must not hang on either.
func TestCleanupEndsReadersAndDropsSlots(t *testing.T) {
	var dsn string
	t.Run("leaves everything open", func(t *testing.T) {
		dsn = pgtest.Database(t)
		session, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Exec(t, dsn, "CREATE PUBLICATION p FOR ALL TABLES")
		slot := "s" + pgtest.Ask(t, dsn, "SELECT oid FROM pg_database WHERE datname = current_database()")
		if _, err := session.Exec(t.Context(), "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", slot); err != nil {
			t.Fatal(err)
		}
		config, err := pgconn.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		config.RuntimeParams["replication"] = "database"
		reader, err := pgconn.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		reader.Frontend().SendQuery(&pgproto3.Query{
			String: "START_REPLICATION SLOT " + slot + " LOGICAL 0/0 (proto_version '1', publication_names 'p')",
		})
		if err := reader.Frontend().Flush(); err != nil {
			t.Fatal(err)
		}
		if _, err := reader.ReceiveMessage(t.Context()); err != nil { // CopyBoth: the slot is active
			t.Fatal(err)
		}
	})
	if _, err := pgx.Connect(t.Context(), dsn); err == nil {
		t.Error("the database is still there")
	}
}

func TestServerOfOnesOwnCanBeStopped(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{"wal_sender_timeout": "3s"})
	if got := pgtest.Ask(t, server.DSN(""), "SHOW wal_sender_timeout"); got != "3s" {
		t.Errorf("wal_sender_timeout is %s, want 3s", got)
	}
	if err := server.Stop(privatepg.Fast); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), server.DSN("")); err == nil {
		t.Error("a stopped server accepts sessions")
	}
}
