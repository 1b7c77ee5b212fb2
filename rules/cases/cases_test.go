package cases_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/cases"
)

func nothing(name string) ([]byte, error) { return nil, os.ErrNotExist }

// The examples that come with the program hold.
func TestTheExamplesHold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/rules/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := cases.Read(filepath.Base(name), text, nothing)
		if err != nil {
			t.Fatal(err)
		}
		failures, err := f.Run()
		if err != nil {
			t.Error(err)
		}
		for _, fail := range failures {
			t.Errorf("%s:%d: %s, at %s\n  %s", name, fail.Line, fail.Case, fail.At, strings.Join(fail.Says, "\n  "))
		}
	}
}

const low = `
zone: Africa/Addis_Ababa
cases:
  - name: low
    at: 2026-11-27 09:00
    given:
      - {medicine: M, name: Aspirin, reorder_level: 40}
      - {lot: L, medicine: M, branch: b, on_hand: 45, expires: infinity}
    steps:
      - at: +1h
        change: [{lot: L, on_hand: 40}]
        expect: [{low_stock: M, severity: critical}, {expiry: L}]
`

// What the rules do otherwise is told with the reason of what came instead.
func TestADisagreementIsToldWithItsReason(t *testing.T) {
	t.Parallel()
	f, err := cases.Read("low.yaml", []byte(low), nothing)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Run()
	if err != nil || len(got) != 1 || got[0].Line != 10 || got[0].At != "+1h" {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{
		"missing: low_stock M, severity critical", "missing: expiry L",
		"not expected: low_stock M, branch b, severity warning, rung low: Aspirin is low: 40 available, reorder level 40 (threshold 40 from app)",
	}
	if said := strings.Join(got[0].Says, "\n"); said != strings.Join(want, "\n") {
		t.Errorf("it says\n%s\nwant\n%s", said, strings.Join(want, "\n"))
	}
}

func TestMistakesInAFileNameTheirLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ old, new, want string }{
		"a field":             {"on_hand: 40}", "onhand: 40}", `low.yaml:11: lot L: a lot has no field "onhand": there are medicine, number, expires, on_hand`},
		"a kind":              {"{lot: L, on_hand: 40}", "{lots: L, on_hand: 40}", `low.yaml:11: "lots" is none of branch, medicine, lot,`},
		"a number":            {"on_hand: 40}", "on_hand: many}", `low.yaml:11: lot L: on_hand: "many" is no number`},
		"a day":               {"expires: infinity", "expires: soon", `low.yaml:8: lot L: expires: "soon" is no day: 2026-11-27, today, today+30 or infinity`},
		"a time":              {"at: +1h", "at: later", `low.yaml:10: at: "later" is no time`},
		"a time that is over": {"at: +1h", "at: 2026-11-26 09:00", "low.yaml:10: at: a step cannot be before the one before it"},
		"a rule":              {"{expiry: L}", "{expirey: L}", `low.yaml:12: the pack has no rule "expirey"`},
		"a zone":              {"Africa/Addis_Ababa", "Mars/Olympus", `low.yaml:2: "Mars/Olympus" is no time zone`},
		"a key":               {"expect:", "expects:", `low.yaml:12: unknown field "expects"`},
		"lines of a lot":      {"{lot: L, on_hand: 40}", "{lot: L, lines: [{medicine: M}]}", "low.yaml:11: lot L: only a sale and a prescription have lines"},
		"no name":             {"name: low", "name: ''", "low.yaml:4: each case has a name of its own"},
		"a pack that is not":  {"zone:", "pack: [mine.yaml]\nzone:", "pack: file does not exist: name a file or one of"},
	} {
		text := strings.Replace(low, c.old, c.new, 1)
		f, err := cases.Read("low.yaml", []byte(text), nothing)
		if err == nil {
			_, err = f.Run()
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// The examples of the documentation hold, too.
func TestTheDocumentationHolds(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples", len(examples))
	}
	if p, err := rules.ReadPack("docs/rules.md", []byte(examples[0][1])); err != nil || len(p.Rules) < 20 {
		t.Errorf("the pack: %d rules, %v", len(p.Rules), err)
	}
	f, err := cases.Read("docs/rules.md", []byte(examples[1][1]), nothing)
	if err != nil {
		t.Fatal(err)
	}
	failures, err := f.Run()
	if err != nil || len(failures) > 0 {
		t.Errorf("%+v, %v", failures, err)
	}
	kinds := 0
	for _, r := range rules.DefaultPack().Rules {
		if kinds++; !strings.Contains(string(page), "`"+r.Params.Kind()+"`") {
			t.Errorf("the page lacks %s", r.Params.Kind())
		}
	}
	if kinds < 19 {
		t.Errorf("%d kinds", kinds)
	}
}
