package cdc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rxvigil/rxvigil"
)

// Resolved is a mapping that fits the catalog it was checked against.
type Resolved struct {
	Sources []*source
	Tables  []*Table // the mapped ones, each once: what is published
	Hash    string   // of the mapping and the types it met: part of the epoch
	leaves  map[uint32]*Table
}

// Resolve checks a mapping against the live catalog and gives every finding at once. The mapping is usable when none is
// fatal.
func Resolve(ctx context.Context, conn *pgx.Conn, m *Mapping) (*Resolved, []Finding, error) {
	tables, err := readCatalog(ctx, conn)
	if err != nil {
		return nil, nil, err
	}
	r := &resolver{tables: tables, out: &Resolved{leaves: map[uint32]*Table{}}}
	for i, name := range m.Ignore {
		if find(tables, unquoteName(name)) == nil {
			r.warn(fmt.Sprintf("$.mapping.ignore[%d]", i), fmt.Sprintf("there is no table %q to ignore", name), didYouMean(name, tableNames(tables)))
		}
	}
	for _, k := range rxvigil.Kinds() {
		for i := range m.of(k) {
			r.source(k, i, len(m.of(k)), &m.of(k)[i])
		}
	}
	if len(m.Medicine) == 0 || len(m.Lot) == 0 {
		r.fail("$.mapping", "the mapping names no medicine and lot: without both there is nothing to watch", "add medicine: and lot:")
	}
	r.link()
	r.out.Hash = r.hash()
	return r.out, r.findings, nil
}

type resolver struct {
	tables   []*Table
	out      *Resolved
	findings []Finding
}

func (r *resolver) fail(path, what, cure string) {
	r.findings = append(r.findings, Finding{Path: path, Fatal: true, What: what, Cure: cure})
}

func (r *resolver) warn(path, what, cure string) {
	r.findings = append(r.findings, Finding{Path: path, What: what, Cure: cure})
}

func (r *resolver) source(k rxvigil.Kind, n, of int, spec *Source) {
	path := "$.mapping." + k.String()
	if of > 1 {
		path = fmt.Sprintf("%s[%d]", path, n)
	}
	t := find(r.tables, unquoteName(spec.Table))
	if t == nil {
		r.fail(path+".table", fmt.Sprintf("there is no table %q", spec.Table), didYouMean(spec.Table, tableNames(r.tables)))
		return
	}
	s := &source{index: len(r.out.Sources), path: path, kind: k, spec: spec, table: t}
	before := len(r.findings)
	r.fields(s)
	r.identity(s)
	r.tenant(s)
	if !slices.ContainsFunc(r.findings[before:], func(f Finding) bool { return f.Fatal }) {
		r.compiles(s)
	}
	r.out.Sources = append(r.out.Sources, s)
	if !slices.Contains(r.out.Tables, t) {
		r.out.Tables = append(r.out.Tables, t)
		for _, leaf := range append(t.Leaves, t.OID) {
			r.out.leaves[leaf] = t
		}
	}
}

// fields builds the schema and finds the expression of each field.
func (r *resolver) fields(s *source) {
	var extra []rxvigil.Field
	for _, name := range slices.Sorted(maps.Keys(s.spec.Extra)) {
		extra = append(extra, rxvigil.Field{Name: name, Personal: s.spec.Extra[name].Personal, Type: r.extraType(s, name)})
	}
	s.schema = rxvigil.NewSchema(s.kind, extra...)
	s.fields = make([]*Expr, len(s.schema.Fields))
	canonical := rxvigil.NewSchema(s.kind)
	for _, name := range slices.Sorted(maps.Keys(s.spec.Fields)) {
		e := s.spec.Fields[name]
		i := canonical.Index(name)
		if i < 0 || name == "native_status" {
			r.fail(s.path+".fields."+name, fmt.Sprintf("a %s has no field %q", s.kind, name), didYouMean(name, fieldNames(canonical))+", or put it under extra:")
			continue
		}
		if e.Personal {
			s.schema.Fields[i].Personal = true
		}
		s.fields[i] = &e
		r.expr(s, s.path+".fields."+name, &e)
		r.fixed(s, s.path+".fields."+name, &e, s.schema.Fields[i].Type)
	}
	for _, name := range slices.Sorted(maps.Keys(s.spec.Extra)) {
		e := s.spec.Extra[name]
		if canonical.Index(name) >= 0 {
			r.fail(s.path+".extra."+name, fmt.Sprintf("%q is a field of every %s", name, s.kind), "move it to fields:")
			continue
		}
		s.fields[s.schema.Index(name)] = &e
		r.expr(s, s.path+".extra."+name, &e)
		r.fixed(s, s.path+".extra."+name, &e, s.schema.Fields[s.schema.Index(name)].Type)
	}
}

func fieldNames(s *rxvigil.Schema) []string {
	var names []string
	for _, f := range s.Fields {
		if f.Name != "native_status" {
			names = append(names, f.Name)
		}
	}
	return names
}

