package cdc

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// lookup checks one lookup.
func (r *resolver) lookup(s *source, path string, e *Expr) {
	t := find(r.tables, unquoteName(e.From))
	switch {
	case t == nil:
		r.fail(path, fmt.Sprintf("there is no table %q", e.From), didYouMean(e.From, tableNames(r.tables)))
		return
	case e.By == nil:
		r.fail(path, fmt.Sprintf("nothing says which row of %s is meant", t), "add by: with the column that holds its key")
		return
	case e.Column == "":
		r.fail(path, fmt.Sprintf("nothing says which column of %s is meant", t), "add column:")
		return
	case e.By.Const == nil && e.By.First == nil && e.By.From == "" && e.By.Column == "":
		r.fail(path, "by: names no column", "name the column that holds the key of "+t.String())
		return
	case t == s.table:
		r.fail(path, fmt.Sprintf("%s looks up itself: no order could be found in which its rows are read", t), "look up another table")
		return
	}
	r.column(t, path, e.Column)
	key := r.keyOf(path, t, e.Key)
	if by := r.typeOf(s, e.By); key != nil && by != nil {
		r.comparable(path, t, key, by)
	}
}

// keyOf gives the column by which a row is looked up: the primary key, or the one named.
func (r *resolver) keyOf(path string, t *Table, name string) *TableColumn {
	switch {
	case name == "" && len(t.Primary) == 0:
		r.fail(path, fmt.Sprintf("table %s has no primary key by which a row could be looked up", t), "name a unique column with key:"+choices(t.Unique))
		return nil
	case name == "" && len(t.Primary) > 1:
		r.fail(path, fmt.Sprintf("the primary key of %s has %d columns, and by: is one", t, len(t.Primary)), "name a unique column with key:"+choices(t.Unique))
		return nil
	case name == "":
		name = t.Primary[0]
	}
	c := t.column(name)
	switch {
	case c == nil:
		r.fail(path, fmt.Sprintf("table %s has no column %q", t, name), didYouMean(name, t.columnNames()))
		return nil
	case slices.Contains(t.Unique, name):
	case t.Partitioned && slices.Contains(t.Primary, name):
		r.warn(path, fmt.Sprintf("nothing but the app's word makes %q of %s unique", name, t), "it is taken")
	default:
		r.fail(path, fmt.Sprintf("column %q of %s is not unique: more than one row could be meant", name, t), "name a unique column with key:"+choices(t.Unique))
		return nil
	}
	return c
}

