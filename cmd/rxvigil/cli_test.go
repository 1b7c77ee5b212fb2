package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// verb is a command at work in a terminal.
type verb struct {
	cmd   *exec.Cmd
	lines chan string // what it says, until its end
	said  []string
}

// launch runs a verb until the test ends it.
func launch(t testing.TB, env []string, args ...string) *verb {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	v := &verb{cmd: exec.Command(exe, args...), lines: make(chan string, 1000)}
	v.cmd.Env = append(append(os.Environ(), asCommand+"=1"), env...)
	v.cmd.Stdout, v.cmd.Stderr = w, w
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := v.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the process
		_ = v.cmd.Wait()
		_ = w.Close()
	}()
	go func() { // ends with the process; blocks it when nobody reads a thousand lines
		defer close(v.lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			v.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() { v.end(syscall.SIGKILL) })
	return v
}

// hear waits for a line that matches, and gives its first group.
func (v *verb) hear(t testing.TB, pattern string) string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	timeout := time.After(60 * time.Second)
	for {
		select {
		case line, more := <-v.lines:
			if !more {
				t.Fatalf("it ended without a line like %s:\n%s", pattern, strings.Join(v.said, "\n"))
			}
			v.said = append(v.said, line)
			if m := wanted.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
		case <-timeout:
			t.Fatalf("no line like %s:\n%s", pattern, strings.Join(v.said, "\n"))
		}
	}
}

// end sends a signal, waits, and gives the exit code.
func (v *verb) end(signal os.Signal) int {
	_ = v.cmd.Process.Signal(signal)
	for line := range v.lines {
		v.said = append(v.said, line)
	}
	return v.cmd.ProcessState.ExitCode()
}

func TestEveryVerbHelpsAndCompletes(t *testing.T) {
	t.Parallel()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		path := strings.Fields(c.CommandPath())[1:]
		code, said := command(t, append(slices.Clone(path), "--help")...)
		if code != 0 || !strings.Contains(said, "Usage:") || !strings.HasPrefix(said, cmp.Or(c.Long, c.Short)) {
			t.Errorf("%v --help gives %d and says\n%s", path, code, said)
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, said := command(t, "completion", shell); code != 0 || len(said) < 1000 {
			t.Errorf("completion %s gives %d and says\n%s", shell, code, said)
		}
	}
	for _, c := range []struct {
		line []string
		want string
	}{
		{[]string{"mig"}, "migrate\t"},
		{[]string{"migrate", ""}, "status\t"},
		{[]string{"tail", "--to"}, "--topic\t"},
		{[]string{"tail", "--topic", "pre"}, "prescriptions\n"},
		{[]string{"run", "--log-format", ""}, "json\n"},
		{[]string{"run", "--config", ""}, "yaml\n"},
		{[]string{"run", ""}, ":4\n"}, // no names of files
	} {
		if code, said := command(t, append([]string{"__complete"}, c.line...)...); code != 0 || !strings.Contains(said, c.want) {
			t.Errorf("completing %q gives %d and says\n%s\nwant %q", c.line, code, said, c.want)
		}
	}
}

func TestWrongCommandLinesEndWithTwo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"nonsense", `unknown command "nonsense" for "rxvigil"`},
		{"rnu", "run"},
		{"run", "which configuration? Say --config rxvigil.yaml"},
		{"run extra", `"extra" is one word too many`},
		{"run --confg x", "unknown flag: --confg"},
		{"run --config", "flag needs an argument: --config"},
		{"check --json=perhaps", "invalid argument"},
		{"migrate", "migrate what? Say up or status"},
		{"migrate sideways", `"sideways" is one word too many`},
		{"migrate up now", `"now" is one word too many`},
		{"tail", "which tenant? Say --tenant testpharmacy"},
		{"rules test", "which cases? Name a file of them"},
		{"tail --tenant x --topic weather", "--topic weather: there are inventory, sales, prescriptions, patients, notifications"},
		{"demo --pace fast", "--pace fast: say how many a second, such as 5/s"},
		{"demo --pace -1/s", "--pace -1/s: say how many a second"},
	} {
		code, said := command(t, strings.Fields(c.line)...)
		if code != 2 || !strings.HasPrefix(said, "rxvigil: ") || !strings.Contains(said, c.want) {
			t.Errorf("rxvigil %s gives %d and says\n%s\nwant 2 and %q", c.line, code, said, c.want)
		}
	}
	code, said := command(t, "run", "--config", "/no/such.yaml")
	if code != 1 || !strings.Contains(said, "/no/such.yaml") {
		t.Errorf("a configuration that is not there gives %d and %s", code, said)
	}
	code, said = command(t, "version")
	if code != 0 || !regexp.MustCompile(`^rxvigil \S+\n$`).MatchString(said) {
		t.Errorf("version gives %d and %q", code, said)
	}
}

// everything is what a database holds, by name: whatever of ours was left behind would show.
const everything = `SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C") FROM (
	SELECT format('namespace %s', nspname) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
	UNION ALL SELECT format('class %s.%s %s %s', nspname, relname, relkind, relreplident) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname !~ '^pg_(toast_)?temp_'
	UNION ALL SELECT format('function %s.%s', nspname, proname) FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace
	UNION ALL SELECT format('trigger %s', tgname) FROM pg_trigger
	UNION ALL SELECT format('publication %s', pubname) FROM pg_publication
	UNION ALL SELECT format('slot %s', slot_name) FROM pg_replication_slots WHERE database = current_database()
) AS all_names (line)`

