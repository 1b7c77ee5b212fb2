package privatepg_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/rxvigil/rxvigil/internal/privatepg"
)

// childVar makes this test binary a program that starts a server, says where, and waits to be killed.
const childVar = "RXVIGIL_PRIVATEPG_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

func child() {
	s, err := privatepg.Start(context.Background(), privatepg.Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Printf("%d %s\n", s.PID(), filepath.Dir(s.DataDir()))
	select {}
}

func ask(t *testing.T, dsn, sql string) string {
	t.Helper()
	ctx := t.Context()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var got string
	if err := conn.QueryRow(ctx, sql).Scan(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func start(t *testing.T, o privatepg.Options) *privatepg.Server {
	t.Helper()
	s, err := privatepg.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestServerIsLogicalAndSurvivesARestart(t *testing.T) {
	t.Parallel()
	s := start(t, privatepg.Options{Settings: map[string]string{"max_wal_senders": "7"}})
	if !strings.HasPrefix(s.Source(), "PostgreSQL ") {
		t.Errorf("source is %q, want PostgreSQL … from …", s.Source())
	}
	for _, dsn := range []string{s.DSN("postgres"), s.SocketDSN("postgres"), s.DSN("")} {
		if got := ask(t, dsn, "SELECT current_setting('wal_level') || current_setting('max_wal_senders')"); got != "logical7" {
			t.Errorf("%s: settings are %q, want logical7", dsn, got)
		}
	}
	ask(t, s.DSN(""), "WITH x AS (SELECT pg_create_logical_replication_slot('kept', 'pgoutput')) SELECT 'made' FROM x")
	before := s.DSN("")
	s.Set("wal_sender_timeout", "3s")
	for _, mode := range []privatepg.Mode{privatepg.Fast, privatepg.Immediate} {
		if err := s.Restart(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		if s.DSN("") != before {
			t.Errorf("after %s: address is %s, want %s", mode, s.DSN(""), before)
		}
		got := ask(t, before, "SELECT slot_name || current_setting('wal_sender_timeout') FROM pg_replication_slots")
		if got != "kept3s" {
			t.Errorf("after %s: %q, want kept3s", mode, got)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, privatepg.Options{})
	home := filepath.Dir(s.DataDir())
	if err := errors.Join(s.Stop(privatepg.Fast), s.Stop(privatepg.Fast), s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(home); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", home, err)
	}
}

func TestAGivenFolderKeepsItsData(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", strings.Repeat("a-very-long-name-", 6)) // its socket cannot live here
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := start(t, privatepg.Options{Dir: dir})
	id := ask(t, s.SocketDSN(""), "SELECT system_identifier::text FROM pg_control_system()")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, privatepg.Options{Dir: dir})
	if got := ask(t, s.SocketDSN(""), "SELECT system_identifier::text FROM pg_control_system()"); got != id {
		t.Errorf("system identifier is %s after the second start, want %s", got, id)
	}
}

func TestServerDiesWithItsParentEvenByKill9(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	var pid int
	var home string
	if _, err := fmt.Sscan(line, &pid, &home); err != nil {
		t.Fatalf("child said %q", line)
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	// The kernel tells nobody but the parent of a death, and that was the child: look until both are gone.
	deadline := time.Now().Add(20 * time.Second)
	for !gone(home) && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	if !gone(home) {
		t.Errorf("%s is still there", home)
	}
	if state := processState(pid); state != "" && state != "Z" {
		t.Errorf("postmaster %d still runs in state %s", pid, state)
	}
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// processState is the state letter of a process, empty when there is none.
func processState(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

func TestABadSettingIsToldWithTheServersOwnWords(t *testing.T) {
	t.Parallel()
	_, err := privatepg.Start(t.Context(), privatepg.Options{Settings: map[string]string{"wal_level": "sideways"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "wal_level"`) {
		t.Errorf("error is %v, want the server's sentence on wal_level", err)
	}
}

func TestAnExplicitServerIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	theirs := start(t, privatepg.Options{})
	s := start(t, privatepg.Options{DSN: theirs.DSN("postgres")})
	if got, want := s.DSN("other"), theirs.DSN("other"); got != want {
		t.Errorf("DSN is %s, want %s", got, want)
	}
	if !strings.HasPrefix(s.Source(), "PostgreSQL ") || !strings.Contains(s.Source(), " at 127.0.0.1:") {
		t.Errorf("source is %q, want PostgreSQL … at host:port", s.Source())
	}
	if err := s.Restart(t.Context(), privatepg.Fast); err == nil {
		t.Error("somebody else's server was restarted")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	ask(t, theirs.DSN(""), "SELECT 'still there'")
}

func TestAServerThatIsNotThereIsSaidSo(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://postgres@127.0.0.1:1/postgres?sslmode=disable", "host=127.0.0.1 user=postgres"} {
		if _, err := privatepg.Start(t.Context(), privatepg.Options{DSN: dsn}); err == nil {
			t.Errorf("%s was taken for a server", dsn)
		}
	}
}
