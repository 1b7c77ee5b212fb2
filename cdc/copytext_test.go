package cdc

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestCopyTextIsUnescapedInPlace(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"a\tb":                          ` t"a" t"b"`,
		`\N` + "\t":                     ` n t""`,
		`\\N` + "\t" + `\\`:             ` t"\\N" t"\\"`,
		`x\ty\nz\\` + "\t" + `\b\f\r\v`: ` t"x\ty\nz\\" t"\b\f\r\v"`,
		"é\t" + `\q\`:                   ` t"é" t"q\\"`,
	} {
		got, err := copyRow(nil, []byte(line), 2)
		must(t, err)
		if tellRow(got) != want {
			t.Errorf("%q is%s, want%s", line, tellRow(got), want)
		}
	}
	for _, line := range []string{"", "a", "a\tb\tc"} {
		if _, err := copyRow(nil, []byte(line), 2); err == nil {
			t.Errorf("%q passes for two columns", line)
		}
	}
}

// nasty are texts that COPY must escape.
var nasty = []string{"", `\N`, `\`, `\\`, "tab\there", "line\nfeed", "\r\n", "\b\f\v", "\x01\x7f", `\t`, "naïve ☂ 漢字", strings.Repeat("long\t", 20_000)}

func TestWhatTheServerCopiesOutIsReadBack(t *testing.T) {
	t.Parallel()
	conn, err := Connect(t.Context(), pgtest.Database(t))
	must(t, err)
	defer func() { must(t, conn.Close(context.Background())) }()
	run(t, conn, "CREATE TABLE public.texts (n int GENERATED ALWAYS AS IDENTITY, a text, b text)")
	for _, s := range nasty {
		_, err := conn.Exec(t.Context(), "INSERT INTO texts (a, b) VALUES ($1, NULL)", s)
		must(t, err)
	}
	var out bytes.Buffer
	_, err = conn.PgConn().CopyTo(t.Context(), &out, "COPY (SELECT a, b FROM texts ORDER BY n) TO STDOUT")
	must(t, err)
	lines := bytes.Split(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n"))
	if len(lines) != len(nasty) {
		t.Fatalf("%d lines for %d rows", len(lines), len(nasty))
	}
	for i, line := range lines {
		row, err := copyRow(nil, line, 2)
		must(t, err)
		if string(row[0].Data) != nasty[i] || row[0].State != Text || row[1].State != Null {
			t.Errorf("row %d is%s, want %.40q", i, tellRow(row), nasty[i])
		}
	}
}

// copyOut escapes as COPY … TO STDOUT does.
func copyOut(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\b", `\b`, "\f", `\f`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`).Replace(s)
}

func FuzzCopyRow(f *testing.F) {
	for _, s := range nasty[:len(nasty)-1] {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		_, _ = copyRow(nil, []byte(a), 1) // whatever it is, no panic
		got, err := copyRow(nil, []byte(copyOut(a)+"\t"+copyOut(b)), 2)
		must(t, err)
		if string(got[0].Data) != a || string(got[1].Data) != b || got[0].State != Text || got[1].State != Text {
			t.Errorf("%q and %q come back as%s", a, b, tellRow(got))
		}
	})
}
