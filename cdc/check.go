package cdc

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// fixed checks what the mapping itself writes as a value: a constant, and the canonical side of words.
func (r *resolver) fixed(s *source, path string, e *Expr, t rxvigil.FieldType) {
	if e.Const != nil {
		r.canonical(s.kind, path, *e.Const, t)
	}
	for _, native := range slices.Sorted(maps.Keys(e.Words)) {
		r.canonical(s.kind, path, e.Words[native], t)
	}
	if e.Else != "" && e.Else != none {
		r.canonical(s.kind, path, e.Else, t)
	}
	if e.Else != "" && e.Words == nil {
		r.fail(path, "else: is for a word that words: lacks, and there are no words", "add words:")
	}
	r.options(path, e, t)
	for i := range e.First {
		r.fixed(s, fmt.Sprintf("%s.first[%d]", path, i), &e.First[i], t)
	}
}

// options checks what is done to a value before it becomes a field.
func (r *resolver) options(path string, e *Expr, t rxvigil.FieldType) {
	if e.Case != "" && e.Case != "lower" && e.Case != "upper" {
		r.fail(path, fmt.Sprintf("case: cannot be %q", e.Case), didYouMean(e.Case, []string{"lower", "upper"}))
	}
	if t != rxvigil.TypeDay && (e.Format != "" || e.MonthEnd || e.DayIn != "") {
		r.fail(path, "format:, month_end: and day_in: make a day, and this is none", "leave them out")
	}
	if e.Format != "" {
		if _, err := parseLayout(e.Format); err != nil {
			r.fail(path, err.Error(), "write it with YYYY, MM and DD, such as DD/MM/YYYY or MM-YYYY")
		}
	}
	r.hash(path, e, t)
	switch {
	case e.Round == nil:
	case t != rxvigil.TypeNumber:
		r.fail(path, "round: is for numbers, and this is none", "leave it out")
	case *e.Round < 0 || *e.Round > maxRound:
		r.fail(path, fmt.Sprintf("round: cannot be %d", *e.Round), fmt.Sprintf("it is the number of decimals, 0 to %d", maxRound))
	}
	if e.JSON != "" && slices.Contains(strings.Split(e.JSON, "."), "") {
		r.fail(path, fmt.Sprintf("json: %q has an empty step", e.JSON), "join keys and numbers by single dots, such as items.0.code")
	}
}

func (r *resolver) canonical(k rxvigil.Kind, path, text string, t rxvigil.FieldType) {
	var err error
	switch t {
	case rxvigil.TypeStatus:
		if valid := statusWords(k); !slices.Contains(valid, text) {
			r.fail(path, fmt.Sprintf("%q is no status of a %s", text, k), didYouMean(text, valid))
		}
	case rxvigil.TypeNumber:
		if _, err = rxvigil.ParseNumber(text); err != nil {
			r.fail(path, fmt.Sprintf("%q is no number", text), "write it as 12 or 12.50")
		}
	case rxvigil.TypeDay:
		if _, err = rxvigil.ParseDay(text); err != nil {
			r.fail(path, fmt.Sprintf("%q is no date", text), "write it as YYYY-MM-DD or infinity")
		}
	case rxvigil.TypeInstant:
		if _, err = time.Parse(time.RFC3339, text); err != nil {
			r.fail(path, fmt.Sprintf("%q is no instant", text), "write it as 2006-01-02T15:04:05Z")
		}
	case rxvigil.TypeTruth:
		if text != "true" && text != "false" {
			r.fail(path, fmt.Sprintf("%q is neither true nor false", text), "use one of them")
		}
	case rxvigil.TypeRef:
		if text == "" {
			r.fail(path, "the constant is empty", "write the id that is meant")
		}
	}
}

// identity refuses what would make the app's own writes fail, or leave us unable to tell which row went.
func (r *resolver) identity(s *source) {
	if len(s.spec.Key) == 0 {
		r.fail(s.path+".key", "a "+s.kind.String()+" needs a key", "name the column of its id")
	}
	if !s.table.identified() {
		r.findings = append(r.findings, Finding{
			Path: s.path + ".table", Fatal: true, Role: "owner of " + s.table.String(),
			What: fmt.Sprintf("table %s has no usable replica identity: published, the app's own UPDATE and DELETE would fail", s.table),
			Cure: "give it a primary key, or", SQL: "ALTER TABLE " + s.table.Quoted() + " REPLICA IDENTITY FULL;",
		})
		return
	}
	for _, leaf := range s.table.Blank {
		r.findings = append(r.findings, Finding{
			Path: s.path + ".table", Fatal: true, Role: "owner of " + s.table.String(),
			What: fmt.Sprintf("partition %s of %s has no usable replica identity: published, the app's own UPDATE and DELETE would fail", leaf, s.table),
			Cure: "give it back its identity", SQL: "ALTER TABLE " + leaf + " REPLICA IDENTITY DEFAULT;",
		})
	}
	for _, name := range s.spec.Key {
		c := s.table.column(name)
		if c == nil {
			r.fail(s.path+".key", fmt.Sprintf("table %s has no column %q", s.table, name), didYouMean(name, s.table.columnNames()))
		} else if len(s.table.identity()) == 0 {
			r.fail(s.path+".key", fmt.Sprintf("key column %q of %s is not part of the replica identity, so a DELETE would not carry it", name, s.table),
				"use the primary key, or set REPLICA IDENTITY FULL")
		}
	}
	r.newest(s)
	if s.table.Identity == 'f' && slices.ContainsFunc(s.table.Columns, func(c TableColumn) bool { return c.Generated }) {
		r.findings = append(r.findings, Finding{
			Path: s.path + ".table", Fatal: true, Role: "owner of " + s.table.String(),
			What: fmt.Sprintf("table %s has REPLICA IDENTITY FULL and a generated column: published, the app's own UPDATE and DELETE would fail", s.table),
			Cure: "use the primary key as identity", SQL: "ALTER TABLE " + s.table.Quoted() + " REPLICA IDENTITY DEFAULT;",
		})
	}
	r.predicates(s, s.path+".where", s.spec.Where)
	r.predicates(s, s.path+".gone", s.spec.Gone)
}

func (r *resolver) predicates(s *source, path string, all Predicates) {
	for i := range all {
		at := path
		if len(all) > 1 {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		r.predicate(s, at, &all[i])
	}
}

func (r *resolver) predicate(s *source, path string, p *Predicate) {
	if p.Column == "" {
		r.fail(path, "the predicate names no column", "add column:")
		return
	}
	if e := p.expr(); p.From == "" {
		r.column(s.table, path, p.Column)
	} else {
		r.expr(s, path, e)
	}
	if p.In == nil && p.NotIn == nil && p.Null == nil && p.True == nil {
		r.fail(path, "the predicate asks nothing", "add in:, not_in:, null: or true:")
	}
}