func choices(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// typeOf gives the column whose text an expression is, or nil where it makes a text of its own.
func (r *resolver) typeOf(s *source, e *Expr) *TableColumn {
	t := s.table
	if e.From != "" {
		t = find(r.tables, unquoteName(e.From))
	}
	if t == nil || e.Const != nil || e.Words != nil || e.JSON != "" || e.First != nil {
		return nil
	}
	return t.column(e.Column)
}

// comparable makes sure that equal keys have equal texts.
func (r *resolver) comparable(path string, t *Table, key, by *TableColumn) {
	a, b := family(key.Type), family(by.Type)
	switch {
	case a == b:
	case a == oidText || b == oidText:
		r.warn(path, fmt.Sprintf("%q is %s and key %q of %s is %s: they are compared as text", by.Name, by.TypeName, key.Name, t, key.TypeName), "make sure that the app writes them alike")
	default:
		r.fail(path, fmt.Sprintf("%q is %s and key %q of %s is %s: they are never equal", by.Name, by.TypeName, key.Name, t, key.TypeName), "name the column that holds the key")
	}
}

// family gives one type for all whose equal values read alike.
func family(oid uint32) uint32 {
	switch oid {
	case oidInt2, oidInt4, oidInt8:
		return oidInt8
	case oidText, oidVarchar:
		return oidText
	}
	return oid
}

// lookups builds what a source finds in other tables.
func (r *resolver) lookups(s *source) {
	l := &lookups{row: &Relation{Schema: s.table.Schema, Name: s.table.Name}}
	for _, e := range s.exprs() {
		if !e.waits() {
			continue
		}
		for _, name := range e.columns() {
			l.ownColumn(s.table.column(name))
		}
		for _, found := range e.lookups() {
			r.hop(s, l, found).asked = false
		}
	}
	for _, p := range s.spec.looking() {
		for _, name := range p.expr().columns() {
			l.ownColumn(s.table.column(name))
		}
		for _, found := range p.expr().lookups() {
			r.hop(s, l, found)
		}
	}
	if len(l.row.Columns) == 0 {
		return
	}
	s.look = l
	l.cells = make([]Column, len(l.row.Columns))
	if err := l.compile(s); err != nil {
		r.fail(s.path, err.Error(), "")
	}
}

// looking lists the predicates that are asked when the transaction is netted.
func (s *Source) looking() (all Predicates) {
	for _, p := range s.Where {
		if p.From != "" {
			all = append(all, p)
		}
	}
	if s.Gone.lookedUp() {
		all = append(all, s.Gone...)
	}
	return all
}

// exprs lists the expressions of a source, by place in an image.
func (s *source) exprs() []*Expr { return append([]*Expr{s.tenant(), s.spec.Branch}, s.fields...) }

// tenant is the expression of the tenant; nil where there is none.
func (s *source) tenant() *Expr {
	switch {
	case s.nobodys:
		return nil
	case s.everyones:
		return &Expr{Const: new(string(rxvigil.EveryTenant))}
	}
	return s.spec.Tenant
}

func (l *lookups) ownColumn(c *TableColumn) {
	if !slices.ContainsFunc(l.own, func(i int) bool { return l.row.Columns[i].Name == c.Name }) {
		l.own = append(l.own, len(l.row.Columns))
		l.row.Columns = append(l.row.Columns, RelationColumn{Name: c.Name, Type: c.Type})
	}
}

// hop finds or makes the way to a column of another row.
func (r *resolver) hop(s *source, l *lookups, e *Expr) *hop {
	ref := r.reference(s, e)
	h := l.hop(ref, e.By)
	if h == nil {
		h = &hop{id: uint16(r.hops), owner: s, ref: ref, by: e.By, field: e.By.Column, at: -1, asked: true}
		if e.By.From != "" {
			h.field = e.By.From + "." + e.By.Column
		}
		r.hops++
		l.hops = append(l.hops, h)
		ref.users = append(ref.users, h)
	}
	c := ref.table.column(e.Column)
	rows := ref
	if ref.base != nil {
		rows = ref.base
	}
	field := rows.keep(c.Name)
	if !slices.Contains(h.fields, field) {
		h.fields, h.cells = append(h.fields, field), append(h.cells, len(l.row.Columns))
		l.row.Columns = append(l.row.Columns, RelationColumn{Type: c.Type})
	}
	return h
}

func (l *lookups) hop(ref *source, by *Expr) *hop {
	for _, h := range l.hops {
		if h.ref == ref && reflect.DeepEqual(h.by, by) {
			return h
		}
	}
	return nil
}

// reference gives the source of the rows that a lookup leads to.
func (r *resolver) reference(s *source, e *Expr) *source {
	t := find(r.tables, unquoteName(e.From))
	key := t.lookupKey(e)
	if !t.column(key).Identity && t.identified() {
		return r.alias(r.rowsOf(s, t, t.identity()), key)
	}
	return r.rowsOf(s, t, Columns{key})
}

// lookupKey is the column by which a lookup finds a row.
func (t *Table) lookupKey(e *Expr) string {
	if e.Key == "" {
		return t.Primary[0]
	}
	return e.Key
}

// identity lists the columns that the stream always sends of a row that goes.
func (t *Table) identity() (names Columns) {
	for _, c := range t.Columns {
		if c.Identity {
			names = append(names, c.Name)
		}
	}
	return names
}

// rowsOf gives the source of a table's rows by a key.
func (r *resolver) rowsOf(s *source, t *Table, key Columns) *source {
	for _, ref := range r.looked {
		if ref.table == t && ref.takesRows() && slices.Equal(ref.spec.Key, key) {
			return ref
		}
	}
	ref := &source{path: s.path, table: t, schema: rxvigil.NewSchema(0), spec: &Source{Table: t.String(), Key: key, Extra: map[string]Expr{}}}
	r.looked = append(r.looked, ref)
	return ref
}

// references adds the sources of rows that are looked up, behind all others.
func (r *resolver) references() {
	for _, ref := range r.looked {
		ref.index = len(r.out.Sources)
		if !slices.ContainsFunc(r.out.Sources, func(s *source) bool { return s.table == ref.table }) {
			r.identity(ref)
		}
		if ref.takesRows() {
			r.compiles(ref)
		}
		r.add(ref)
	}
}
