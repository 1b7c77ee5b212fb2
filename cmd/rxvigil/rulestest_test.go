package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The verb runs files of cases, against a pack of one's own too, and tells what is otherwise.
func TestRulesAreTriedOnCases(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob("../../testdata/rules/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if code, said := command(t, append([]string{"rules", "test"}, examples...)...); code != 0 || strings.Count(said, "ok   ") != len(examples) {
		t.Errorf("the examples give %d and say\n%s", code, said)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("mine.yaml", "extends: default\nrules:\n  - {id: low_stock, off: true}\n")
	text, err := os.ReadFile("../../testdata/rules/stock.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mine := write("stock.yaml", "pack: [mine.yaml]\n"+string(text))
	code, said := command(t, "rules", "test", mine)
	if code != 1 || !strings.Contains(said, "FAIL "+mine+":") || !strings.Contains(said, "\n     missing: low_stock PCM500, branch Bole, severity warning") {
		t.Errorf("without the rule it gives %d and says\n%s", code, said)
	}
	if code, said := command(t, "rules", "test", write("odd.yaml", "cases: [{name: x}]")); code != 1 || !strings.Contains(said, "odd.yaml:1: nothing is expected") {
		t.Errorf("a case that expects nothing gives %d and says\n%s", code, said)
	}
}
