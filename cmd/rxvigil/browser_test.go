package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

// demoMapping is the sample pharmacy's mapping, as newService names it.
const demoMapping = "../../internal/pharmacy/mapping.yaml"

// openPharmacy is the sample pharmacy without its staff, and the service over it, which does not run yet.
func openPharmacy(t testing.TB) (dsn string, s *service) {
	t.Helper()
	dsn = pgtest.Database(t)
	if err := pharmacy.Load(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return dsn, newService(t, dsn, demoMapping)
}

// The story itself is portal/testdata/dashboard.test.mjs; this holds the database and the engine for it.
func TestDashboardTellsOfAnUpdateUntilItIsResolved(t *testing.T) {
	t.Parallel()
	b := tellToPharmacy(t, []string{"node"}, "dashboard.test.mjs")
	if !b.timed && !t.Failed() {
		t.Error("the story told no latency from commit to page")
	}
}

// The story itself is portal/testdata/views.test.mjs.
func TestTheOtherViewsAreTrueInThreeLanguages(t *testing.T) {
	t.Parallel()
	tellToPharmacy(t, []string{"node"}, "views.test.mjs")
}

// tellToPharmacy runs a story to its end against the sample pharmacy and an engine of its own.
func tellToPharmacy(t *testing.T, command []string, script string) *browser {
	t.Helper()
	chromium, playwright := findBrowser(t)
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	b := tellBy(t, command, s.addr, chromium, playwright, script)
	b.serve(t, dsn, s, nil)
	return b
}

// The story itself is portal/testdata/runtime.test.mjs.
func TestTheClientRunsInNodeAndDeno(t *testing.T) {
	t.Parallel()
	_, playwright := findBrowser(t)
	deno := filepath.Join(playwright, "../.bin/deno")
	for name, command := range map[string][]string{"node": {"node"}, "deno": {deno, "run", "--allow-all", "--no-prompt"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tellToPharmacy(t, command, "runtime.test.mjs")
		})
	}
}

// The story itself is portal/testdata/threetabs.test.mjs.
func TestThreeTabsHaveOneStreamAndTellEachEventOnce(t *testing.T) {
	t.Parallel()
	chromium, playwright := findBrowser(t)
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	w, through := lay(t, "http://"+s.addr)
	browse(t, strings.TrimPrefix(through, "http://"), chromium, playwright, "threetabs.test.mjs").serve(t, dsn, s, w)
}

// serve does what the story asks for, until it has ended.
func (b *browser) serve(t *testing.T, dsn string, s *service, w *wire) {
	t.Helper()
	for line := range b.lines {
		switch {
		case line.Want == "sql":
			pgtest.Exec(t, dsn, line.SQL)
			b.done(t)
		case line.Want == "cut":
			w.cut()
			b.done(t)
		case line.Want == "mend":
			w.mend()
			b.done(t)
		case line.Want == "restart":
			s.stop()
			s.start()
			b.done(t)
		case line.Fail != "":
			t.Errorf("the browser: %s", line.Fail)
		case line.Latency != nil:
			t.Logf("from commit to page: %.0f ms", *line.Latency)
			b.timed = true
		}
	}
	if err := b.cmd.Wait(); err != nil {
		t.Errorf("the browser's story: %v", err)
	}
}

// findBrowser gives Chromium and playwright-core. CI must have both; elsewhere the test says what it lacks.
func findBrowser(t testing.TB) (chromium, playwright string) {
	t.Helper()
	lacking := func(sentence string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatal(sentence)
		}
		t.Skip(sentence)
	}
	chromium = os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if chromium == "" {
			chromium, _ = exec.LookPath(name)
		}
	}
	if chromium == "" {
		lacking("there is no Chromium: install the package chromium, or say where one is with CHROMIUM=/path")
	}
	playwright, err := filepath.Abs("../../.cache/node/node_modules/playwright-core")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(playwright); err != nil {
		lacking("there is no playwright-core: run make .cache/node, which needs npm")
	}
	if _, err := exec.LookPath("node"); err != nil {
		lacking("there is no node: install Node.js 22 or newer")
	}
	return chromium, playwright
}

// browser is the story's script at work.
type browser struct {
	cmd   *exec.Cmd
	in    io.Writer
	lines chan browserLine // closed when the script has said all
	timed bool
}

type browserLine struct {
	Want, SQL, Fail string
	Latency         *float64 `json:"commit_to_page_ms"`
}

func browse(t testing.TB, addr, chromium, playwright, script string) *browser {
	t.Helper()
	return tellBy(t, []string{"node"}, addr, chromium, playwright, script)
}

// tellBy is browse with another command in Node's place.
func tellBy(t testing.TB, command []string, addr, chromium, playwright, script string) *browser {
	t.Helper()
	const shelf = " WHERE product_id = 1002 AND branch_id = 11"
	b := &browser{lines: make(chan browserLine)}
	b.cmd = exec.Command(command[0], append(command[1:], "../../portal/testdata/"+script)...)
	b.cmd.Env = append(os.Environ(), "RXVIGIL_URL=http://"+addr, "TENANT=testpharmacy", "SUBJECT=1002", "STEP_MS=30000",
		"SQL_LOW=UPDATE inventory SET quantity_on_hand = 5"+shelf, "SQL_RESTOCK=UPDATE inventory SET quantity_on_hand = 400"+shelf,
		"SQL_BURST=DO $$ BEGIN FOR i IN 1..10000 LOOP UPDATE inventory SET quantity_on_hand = 300 + i % 50 WHERE product_id = 1005 + i % 20 AND branch_id = 11; COMMIT; END LOOP; END $$",
		"CHROMIUM="+chromium, "PLAYWRIGHT="+playwright)
	b.cmd.Stderr = t.Output()
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Chromium goes with it
	in, err := b.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.in = in
	impatience := time.AfterFunc(3*time.Minute, b.kill)
	read := make(chan struct{})
	go func() { // ends with the script
		defer close(read)
		defer close(b.lines)
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			t.Log(scanner.Text())
			var line browserLine
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				line.Fail = fmt.Sprintf("a line that is no JSON: %s", scanner.Text())
			}
			b.lines <- line
		}
	}()
	t.Cleanup(func() {
		impatience.Stop()
		b.kill()
		for range b.lines {
		}
		<-read
	})
	return b
}

func (b *browser) kill() { _ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL) }

func (b *browser) done(t testing.TB) {
	t.Helper()
	if _, err := io.WriteString(b.in, `{"ok":true}`+"\n"); err != nil {
		t.Error(err)
	}
}