// extraType gives an extra field the type its column has by nature.
func (r *resolver) extraType(s *source, name string) rxvigil.FieldType {
	e := s.spec.Extra[name]
	if e.Words != nil || e.Const != nil {
		return rxvigil.TypeText
	}
	c := s.table.column(e.Column)
	if c == nil {
		return rxvigil.TypeText
	}
	switch c.Type {
	case oidInt2, oidInt4, oidInt8, oidNumeric, oidFloat4, oidFloat8:
		return rxvigil.TypeNumber
	case oidDate:
		return rxvigil.TypeDay
	case oidBool:
		return rxvigil.TypeTruth
	case oidTimestamptz:
		return rxvigil.TypeInstant
	}
	return rxvigil.TypeText
}

func (r *resolver) expr(s *source, path string, e *Expr) {
	if e.Const == nil && e.Column == "" {
		r.fail(path, "the value has neither column: nor const:", "name the column it comes from")
		return
	}
	for _, name := range e.columns() {
		r.column(s, path, name)
	}
	if e.Zone != "" {
		if _, err := time.LoadLocation(e.Zone); err != nil {
			r.fail(path, fmt.Sprintf("%q is no time zone", e.Zone), "use a name of the tz database, such as Africa/Lusaka")
		}
	}
}

func (r *resolver) column(s *source, path, name string) {
	c := s.table.column(name)
	if c == nil {
		r.fail(path, fmt.Sprintf("table %s has no column %q", s.table, name), didYouMean(name, s.table.columnNames()))
		return
	}
	if c.Generated {
		r.fail(path, fmt.Sprintf("column %q of %s is generated, and the stream does not carry generated columns before PostgreSQL 18", name, s.table),
			"map the columns it is computed from, with plus:, minus: or times:")
	}
}

func (r *resolver) tenant(s *source) {
	if parent := parentOf(s.kind); parent != 0 {
		if s.spec.Parent == nil {
			r.fail(s.path, fmt.Sprintf("a %s needs parent: the column that names its %s", s.kind, parent), "")
			return
		}
		s.fields[0] = s.spec.Parent
		r.expr(s, s.path+".parent", s.spec.Parent)
		return
	}
	if s.kind == rxvigil.KindTenant {
		return
	}
	if s.spec.Tenant == nil {
		r.fail(s.path, fmt.Sprintf("the %s names no tenant", s.kind), "add tenant: with the column of its id, or {const: name} where the database has one tenant")
		return
	}
	r.expr(s, s.path+".tenant", s.spec.Tenant)
	r.fixed(s, s.path+".tenant", s.spec.Tenant, rxvigil.TypeRef)
	if s.spec.Branch != nil {
		r.expr(s, s.path+".branch", s.spec.Branch)
		r.fixed(s, s.path+".branch", s.spec.Branch, rxvigil.TypeRef)
	}
}

// compiles proves that the source fits the table as it is now.
func (r *resolver) compiles(s *source) {
	if _, err := compile(s, catalogRelation(s.table)); err != nil {
		r.fail(s.path, err.Error(), "")
	}
}

// catalogRelation is a table's shape as the stream would announce it.
func catalogRelation(t *Table) *Relation {
	rel := &Relation{ID: t.OID, Schema: t.Schema, Name: t.Name, ReplicaIdentity: t.Identity}
	for _, c := range t.Columns {
		if !c.Generated {
			rel.Columns = append(rel.Columns, RelationColumn{Name: c.Name, Type: c.Type, Key: c.Identity})
		}
	}
	return rel
}

// link joins lines to the source of their parents.
func (r *resolver) link() {
	first := map[rxvigil.Kind]*source{}
	for _, s := range r.out.Sources {
		if first[s.kind] == nil {
			first[s.kind] = s
		}
	}
	for _, s := range r.out.Sources {
		parent := parentOf(s.kind)
		if parent == 0 || s.spec.Parent == nil {
			continue
		}
		if s.parent = first[parent]; s.parent == nil {
			r.fail(s.path, fmt.Sprintf("a %s is mapped but no %s", s.kind, parent), "map both or none")
			continue
		}
		s.parent.lines = s
	}
}

// hash names the mapping and the types it met: when it differs, positions and images of before mean nothing.
func (r *resolver) hash() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, s := range r.out.Sources {
		types := map[string]uint32{}
		for _, c := range s.table.Columns {
			types[c.Name] = c.Type
		}
		used := map[string]uint32{}
		for _, name := range s.columns() {
			used[name] = types[name]
		}
		if err := enc.Encode([]any{imageFormat, s.kind, s.table.String(), s.spec, used}); err != nil { // plain data
			panic(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// imageFormat is part of the hash: raise it when the layout of images or canonical fields changes.
const imageFormat = 1

// columns lists the columns a source reads, each once, in table order.
func (s *source) columns() []string {
	want := map[string]bool{}
	add := func(names ...string) {
		for _, n := range names {
			want[n] = true
		}
	}
	add(s.spec.Key...)
	for _, e := range append([]*Expr{s.spec.Tenant, s.spec.Branch}, s.fields...) {
		add(e.columns()...)
	}
	for _, p := range []*Predicate{s.spec.Where, s.spec.Gone} {
		if p != nil {
			add(p.Column)
		}
	}
	var names []string
	for _, c := range s.table.Columns {
		if want[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}
