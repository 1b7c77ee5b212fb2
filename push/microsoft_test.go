package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
)

// TestMicrosoftsClientIsServed tells the stories of testdata/signalr to the published, unmodified client: two major versions in Node
// over each transport, and the newest in Chromium.
func TestMicrosoftsClientIsServed(t *testing.T) {
	t.Parallel()
	modules, node := nodeModules(t)
	for _, version := range []string{"signalr8", "signalr10"} {
		for _, transport := range hubTransports() {
			t.Run(version+"/"+transport, func(t *testing.T) {
				t.Parallel()
				s := openStage(t, filepath.Join(modules, version))
				tellInNode(t, node, "node.mjs", filepath.Join(modules, version), s.url, s.control.URL, transport)
			})
		}
	}
	t.Run("chromium", func(t *testing.T) {
		t.Parallel()
		arguments := []string{filepath.Join(modules, "playwright-core"), findChromium(t)}
		for _, transport := range hubTransports() {
			s := openStage(t, filepath.Join(modules, "signalr10"))
			arguments = append(arguments, transport, s.url, s.control.URL)
		}
		tellInNode(t, node, "browser.mjs", arguments...)
	})
}

// lacking skips a test for what this machine does not have. CI must have it.
func lacking(t *testing.T, sentence string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(sentence)
	}
	t.Skip(sentence)
}

func nodeModules(t *testing.T) (modules, node string) {
	t.Helper()
	modules, err := filepath.Abs("../.cache/node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "signalr10")); err != nil {
		lacking(t, "there is no SignalR client: run make .cache/node, which needs npm")
	}
	if node, err = exec.LookPath("node"); err != nil {
		lacking(t, "there is no node: install Node.js 20 or newer")
	}
	return modules, node
}

func findChromium(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lacking(t, "there is no Chromium: install the package chromium, or say where one is with CHROMIUM=/path")
	return ""
}

// stage is a server behind a line that can be cut, and the door by which a story steers both.
type stage struct {
	t       *testing.T
	url     string
	control *httptest.Server
	log     *push.Log
	gate    *auth.Gate
	line    *line
	client  string // the folder of the package, for a browser's page

	mu   sync.Mutex
	lsn  uint64
	stop func() // ends the server that serves now
}

func openStage(t *testing.T, client string) *stage {
	t.Helper()
	s := &stage{t: t, line: newLine(t), lsn: 1000, client: client, log: push.NewLog(push.LogOptions{}, nil)}
	at := rxvigil.EndOf("e1", s.lsn)
	s.log.Start("e1", at, at)
	var err error
	if s.gate, err = auth.NewGate(t.Context(), auth.Config{Secret: strings.Repeat("s", 32)}); err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + s.line.ln.Addr().String()
	s.control = httptest.NewServer(s.doors())
	t.Cleanup(s.control.Close)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve()
	t.Cleanup(s.end)
	return s
}

// end stops the server. The story restarts it from the control's own goroutines, so all of it happens under the lock.
func (s *stage) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}

// restart stops the server and starts another.
func (s *stage) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
	s.serve()
}

// serve starts a server behind the line. The lock is held.
func (s *stage) serve() {
	w := newWorld()
	server, err := push.NewServer(push.Options{
		Log: s.log, Directory: w, Shelf: w, Dispensary: w, RuleBook: w, Alerts: w, Thresholds: w, Commander: w, Vitals: w, Drain: 100 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), CORSOrigins: []string{s.control.URL}, Gate: s.gate,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.line.to(ln.Addr().String())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Run(ctx, ln); err != nil {
			s.t.Errorf("Run ended with %v", err)
		}
	}()
	s.stop = func() { cancel(); <-ended }
}

func (s *stage) doors() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	number := func(r *http.Request, name string) int {
		n, _ := strconv.Atoi(r.URL.Query().Get(name))
		return n
	}
	mux.HandleFunc("POST /publish", func(w http.ResponseWriter, r *http.Request) {
		answer(w, s.publish(number(r, "batches"), number(r, "size")))
	})
	mux.HandleFunc("POST /cut", func(w http.ResponseWriter, r *http.Request) {
		s.line.cutAfter(number(r, "after"))
		answer(w, true)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]string{"token": s.token(time.Duration(number(r, "life")) * time.Second)})
	})
	mux.HandleFunc("POST /restart", func(w http.ResponseWriter, _ *http.Request) {
		s.restart()
		answer(w, true)
	})
	mux.HandleFunc("POST /gone", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]int{"connections": s.connections()})
	})
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><script src="/signalr.js"></script><script type="module">
			import { Resume } from '/client/signalr.js';
			import { tellStories } from '/story.mjs';
			window.tell = (stage) => tellStories({ ...stage, signalR, Resume });
		</script>`)
	})
	mux.HandleFunc("GET /signalr.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(s.client, "dist/browser/signalr.min.js"))
	})
	mux.HandleFunc("GET /story.mjs", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		http.ServeFile(w, r, "testdata/signalr/story.mjs")
	})
	mux.Handle("GET /client/", http.StripPrefix("/client/", http.FileServer(http.Dir("../portal/client"))))
	return mux
}

func (s *stage) token(life time.Duration) string {
	token, err := s.gate.Sign(auth.Caller{User: "hana", Tenant: "testpharmacy", Role: "admin"}, life, time.Now())
	if err != nil {
		s.t.Error(err)
	}
	return token
}

// publish publishes transactions and gives the cursors of their events.
func (s *stage) publish(batches, size int) (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range batches {
		s.lsn += 16
		entry := push.Entry{LSN: s.lsn}
		for i := range size {
			e := sold(abyssinia, "b1", fmt.Sprint("m", i), 10, 9)
			e.Pos, e.At, e.Last = rxvigil.Position{Epoch: "e1", LSN: s.lsn, Ordinal: uint32(i)}, time.Now(), i == size-1
			entry.Events = append(entry.Events, push.NewEvent(&e))
			ids = append(ids, e.Pos.String())
		}
		s.log.Publish(entry)
	}
	return ids
}

// connections counts those that are left, once the server has seen the last one go or has had ten seconds for it.
func (s *stage) connections() int {
	deadline := time.Now().Add(10 * time.Second)
	for {
		var stats struct{ Connections map[string]int }
		res, err := http.Get(s.url + "/api/tenant/testpharmacy/stats?access_token=" + s.token(time.Minute))
		if err != nil {
			s.t.Error(err)
			return -1
		}
		err = json.NewDecoder(res.Body).Decode(&stats)
		_ = res.Body.Close()
		n := 0
		for _, of := range stats.Connections {
			n += of
		}
		if err != nil || n == 0 || time.Now().After(deadline) {
			return n
		}
	}
}

// tellInNode runs a script of testdata/signalr to its end.
func tellInNode(t *testing.T, node, script string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	start := time.Now()
	out, err := exec.CommandContext(ctx, node, append([]string{filepath.Join("testdata/signalr", script)}, arguments...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("in %s: %s", time.Since(start).Round(time.Millisecond), out)
}
