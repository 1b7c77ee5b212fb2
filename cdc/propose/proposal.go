package propose

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// Proposal is a mapping with its reasons.
type Proposal struct {
	Zone     string
	Entities []*Entity
	Ignored  []Ignored
	Doubts   []Doubt
	database string
}

// Entity is a kind and the table that it is thought to come from.
type Entity struct {
	Kind   rxvigil.Kind
	Table  string
	Fields []Field
	// Confidence is how sure the table is, 0 to 1, and Why is the evidence.
	Confidence float64
	Why        []string

	table                  *table
	key                    []string
	newest                 string       // of several rows of one key the last one by this column counts
	batch                  *table       // of a lot whose key is the batch that its row names
	base                   *table       // what an entity is told by, where its own table only says to whom it belongs
	through                []hop        // the way there
	where                  []*predicate // all of them
	gone                   *predicate
	silent                 bool
	bare                   bool // it has no fields
	nth                    int  // of the entities of its kind
	tenant, branch, parent *expr
	asks                   map[string][]int // by field: numbers of doubts
	missing                []string
}

// Field is a canonical field and where its value is thought to be.
type Field struct {
	Name       string
	Confidence float64
	Why        string
	value      expr
}

// Ignored is a table that is left out, and why.
type Ignored struct{ Table, Why string }

// Doubt is a question that somebody who knows the app should answer. Paths are the lines of the file that it is about.
type Doubt struct {
	Paths        []string
	Question     string
	Alternatives []string
}

// expr is where a value comes from, in the words of a mapping.
type expr struct {
	column string
	konst  string
	from   string
	by     *expr
	words  [][2]string
	sign   string
	signs  [][2]string
	minus  string
	times  string
	over   string
	round  int // decimals; 0: as it is
	zone   string
	none   bool
}

// predicate is a question about one column, in the words of a mapping.
type predicate struct {
	column string
	from   string
	by     *expr
	in     []string
	null   *bool
	truth  *bool
}

// Propose guesses the mapping of a database.
func Propose(db *Database) *Proposal {
	g := &guess{db: db, p: &Proposal{Zone: db.Zone, database: db.Name}, of: map[rxvigil.Kind]*Entity{}, used: map[*table]bool{}}
	if g.p.Zone == "" || g.p.Zone == "Etc/UTC" || g.p.Zone == "GMT" {
		g.p.Zone = "UTC"
	}
	g.doubt("tenants.zone", "In which time zone does the pharmacy's day begin? The server is set to "+g.p.Zone+", which may be the machine's and not the pharmacy's.")
	g.twins()
	g.tables()
	for _, e := range g.p.Entities {
		g.owners(e)
		g.identity(e)
	}
	g.tenantOfBranches()
	for _, e := range g.p.Entities { // they name each other
		g.fields(e)
	}
	g.ignore()
	return g.p
}

// guess is a proposal in the making.
type guess struct {
	db     *Database
	p      *Proposal
	of     map[rxvigil.Kind]*Entity
	used   map[*table]bool
	schema string // of one tenant; empty: they share their tables

	askedTenant, askedConst bool
}

// twins looks at one of several schemas that hold the same tables, and asks about the others.
func (g *guess) twins() {
	names := map[string][]string{}
	for _, t := range g.db.tables {
		names[t.schema] = append(names[t.schema], t.name)
	}
	var first string
	var others []string
	for _, t := range g.db.tables {
		switch {
		case t.schema == first || slices.Contains(others, t.schema) || len(names[t.schema]) < 3:
		case first == "" || !slices.Equal(names[first], names[t.schema]):
			if len(others) == 0 {
				first = t.schema
			}
		default:
			others = append(others, t.schema)
		}
	}
	if len(others) == 0 {
		return
	}
	g.doubt("mapping", fmt.Sprintf("These schemas hold the same tables as %s: %s. Is each the schema of a tenant, called as the star in %s? Only %s was looked at.",
		first, strings.Join(others, ", "), starOf(append(others, first)), first))
	g.schema = first
	g.db.tables = slices.DeleteFunc(g.db.tables, func(t *table) bool {
		if slices.Contains(others, t.schema) {
			return true
		}
		if t.schema == first {
			t.shown = starOf(append(others, first)) + "." + t.name
		}
		return false
	})
}

// starOf is a name with a star that means all of some names.
func starOf(names []string) string {
	prefix, suffix := names[0], names[0]
	for _, n := range names[1:] {
		for !strings.HasPrefix(n, prefix) || len(prefix) == len(n) {
			prefix = prefix[:len(prefix)-1]
		}
		for !strings.HasSuffix(n, suffix) || len(suffix) == len(n) {
			suffix = suffix[1:]
		}
	}
	for _, n := range names { // the star stands for something in each
		for len(prefix)+len(suffix) >= len(n) {
			suffix = suffix[1:]
		}
	}
	return prefix + "*" + suffix
}

// doubt adds a question and gives its number.
func (g *guess) doubt(path, question string, alternatives ...string) int {
	g.p.Doubts = append(g.p.Doubts, Doubt{Paths: []string{path}, Question: question, Alternatives: alternatives})
	return len(g.p.Doubts)
}

// ask adds a question about a line of an entity.
func (g *guess) ask(e *Entity, line, question string, alternatives ...string) {
	n := g.doubt(e.path()+"."+line, question, alternatives...)
	e.asks[line] = append(e.asks[line], n)
}

// path is where the entity stands in the file.
func (e *Entity) path() string {
	if e.nth > 0 {
		return fmt.Sprintf("mapping.%s[%d]", e.Kind, e.nth)
	}
	return "mapping." + e.Kind.String()
}

// told is the table whose columns tell of the entity.
func (e *Entity) told() *table {
	if e.base != nil {
		return e.base
	}
	return e.table
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", math.Floor(share*100)) }

// ignore lists what is left over.
func (g *guess) ignore() {
	referred := map[string]bool{}
	for _, e := range g.p.Entities {
		for _, v := range e.values() {
			for x := v; x != nil; x = x.by {
				referred[x.from] = true
			}
		}
	}
	for _, t := range g.db.tables {
		switch {
		case g.used[t] || referred[t.String()]:
		case !t.readable:
			g.p.Ignored = append(g.p.Ignored, Ignored{t.String(), "this role may not read it"})
		case aboutNothing(t):
			g.p.Ignored = append(g.p.Ignored, Ignored{t.String(), "by its name it says nothing about goods"})
		default:
			g.p.Ignored = append(g.p.Ignored, Ignored{t.String(), "nothing of it looks like medicines, lots, sales, prescriptions or patients"})
		}
	}
}

func (e *Entity) values() []*expr {
	all := []*expr{e.tenant, e.branch, e.parent}
	for _, p := range e.where {
		all = append(all, &expr{from: p.from, by: p.by})
	}
	for i := range e.Fields {
		all = append(all, &e.Fields[i].value)
	}
	return all
}
