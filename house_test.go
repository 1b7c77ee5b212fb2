package rxvigil_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rxvigil/rxvigil"

// room is a folder of the house: what it may know of the other rooms, and what it must not know of the world.
type room struct {
	may   []string          // rooms it may import, besides the root; a trailing /... takes in what is below
	never map[string]string // packages outside the house that it must not import, with what it would then know
}

var (
	noPostgres = map[string]string{"github.com/jackc/pgx": "Postgres", "database/sql": "Postgres"}
	noHTTP     = map[string]string{"net/http": "HTTP"}
)

// house is the map: every folder with Go code in it, and its walls (DESIGN 3).
var house = map[string]room{
	"cdc":             {never: noHTTP},
	"cdc/propose":     {never: noHTTP},
	"rules":           {never: both(noPostgres, noHTTP)},
	"rules/backtest":  {may: []string{"rules"}, never: both(noPostgres, noHTTP)},
	"rules/cases":     {may: []string{"rules"}, never: both(noPostgres, noHTTP)},
	"rules/pgstore":   {may: []string{"rules"}, never: noHTTP},
	"rules/rulestest": {may: []string{"rules"}, never: both(noPostgres, noHTTP)},
	"push":            {may: []string{"push/auth", "push/schema", "push/signalr"}, never: noPostgres},
	"push/auth":       {never: both(noPostgres, noHTTP)},
	"push/schema":     {never: both(noPostgres, noHTTP)},
	"push/signalr":    {never: both(noPostgres, noHTTP)},
	"state":           {never: both(noPostgres, noHTTP)},
	"portal":          {never: noPostgres},
	"migrations":      {never: noHTTP},
	"cmd/rxvigil": {may: []string{
		"cdc", "cdc/propose", "rules", "rules/backtest", "rules/cases", "rules/pgstore", "push", "push/auth", "push/schema", "push/signalr", "state", "portal", "migrations", "internal/...",
	}},
	"internal/e2e":       {},
	"internal/pgtest":    {may: []string{"internal/privatepg"}},
	"internal/pharmacy":  {},
	"internal/privatepg": {},
	"internal/story":     {},
}

// homes are packages that live in one room (and what is below it) and nowhere else.
var homes = map[string]string{
	"github.com/jackc/pglogrepl":                 "cdc",
	"github.com/coder/websocket":                 "push",
	"github.com/golang-jwt/jwt":                  "push",
	"github.com/robfig/cron":                     "rules",
	"github.com/cockroachdb/pebble":              "state",
	"github.com/fergusstrange/embedded-postgres": "internal/privatepg",
}

// forTests may be imported by the tests of any room.
var forTests = []string{"internal/...", "rules/rulestest", "migrations"}

func TestTheWallsOfTheHouseStand(t *testing.T) {
	t.Parallel()
	files := 0
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && notOurs(entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(file, ".go"):
			return nil
		}
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if complaint := judge(filepath.ToSlash(file), imported); complaint != "" {
				t.Error(complaint)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("looked at %d files only: this is not the house", files)
	}
}

func notOurs(folder string) bool {
	return folder == "testdata" || folder == "node_modules" || strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
}

// judge gives the sentence to say when a file may not import a package, or nothing.
func judge(file, imported string) string {
	from := path.Dir(file)
	test := strings.HasSuffix(file, "_test.go")
	to, ours := strings.CutPrefix(imported, module+"/")
	switch {
	case imported == module:
		return ""
	case from == "." && test: // this package's tests, and the map itself
		return ""
	case from == ".":
		return judgeRoot(file, imported)
	}
	r, known := house[from]
	if !known {
		return fmt.Sprintf("%s: the room %s is not on the map. If the house needs it, add it to DESIGN 3 and to house_test.go; "+
			"else move the file into the room whose job it does.", file, from)
	}
	if ours {
		return judgeOurs(file, from, to, r, test)
	}
	return judgeWorld(file, from, imported, r, test)
}

// judgeRoot holds the root package to the standard library and a decimal type.
func judgeRoot(file, imported string) string {
	if standard(imported) && !within("net/http", imported) || imported == "github.com/govalues/decimal" {
		return ""
	}
	return fmt.Sprintf("%s imports %s: the root package holds nouns only, made of the standard library and a decimal type. "+
		"Move the code to the room whose job it does.", file, imported)
}

