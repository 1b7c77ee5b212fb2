package cdc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// link joins lines to the sources of their parents: those of one table.
func (r *resolver) link() {
	of := map[rxvigil.Kind][]*source{}
	for _, s := range r.out.Sources {
		if s.head == nil {
			of[s.kind] = append(of[s.kind], s)
		}
	}
	for _, s := range r.out.Sources {
		if s.head != nil {
			continue
		}
		parent := parentOf(s.kind)
		if parent == 0 || s.spec.Parent == nil {
			continue
		}
		if len(of[parent]) == 0 {
			r.fail(s.path, fmt.Sprintf("a %s is mapped but no %s", s.kind, parent), "map both or none")
			continue
		}
		t := r.parentTable(s, parent, of[parent])
		for _, p := range of[parent] {
			if p.table == t {
				r.joinLines(p, s)
			}
		}
	}
}

func (r *resolver) joinLines(parent, line *source) {
	if parent.lines != nil {
		r.fail(line.path, fmt.Sprintf("the lines of %s come from %s already", parent.table, parent.lines.table), "map one source of lines for each")
		return
	}
	parent.lines = line
	line.parents = append(line.parents, parent)
}

// parentTable tells which table a line's parents come from: the one that is named, the only one, or where its foreign key leads.
func (r *resolver) parentTable(s *source, kind rxvigil.Kind, parents []*source) *Table {
	var tables []*Table
	var names []string
	for _, p := range parents {
		if !slices.Contains(tables, p.table) {
			tables, names = append(tables, p.table), append(names, p.table.Name)
		}
	}
	if s.spec.Of != "" {
		t := find(tables, unquoteName(s.spec.Of))
		if t == nil {
			r.fail(s.path+".of", fmt.Sprintf("no %s comes from a table %q", kind, s.spec.Of), didYouMean(s.spec.Of, names))
		}
		return t
	}
	if len(tables) == 1 {
		return tables[0]
	}
	if e := s.spec.Parent; e.From == "" {
		for _, t := range tables {
			if s.table.Foreign[e.Column] == t.OID {
				return t
			}
		}
	}
	r.fail(s.path, fmt.Sprintf("a %s may come from %s, and nothing tells where the parents of these lines do", kind, strings.Join(names, " or ")), "add of: with the table")
	return nil
}
