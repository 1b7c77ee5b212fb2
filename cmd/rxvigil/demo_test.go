package main

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// temporary is a folder for a process' temporary files that every user may enter: Postgres does not run as root.
func temporary(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rxv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDemoLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal syscall.Signal
		code   int
		left   string // in the temporary folder
	}{
		{syscall.SIGINT, 0, ""},
		{syscall.SIGKILL, -1, "rxvigil-demo-*"},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			t.Parallel()
			dir := temporary(t)
			demo := launch(t, []string{"TMPDIR=" + dir}, "demo", "--quiet-app", "--listen", "127.0.0.1:0")
			demo.hear(t, `^using PostgreSQL \d+`)
			page := demo.hear(t, `dashboard +(http://127\.0\.0\.1:\d+/)$`)
			dsn := demo.hear(t, `psql '(postgres://[^']+)'`)
			demo.hear(t, `Ctrl-C`)
			pgtest.Await(t, dsn, "SELECT EXISTS (SELECT FROM rxvigil.alerts)")
			pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 0 WHERE product_id = 1003 AND branch_id = 11")
			pgtest.Await(t, dsn, "SELECT EXISTS (SELECT FROM rxvigil.alerts WHERE body #>> '{subject,id}' = '1003' AND body ->> 'rung' = 'out')")
			resp, err := http.Get(page)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("the dashboard answers %s", resp.Status)
			}
			if code := demo.end(c.signal); code != c.code {
				t.Errorf("%s ends the demo with %d:\n%s", c.signal, code, strings.Join(demo.said, "\n"))
			}
			u, err := url.Parse(dsn)
			if err != nil {
				t.Fatal(err)
			}
			gone(t, dir, c.left, u.Host)
		})
	}
}

// gone waits until nothing listens and the temporary folder holds no more than it may: after a kill, a watchdog sees to it.
func gone(t testing.TB, dir, may, addr string) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		left = nil
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			left = append(left, "a Postgres at "+addr)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if ok, _ := filepath.Match(may, e.Name()); !ok {
				left = append(left, e.Name())
			}
		}
		if len(left) == 0 {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Errorf("left behind: %v", left)
}

func TestDemoGivesABorrowedDatabaseBack(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	before := pgtest.Ask(t, dsn, everything)
	demo := launch(t, nil, "demo", "--dsn", dsn, "--pace", "50/s", "--listen", "127.0.0.1:0")
	demo.hear(t, `^using PostgreSQL \d+`)
	demo.hear(t, `Ctrl-C`)
	sales := pgtest.Ask(t, dsn, "SELECT count(*) FROM sales")
	pgtest.Await(t, dsn, "SELECT count(*) > "+sales+" FROM sales") // the app is at work
	code, said := command(t, "demo", "--dsn", dsn, "--listen", "127.0.0.1:0")
	if want := "--dsn: the database has tables already, audit_log among them: make an empty one for the demo"; code != 1 || !strings.Contains(said, want) {
		t.Errorf("a second demo gives %d and says\n%s\nwant %s", code, said, want)
	}
	if code := demo.end(syscall.SIGINT); code != 0 {
		t.Errorf("the demo ends with %d:\n%s", code, strings.Join(demo.said, "\n"))
	}
	if after := pgtest.Ask(t, dsn, everything); after != before {
		t.Errorf("left behind or lost:\n%s", difference(before, after))
	}
}

func TestDemoSaysWhyItCannotBegin(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	dir := temporary(t)
	for _, c := range []struct {
		flag, value, want string
	}{
		{"--listen", taken.Addr().String(), "rxvigil: --listen: " + taken.Addr().String() + " is in use: choose another address, or stop what uses it\n"},
		{"--listen", "0.0.0.0:8080", "rxvigil: * could be reached by other machines, but no auth is configured: listen on 127.0.0.1, or configure auth\n"},
		{"--dsn", "postgres://nobody@" + freeAddr(t) + "/x", "rxvigil: --dsn: nothing listens on 127.0.0.1 port *: start Postgres there, or correct host and port in --dsn\n"},
	} {
		v := launch(t, []string{"TMPDIR=" + dir}, "demo", "--listen", "127.0.0.1:0", c.flag, c.value)
		code := v.end(syscall.Signal(0))
		if said := strings.Join(v.said, "\n") + "\n"; code != 1 || !like(c.want, said) {
			t.Errorf("%s %s gives %d and says\n%s\nwant\n%s", c.flag, c.value, code, said, c.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}
