//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

// engine is the real binary, run as a user would.
type engine struct {
	t      *testing.T
	dir    string
	config string
	addr   string
	cmd    *exec.Cmd
	log    said
	ended  chan struct{} // closed when the process has ended, with err
	err    error
}

// said collects what a process says.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *said) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *said) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newEngine writes a configuration for the sample app's database at dsn; nothing runs yet.
func newEngine(t *testing.T, dsn string) *engine {
	t.Helper()
	dir := t.TempDir()
	e := &engine{t: t, dir: dir, config: filepath.Join(dir, "rxvigil.yaml"), addr: freeAddr(t)}
	e.configure(dsn, pharmacy.Mapping)
	t.Cleanup(func() {
		e.kill()
		if t.Failed() {
			t.Logf("the engine said:\n%s", tail(e.log.String(), 8000))
		}
	})
	return e
}

// configure writes the configuration file.
func (e *engine) configure(dsn, mapping string) {
	e.t.Helper()
	text := fmt.Sprintf("source: {dsn: %q}\ndata_dir: %q\npush: {listen: %q, drain: 100ms}\n%s", dsn, filepath.Join(e.dir, "data"), e.addr, mapping)
	if err := os.WriteFile(e.config, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// start runs the engine and waits until its alerts are true.
func (e *engine) start() {
	e.t.Helper()
	e.cmd = exec.Command(shared.binary, "run", "--config", e.config, "--log-format", "text")
	e.cmd.Stdout, e.cmd.Stderr = &e.log, &e.log
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := e.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	ended := make(chan struct{})
	e.ended = ended
	go func(cmd *exec.Cmd) { defer close(ended); e.err = cmd.Wait() }(e.cmd) // ends with the process
	e.await("readiness", func() bool {
		resp, err := http.Get("http://" + e.addr + "/readyz")
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// await waits for a fact about another process, unless that one ends.
func (e *engine) await(what string, is func() bool) {
	e.t.Helper()
	timeout := time.After(patience)
	for !is() {
		select {
		case <-e.ended:
			e.t.Fatalf("the engine ended before %s: %v", what, e.err)
		case <-timeout:
			e.t.Fatalf("the engine did not come to %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill ends the engine as a power cut would.
func (e *engine) kill() {
	if e.cmd == nil {
		return
	}
	_ = e.cmd.Process.Kill()
	<-e.ended
	e.cmd = nil
}

// stop ends the engine as a supervisor would, and checks that it goes in peace.
func (e *engine) stop() {
	e.t.Helper()
	if err := e.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		e.t.Fatal(err)
	}
	select {
	case <-e.ended:
		if e.err != nil {
			e.t.Errorf("the engine ended with %v", e.err)
		}
	case <-time.After(15 * time.Second):
		e.t.Fatal("the engine does not stop")
	}
	e.cmd = nil
}

// command runs another verb to its end, and wants it to go well.
func (e *engine) command(args ...string) string {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, shared.binary, append(args, "--config", e.config)...).CombinedOutput()
	if err != nil {
		e.t.Fatalf("rxvigil %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// alert is an alert as the desk shows it.
type alert struct {
	ID       string         `json:"id"`
	Rule     string         `json:"rule"`
	Rung     string         `json:"rung"`
	Branch   string         `json:"branch"`
	Version  int            `json:"version"`
	Message  string         `json:"message"`
	Values   map[string]any `json:"values"`
	Subject  struct{ Type, ID, Name, Lot string }
	Severity string `json:"severity"`
}

// open lists a tenant's open alerts.
func (e *engine) open(tenant string) []alert {
	e.t.Helper()
	resp, err := http.Get("http://" + e.addr + "/api/tenant/" + tenant + "/alerts?limit=200")
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var page struct {
		Items []alert
		Next  *string
	}
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil || resp.StatusCode != http.StatusOK || page.Next != nil {
		e.t.Fatalf("alerts of %s: %s %v", tenant, resp.Status, err)
	}
	return page.Items
}
