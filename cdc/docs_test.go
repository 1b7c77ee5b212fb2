package cdc

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

var fenced = regexp.MustCompile("(?s)\n```(\\w+)\n(.*?)\n```\n")

// examples gives the fenced blocks of a page in one language.
func examples(page, language string) []string {
	var blocks []string
	for _, m := range fenced.FindAllStringSubmatch(page, -1) {
		if m[1] == language {
			blocks = append(blocks, m[2])
		}
	}
	return blocks
}

// tryExample resolves an example against a live catalog, with a plain medicine, lot or parent where it has none.
func tryExample(t *testing.T, conn *pgx.Conn, text string) error {
	t.Helper()
	for kind, plain := range map[string]string{
		"medicine": "{table: product, key: id, tenant: pharmacy_id}", "lot": "{table: batch, key: id, tenant: {const: main}}",
	} {
		if !strings.HasPrefix(text, kind+":") && !strings.Contains(text, "\n"+kind+":") {
			text += "\n" + kind + ": " + plain
		}
	}
	var m Mapping
	if err := yaml.UnmarshalWithOptions([]byte(text), &m, yaml.Strict()); err != nil {
		return err
	}
	_, findings, err := Resolve(t.Context(), conn, &m)
	must(t, err)
	for _, f := range findings {
		err = fmt.Errorf("%s", oneLine(f))
	}
	return err
}

func TestEveryExampleOfTheMappingPageFitsItsTables(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/mapping.md")
	must(t, err)
	dsn := pgtest.Database(t)
	schema := examples(string(page), "sql")
	if len(schema) != 1 {
		t.Fatalf("%d blocks of SQL, want one with the tables", len(schema))
	}
	pgtest.Exec(t, dsn, schema[0])
	conn := session(t, dsn)
	all := examples(string(page), "yaml")
	if len(all) < 10 {
		t.Fatalf("only %d examples were found", len(all))
	}
	for _, text := range all {
		if err := tryExample(t, conn, text); err != nil {
			t.Errorf("%s\ngives %v", text, err)
		}
	}
	for wrong, right := range map[string]string{"from: branch,": "from: brunch,", "pharmacy_*.product, key": "farmacy_*.product, key", "json: codes.0": "jsn: codes.0", "trim: true": "trim: perhaps", "expiry_stamp": "expiry_stomp"} {
		broken := strings.ReplaceAll(strings.Join(all, "\n\x00"), wrong, right)
		failed := 0
		for text := range strings.SplitSeq(broken, "\n\x00") {
			if tryExample(t, conn, text) != nil {
				failed++
			}
		}
		if failed == 0 {
			t.Errorf("nothing is found wrong with %q", right)
		}
	}
}

func TestTheMappingPageNamesEveryConstructAndField(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/mapping.md")
	must(t, err)
	blocks := strings.Join(examples(string(page), "yaml"), "\n")
	for _, word := range []string{
		"ignore", "table", "where", "key", "tenant", "branch", "parent", "of", "newest", "gone", "fields", "extra", "column", "from", "by", "first", "json", "trim", "case",
		"const", "words", "else", "sign", "values", "plus|minus", "times|over", "zone", "day_in", "format", "month_end", "round", "in", "null", "true",
		"custom", "each", "element", "hash", "hash_key", "name", "events", "removed", "settle", "silent", "sum",
	} {
		if !regexp.MustCompile(`\b(` + word + `):`).MatchString(blocks) {
			t.Errorf("no example has %s:", word)
		}
	}
}

// keysOf lists the keys of a mapping that are the language's: not those of fields:, extra:, words: and values:, which are the app's.
func keysOf(v any, all map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			keysOf(one, all)
		}
	case map[string]any:
		for key, one := range v {
			all[key] = true
			switch own, _ := one.(map[string]any); key {
			case "words", "values":
			case "fields", "extra":
				for _, e := range own {
					keysOf(e, all)
				}
			default:
				keysOf(one, all)
			}
		}
	}
}

func TestTheTargetsMappingsHaveNothingThatThePageDoesNotExplain(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/mapping.md")
	must(t, err)
	explained := map[string]bool{}
	for _, text := range examples(string(page), "yaml") {
		var v any
		must(t, yaml.Unmarshal([]byte(text), &v))
		keysOf(v, explained)
	}
	files, err := filepath.Glob("../testdata/mappings/*.yaml")
	must(t, err)
	if len(files) < 6 {
		t.Fatalf("only %v", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		var config struct{ Mapping any }
		must(t, yaml.Unmarshal(text, &config))
		used := map[string]bool{}
		keysOf(config.Mapping, used)
		for key := range used {
			if !explained[key] {
				t.Errorf("%s uses %s:, which no example has", file, key)
			}
		}
	}
}