func judgeOurs(file, from, to string, r room, test bool) string {
	if to == from || listed(r.may, to) || test && listed(forTests, to) {
		return ""
	}
	if strings.HasPrefix(to, "internal/") {
		return fmt.Sprintf("%s imports %s: internal is for tests and the demo. "+
			"Move what the service needs into the room whose job it is.", file, to)
	}
	return fmt.Sprintf("%s imports %s: there is a wall between %s and %s. Say in an interface of %s what it needs, "+
		"and let cmd/rxvigil hand it in; a noun that both need belongs in the root package.", file, to, from, to, from)
}

func judgeWorld(file, from, imported string, r room, test bool) string {
	if test {
		return ""
	}
	for pkg, home := range homes {
		if within(pkg, imported) && from != home && !strings.HasPrefix(from, home+"/") {
			return fmt.Sprintf("%s imports %s, which lives only in %s. Ask %s for what you need through an interface of your own.",
				file, imported, home, home)
		}
	}
	for pkg, what := range r.never {
		if within(pkg, imported) {
			return fmt.Sprintf("%s imports %s: %s knows no %s. Take what is needed through an interface, "+
				"and let cmd/rxvigil connect the two.", file, imported, from, what)
		}
	}
	return ""
}

// standard tells whether a package is of the standard library: those have no dot in their first element.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// within tells whether imported is pkg, below it, or a major version of it.
func within(pkg, imported string) bool {
	return imported == pkg || strings.HasPrefix(imported, pkg+"/")
}

func listed(rooms []string, to string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool {
		above, all := strings.CutSuffix(r, "/...")
		return to == r || all && within(above, to)
	})
}

func both(a, b map[string]string) map[string]string {
	m := map[string]string{}
	for _, from := range []map[string]string{a, b} {
		maps.Copy(m, from)
	}
	return m
}

func TestAWallIsHeldWithASentence(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, imported, want string // want is a part of the sentence; empty: allowed
	}{
		{"event.go", "strings", ""},
		{"number.go", "github.com/govalues/decimal", ""},
		{"event.go", "github.com/jackc/pgx/v5", "nouns only"},
		{"event.go", module + "/cdc", "nouns only"},
		{"event.go", "net/http", "nouns only"},
		{"cdc/decode.go", module, ""},
		{"cdc/reader.go", "github.com/jackc/pglogrepl", ""},
		{"cdc/reader.go", module + "/rules", "a wall between cdc and rules"},
		{"cdc/reader_test.go", module + "/internal/pgtest", ""},
		{"cdc/reader_test.go", module + "/state", "a wall between cdc and state"},
		{"cdc/reader.go", module + "/internal/pgtest", "internal is for tests and the demo"},
		{"rules/book.go", "github.com/jackc/pgx/v5/pgxpool", "rules knows no Postgres"},
		{"rules/schedule.go", "github.com/robfig/cron/v3", ""},
		{"rules/pgstore/store.go", "github.com/jackc/pgx/v5", ""},
		{"rules/pgstore/store.go", module + "/rules", ""},
		{"rules/pgstore/store_test.go", module + "/migrations", ""},
		{"push/ring.go", module + "/rules", "a wall between push and rules"},
		{"push/websocket.go", "github.com/coder/websocket", ""},
		{"cmd/rxvigil/tail.go", "github.com/coder/websocket", "lives only in push"},
		{"cmd/rxvigil/tail_test.go", "github.com/coder/websocket", ""},
		{"state/store.go", "github.com/cockroachdb/pebble/v2", ""},
		{"push/ring.go", "github.com/cockroachdb/pebble/v2", "lives only in state"},
		{"cmd/rxvigil/demo.go", module + "/internal/privatepg", ""},
		{"cmd/rxvigil/run.go", module + "/rules/pgstore", ""},
		{"util/strings.go", "strings", "not on the map"},
	} {
		got := judge(c.file, c.imported)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s importing %s: %q, want %q", c.file, c.imported, got, c.want)
		}
	}
}
