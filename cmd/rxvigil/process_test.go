package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// service is the real binary, run as a user would.
type service struct {
	t      testing.TB
	dir    string
	config string
	addr   string
	cmd    *exec.Cmd
	log    lockedBuffer
	alerts string        // DSN of its alerts, where that is not the source
	ended  chan struct{} // closed when the process has ended, with err
	err    error
}

// lockedBuffer collects what a process says.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newService writes a configuration for a database and a mapping; nothing runs yet.
func newService(t testing.TB, dsn, mapping string) *service {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../testdata/mappings", mapping))
	if err != nil {
		t.Fatal(err)
	}
	pack := strings.TrimSuffix(mapping, ".yaml") + ".rules.yaml"
	if !strings.Contains(string(text), pack) {
		pack = ""
	}
	return newServiceOf(t, dsn, string(text), pack)
}

// newServiceOf is a service with a configuration, and a pack of testdata/mappings beside it where one is named.
func newServiceOf(t testing.TB, dsn, text, pack string) *service {
	t.Helper()
	dir := t.TempDir()
	if pack != "" {
		rules, err := os.ReadFile(filepath.Join("../../testdata/mappings", pack))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, pack), rules, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &service{t: t, dir: dir, config: filepath.Join(dir, "rxvigil.yaml"), addr: freeAddr(t)}
	slot := "rxv_" + strings.ToLower(rand.Text()[:12]) // slots are the cluster's, databases the test's
	config := fmt.Sprintf("source: {dsn: %q, slot: "+slot+"}\ndata_dir: %q\npush: {listen: %q, drain: 100ms}\n%s", dsn, filepath.Join(dir, "data"), s.addr, text)
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the service said:\n%s", tailOf(s.log.String(), 8000))
		}
	})
	return s
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }

func freeAddr(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

// twin is a second service on the same database and slot, with an address and a disk of its own.
func (s *service) twin() *service {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	other := &service{t: s.t, dir: s.t.TempDir(), addr: freeAddr(s.t)}
	other.config = filepath.Join(other.dir, "rxvigil.yaml")
	config := strings.NewReplacer(s.addr, other.addr, s.dir, other.dir).Replace(string(text))
	if err := os.WriteFile(other.config, []byte(config), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(other.kill)
	return other
}

// says waits until the service has logged a message.
func (s *service) says(message string) {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !strings.Contains(s.log.String(), message); s.pause() {
		if time.Now().After(deadline) {
			s.t.Fatalf("the service never said %s:\n%s", message, tailOf(s.log.String(), 4000))
		}
	}
}

// start runs the service; it may not be ready when start returns.
func (s *service) start() {
	s.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(exe, "run", "--config", s.config, "--log-format", "text")
	s.cmd.Env = append(os.Environ(), asCommand+"=1")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan struct{})
	s.ended = ended
	go func(cmd *exec.Cmd) { defer close(ended); s.err = cmd.Wait() }(s.cmd) // ends with the process
}

// ready waits until alerts are true.
func (s *service) ready() {
	s.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		resp, err := http.Get("http://" + s.addr + "/readyz")
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the service did not get ready:\n%s", tailOf(s.log.String(), 4000))
		}
		s.pause()
	}
}

// pause waits a moment for another process, unless that one has ended.
func (s *service) pause() {
	s.t.Helper()
	select {
	case <-s.ended:
		s.t.Fatalf("the service ended: %v\n%s", s.err, tailOf(s.log.String(), 4000))
	case <-time.After(20 * time.Millisecond):
	}
}

// kill ends the service as a power cut would.
func (s *service) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	s.cmd = nil
}

// stop ends the service as a supervisor would, and checks that it goes in peace.
func (s *service) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.ended:
		if s.err != nil {
			s.t.Errorf("the service ended with %v", s.err)
		}
	case <-time.After(15 * time.Second):
		s.t.Fatal("the service does not stop")
	}
	s.cmd = nil
}

// get fetches a path as JSON text.
func (s *service) get(path string) []byte {
	s.t.Helper()
	resp, err := http.Get("http://" + s.addr + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s %v %s", path, resp.Status, err, body)
	}
	return body
}

// post sends a JSON body.
func (s *service) post(path, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// command runs a verb to its end.
func command(t testing.TB, args ...string) (code int, output string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}
