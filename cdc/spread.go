package cdc

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// A database may hold each tenant's tables in a schema of its own. A source whose table is clinic_*.stock stands for one source for
// each schema of that form; other names in it with a star are of the same schema.

// star is the pattern of a table's name that stands for several, or nil.
func star(name string) *regexp.Regexp {
	schema, table, ok := strings.Cut(unquoteName(name), ".")
	if !ok || strings.Count(schema, "*") != 1 || strings.Contains(table, "*") {
		return nil
	}
	before, after, _ := strings.Cut(schema, "*")
	return regexp.MustCompile("^" + regexp.QuoteMeta(before) + "(.+)" + regexp.QuoteMeta(after+"."+table) + "$")
}

// starred lists, in order, what the star of a table's name stands for.
func starred(name string, tables []string) []string {
	pattern := star(name)
	if pattern == nil {
		return nil
	}
	var words []string
	for _, t := range tables {
		if m := pattern.FindStringSubmatch(t); m != nil {
			words = append(words, m[1])
		}
	}
	slices.Sort(words)
	return words
}

// spread gives the sources that one of the mapping stands for: itself, or one for each schema.
func (r *resolver) spread(m *Mapping, k rxvigil.Kind, spec *Source) []*Source {
	if star(spec.Table) == nil {
		return []*Source{r.placed(spec, "")}
	}
	parents := m.of(parentOf(k))
	var all []*Source
	for _, word := range starred(spec.Table, qualifiedNames(r.tables)) {
		one := r.placed(spec, word)
		if one.Of == "" && len(parents) == 1 {
			one.Of = strings.Replace(parents[0].Table, "*", word, 1)
		}
		all = append(all, one)
	}
	if len(all) == 0 { // it says that there is no such table
		return []*Source{spec}
	}
	r.out.spread = append(r.out.spread, spec.Table)
	return all
}

// placed is a source with a word in the place of each star, and of what says schema or database.
func (r *resolver) placed(spec *Source, word string) *Source {
	one := *spec
	one.Table, one.Of = strings.Replace(spec.Table, "*", word, 1), strings.Replace(spec.Of, "*", word, 1)
	t := find(r.tables, one.Table)
	one.Tenant, one.Branch, one.Parent = r.owner(spec.Tenant, t, word), r.owner(spec.Branch, t, word), inSchema(spec.Parent, word)
	one.Where, one.Gone = spec.Where.inSchema(word), spec.Gone.inSchema(word)
	one.Fields, one.Extra = allInSchema(spec.Fields, word), allInSchema(spec.Extra, word)
	if spec.Name != "" { // it has no fields but its own
		one.Extra = maps.Clone(one.Extra)
		if one.Extra == nil {
			one.Extra = map[string]Expr{}
		}
		maps.Copy(one.Extra, one.Fields)
		one.Fields = nil
	}
	return &one
}

// owner is the expression of a tenant or a branch: one of the words schema and database stands for what it is called.
func (r *resolver) owner(e *Expr, t *Table, word string) *Expr {
	switch {
	case t != nil && word != "" && e.says("schema", t):
		return &Expr{Const: &word}
	case t != nil && e.says("database", t):
		return &Expr{Const: &r.database}
	}
	return inSchema(e, word)
}

// inSchema is an expression whose lookups are in one schema.
func inSchema(e *Expr, word string) *Expr {
	if e == nil || word == "" {
		return e
	}
	one := *e
	one.From, one.By = strings.Replace(e.From, "*", word, 1), inSchema(e.By, word)
	one.First = nil
	for i := range e.First {
		one.First = append(one.First, *inSchema(&e.First[i], word))
	}
	if e.Sign != nil {
		sign := *e.Sign
		sign.From, sign.By = strings.Replace(sign.From, "*", word, 1), inSchema(sign.By, word)
		one.Sign = &sign
	}
	return &one
}

func allInSchema(fields map[string]Expr, word string) map[string]Expr {
	if word == "" {
		return fields
	}
	all := maps.Clone(fields)
	for name, e := range fields {
		all[name] = *inSchema(&e, word)
	}
	return all
}

func (p Predicates) inSchema(word string) Predicates {
	all := slices.Clone(p)
	for i := range all {
		all[i].From, all[i].By = strings.Replace(all[i].From, "*", word, 1), inSchema(all[i].By, word)
	}
	return all
}

func qualifiedNames(tables []*Table) []string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.String()
	}
	return names
}

// newcomers tells whether the names with a star stand for other tables by now.
func (r *Resolved) newcomers(ctx context.Context, conn *pgx.Conn) (bool, error) {
	if len(r.spread) == 0 {
		return false, nil
	}
	rows, err := conn.Query(ctx, "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition")
	if err != nil {
		return false, fmt.Errorf("look for new tables: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return false, fmt.Errorf("look for new tables: %w", err)
	}
	mapped := qualifiedNames(r.Tables)
	for _, name := range r.spread {
		if !slices.Equal(starred(name, names), starred(name, mapped)) {
			return true, nil
		}
	}
	return false, nil
}