func TestDropLeavesTheDatabaseAsItWas(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	before := pgtest.Ask(t, dsn, everything)
	says := func(want int, patterns []string, args ...string) {
		t.Helper()
		code, said := command(t, append(args, "--config", s.config)...)
		if code != want {
			t.Errorf("%v gives %d, want %d:\n%s", args, code, want, said)
		}
		for _, p := range patterns {
			if !regexp.MustCompile("(?m)" + p).MatchString(said) {
				t.Errorf("%v does not say %s:\n%s", args, p, said)
			}
		}
	}
	says(0, []string{`^slot +rxv_\w+ does not exist: no engine has run yet$`, `^schema +rxvigil does not exist: no engine has run yet$`}, "status")
	says(0, []string{`^00001_engine +not applied$`}, "migrate", "status")
	says(0, nil, "migrate", "up")
	says(0, []string{`^00001_engine +applied \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$`}, "migrate", "status")
	says(0, []string{`^engine +none has run yet$`}, "status")
	s.start()
	s.ready()
	pgtest.Exec(t, dsn, "UPDATE prescriptions SET status = 'mislaid' WHERE branch_id = 11")
	pgtest.Await(t, dsn, "SELECT EXISTS (SELECT FROM rxvigil.alerts WHERE rule = 'blind')")
	says(0, []string{
		`^slot +rxv_\w+, read by pid \d+; WAL reserved, .* kept for us, .* not yet confirmed, room left: no limit$`,
		`^engine +generation 1, epoch [0-9a-f]+, .*last sign of life \d+ s ago$`,
		`^alerts +\d+ critical +low_stock +firing$`,
		`^fault +1: .*prescriptions.*mislaid`,
	}, "status")
	says(1, []string{`^rxvigil: slot "rxv_\w+" is in use by pid \d+: stop the engine first$`}, "drop", "--yes")
	s.get("/readyz") // it is not disturbed
	s.stop()
	says(0, []string{`^slot +rxv_\w+, nobody reads it;`}, "status")
	says(1, []string{`nothing was removed$`}, "drop")
	says(0, []string{`^slot "rxv_\w+", publication "rxvigil" and schema rxvigil are gone; the folder .*/data can be deleted$`}, "drop", "--yes")
	if after := pgtest.Ask(t, dsn, everything); after != before {
		t.Errorf("left behind or lost:\n%s", difference(before, after))
	}
	pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 7")
	says(0, nil, "drop", "--yes")
}

// difference lists the lines that only one text has.
func difference(before, after string) string {
	var out []string
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, l := range a {
		if !slices.Contains(b, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out = append(out, "+ "+l)
		}
	}
	return strings.Join(out, "\n")
}

func TestTailResumesAcrossARestart(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	var list struct{ Cursor string }
	if err := json.Unmarshal(s.get("/api/tenant/testpharmacy/stock?limit=1"), &list); err != nil {
		t.Fatal(err)
	}
	base := []string{"tail", "--url", "http://" + s.addr, "--tenant", "testpharmacy", "--after", list.Cursor}
	asJSON := launch(t, nil, append(base, "--json", "--topic", "inventory")...)
	plain := launch(t, nil, append(base, "--topic", "inventory", "--topic", "notifications")...)
	const set = "UPDATE inventory SET quantity_on_hand = %d WHERE product_id = 1002 AND branch_id = 11"
	for i := 1; i <= 12; i++ {
		switch i {
		case 5:
			asJSON.hear(t, `"type":"stock_level_changed".*"on_hand":8[,}]`)
			s.kill()
		case 9:
			s.start()
			s.ready()
		}
		pgtest.Exec(t, dsn, fmt.Sprintf(set, i))
	}
	asJSON.hear(t, `"type":"stock_level_changed".*"on_hand":24[,}]`)
	plain.hear(t, `^\d\d:\d\d:\d\d\.\d{3}  alert_raised +Amoxicillin 500mg is low: 2 available`)
	plain.hear(t, `^\d\d:\d\d:\d\d\.\d{3}  stock_level_changed +Amoxicillin 500mg .*22 → 24`)
	for _, v := range []*verb{asJSON, plain} {
		if code := v.end(syscall.SIGINT); code != 0 {
			t.Errorf("tail ends with %d", code)
		}
	}
	var got []float64
	for _, line := range asJSON.said {
		var e envelope
		if strings.HasPrefix(line, "rxvigil: ") {
			continue
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Type == "stock_level_changed" {
			got = append(got, e.Data["on_hand"].(float64))
		}
	}
	if want := []float64{2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24}; !slices.Equal(got, want) {
		t.Errorf("tail told %v, want %v", got, want)
	}
	code, said := command(t, "tail", "--url", "http://"+s.addr, "--tenant", "nobody")
	if want := fmt.Sprintf("rxvigil: refused: there is no tenant \"nobody\" at %s\n", s.addr); code != 1 || said != want {
		t.Errorf("an unknown tenant gives %d and %q, want %q", code, said, want)
	}
}
