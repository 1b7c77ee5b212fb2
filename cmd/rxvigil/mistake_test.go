package main

import (
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

// mistake is a configuration that cannot work.
type mistake struct {
	dsn     string // of the configuration
	admin   string // sees what was created; empty: there is no server to ask
	lines   string // of the configuration, instead of the usual listen:
	mapping string
	dataDir string
	slot    string
}

// file writes the configuration.
func (m *mistake) file(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if m.dataDir == "" {
		m.dataDir = filepath.Join(dir, "data")
	}
	if m.lines == "" {
		m.lines = "push: {listen: 127.0.0.1:0}"
	}
	if m.slot == "" {
		m.slot = freshSlot()
	}
	text := fmt.Sprintf("source: {dsn: %q, slot: %s}\ndata_dir: %q\n%s\n%s", m.dsn, m.slot, m.dataDir, m.lines, m.mapping)
	config := filepath.Join(dir, "rxvigil.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

func freshSlot() string { return "rxv_" + strings.ToLower(rand.Text()[:12]) }

// untouched checks that nothing of ours exists.
func (m *mistake) untouched(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(m.dataDir); err == nil {
		t.Error("data_dir was left behind")
	}
	if m.admin == "" {
		return
	}
	const ours = `SELECT concat_ws(' ', (SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE database = current_database()),
		(SELECT 'publication ' || pubname FROM pg_publication), (SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = 'rxvigil'))`
	if left := pgtest.Ask(t, m.admin, ours); left != "" {
		t.Errorf("half-created: %s", left)
	}
}

// loaded is the sample pharmacy with a configuration that works.
func loaded(t testing.TB) *mistake {
	t.Helper()
	dsn := pgtest.Database(t)
	if err := pharmacy.Load(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return &mistake{dsn: dsn, admin: dsn, mapping: pharmacy.Mapping}
}

// mapped is the same with one line of the mapping changed.
func mapped(t testing.TB, old, new string) *mistake {
	t.Helper()
	m := loaded(t)
	if !strings.Contains(m.mapping, old) {
		t.Fatalf("the mapping has no %q", old)
	}
	m.mapping = strings.Replace(m.mapping, old, new, 1)
	return m
}

// lined is the sample pharmacy with a line of its own in the configuration.
func lined(t testing.TB, line string) *mistake {
	t.Helper()
	m := loaded(t)
	m.lines = line
	return m
}

// as is a DSN with another user.
func as(t testing.TB, dsn, user, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(user)
	if password != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// strictServer is a server as one finds them: no logical WAL, and a role that has to know its password.
func strictServer(t testing.TB) string {
	t.Helper()
	server := pgtest.Server(t, map[string]string{"wal_level": "replica"})
	dsn := server.DSN("postgres")
	if err := pharmacy.Load(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	hba := filepath.Join(server.DataDir(), "pg_hba.conf")
	rules, err := os.ReadFile(hba)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hba, append([]byte("host all locked all scram-sha-256\n"), rules...), 0o600); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, dsn, "CREATE ROLE locked LOGIN PASSWORD 'right'")
	pgtest.Exec(t, dsn, "SELECT pg_reload_conf()")
	return dsn
}

// plainRole may connect and nothing else.
func plainRole(t testing.TB, admin string) string {
	t.Helper()
	role := "plain_" + strings.ToLower(rand.Text()[:12])
	pgtest.Exec(t, admin, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() { pgtest.Exec(t, admin, "DROP ROLE "+role) })
	return role
}
