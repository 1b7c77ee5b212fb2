package cdc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rxvigil/rxvigil"
)

// Resolved is a mapping that fits the catalog it was checked against.
type Resolved struct {
	Sources []*source
	Tables  []*Table // the mapped ones and those looked up, each once: what is published
	order   []*Table // the same, those that others need before them
	Hash    string   // of the mapping and the types it met: part of the epoch
	leaves  map[uint32]*Table
	spread  []string // names of tables that stand for several
}

// Resolve checks a mapping against the live catalog and gives every finding at once. The mapping is usable when none is
// fatal.
func Resolve(ctx context.Context, conn *pgx.Conn, m *Mapping) (*Resolved, []Finding, error) {
	tables, err := readCatalog(ctx, conn)
	if err != nil {
		return nil, nil, err
	}
	r := &resolver{tables: tables, hashKey: []byte(m.HashKey), out: &Resolved{leaves: map[uint32]*Table{}}}
	for i, name := range m.Ignore {
		if find(tables, unquoteName(name)) == nil {
			r.warn(fmt.Sprintf("$.mapping.ignore[%d]", i), fmt.Sprintf("there is no table %q to ignore", name), didYouMean(name, tableNames(tables)))
		}
	}
	if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&r.database); err != nil {
		return nil, nil, fmt.Errorf("read the database's name: %w", err)
	}
	for _, k := range rxvigil.Kinds() {
		for i := range m.of(k) {
			for _, one := range r.spread(m, k, &m.of(k)[i]) {
				r.source(k, i, len(m.of(k)), one)
			}
		}
	}
	if len(m.Medicine) == 0 || len(m.Lot) == 0 {
		r.fail("$.mapping", "the mapping names no medicine and lot: without both there is nothing to watch", "add medicine: and lot:")
	}
	r.claims()
	r.link()
	r.references()
	r.order()
	r.out.Hash = r.sum()
	return r.out, r.findings, nil
}

type resolver struct {
	tables   []*Table
	database string
	hashKey  []byte
	out      *Resolved
	looked   []*source // rows that others look up
	hops     int
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
	s := &source{index: len(r.out.Sources), path: path, kind: k, spec: spec, table: t, hashKey: r.hashKey}
	before := len(r.findings)
	r.fields(s)
	r.identity(s)
	r.tenant(s)
	r.list(s)
	r.sums(s)
	if slices.ContainsFunc(r.findings[before:], func(f Finding) bool { return f.Fatal }) {
		r.add(s)
		return
	}
	if s.several() {
		s.rows = r.rowsOfEntity(s)
		r.add(s)
		s = s.rows
		s.index = len(r.out.Sources)
	}
	r.lookups(s)
	r.compiles(s)
	r.add(s)
}

func (r *resolver) add(s *source) {
	r.out.Sources = append(r.out.Sources, s)
	if !slices.Contains(r.out.Tables, s.table) {
		r.out.Tables = append(r.out.Tables, s.table)
		for _, leaf := range append(s.table.Leaves, s.table.OID) {
			r.out.leaves[leaf] = s.table
		}
	}
}

// fields builds the schema and finds the expression of each field.
func (r *resolver) fields(s *source) {
	var extra []rxvigil.Field
	for _, name := range slices.Sorted(maps.Keys(s.spec.Extra)) {
		e := s.spec.Extra[name]
		extra = append(extra, rxvigil.Field{Name: name, Personal: e.Personal, Type: r.extraType(s, &e)})
	}
	s.schema = rxvigil.NewSchema(s.kind, extra...)
	s.schema.Silent = s.spec.Silent
	r.life(s)
	r.settle(s)
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
	own := ".extra."
	if s.kind == rxvigil.KindCustom {
		own = ".fields."
	}
	for _, name := range slices.Sorted(maps.Keys(s.spec.Extra)) {
		e := s.spec.Extra[name]
		if canonical.Index(name) >= 0 {
			r.fail(s.path+own+name, fmt.Sprintf("%q is a field of every %s", name, s.kind), "move it to fields:")
			continue
		}
		s.fields[s.schema.Index(name)] = &e
		r.expr(s, s.path+own+name, &e)
		r.fixed(s, s.path+own+name, &e, s.schema.Fields[s.schema.Index(name)].Type)
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
func (r *resolver) extraType(s *source, e *Expr) rxvigil.FieldType {
	switch {
	case len(e.First) > 0:
		return r.extraType(s, &e.First[0])
	case e.Words != nil || e.Const != nil || e.JSON != "" || e.Hash:
		return rxvigil.TypeText
	case e.Format != "" || e.MonthEnd || e.DayIn != "":
		return rxvigil.TypeDay
	}
	t := s.table
	if e.From != "" {
		t = find(r.tables, unquoteName(e.From))
	}
	if t == nil || t.column(e.Column) == nil {
		return rxvigil.TypeText
	}
	c := t.column(e.Column)
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
	if e.First != nil {
		r.first(s, path, e)
		return
	}
	if e.Const == nil && e.Column == "" && e.From == "" {
		r.fail(path, "the value has neither column: nor const:", "name the column it comes from")
		return
	}
	for _, l := range e.lookups() {
		r.lookup(s, path, l)
	}
	if e.From == "" && (e.By != nil || e.Key != "") {
		r.fail(path, "by: and key: find a row of another table, and none is named", "add from: with its name")
	}
	for _, name := range e.columns() {
		r.column(s.table, path, name)
	}
	for _, zone := range []string{e.Zone, e.DayIn} {
		if _, err := time.LoadLocation(zone); err != nil {
			r.fail(path, fmt.Sprintf("%q is no time zone", zone), "use a name of the tz database, such as Africa/Lusaka")
		}
	}
}

// first checks the expressions of which the first that is not null counts.
func (r *resolver) first(s *source, path string, e *Expr) {
	if len(e.First) == 0 || !reflect.DeepEqual(*e, Expr{First: e.First, Personal: e.Personal}) {
		r.fail(path, "first: is a list of values, and says all there is to say", "write column: and all else inside the list")
		return
	}
	for i := range e.First {
		r.expr(s, fmt.Sprintf("%s.first[%d]", path, i), &e.First[i])
	}
}

func (r *resolver) column(t *Table, path, name string) {
	c := t.column(name)
	if c == nil {
		r.fail(path, fmt.Sprintf("table %s has no column %q", t, name), didYouMean(name, t.columnNames()))
		return
	}
	if c.Generated {
		r.fail(path, fmt.Sprintf("column %q of %s is generated, and the stream does not carry generated columns before PostgreSQL 18", name, t),
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
		r.fixed(s, s.path+".parent", s.spec.Parent, rxvigil.TypeRef)
		return
	}
	if s.spec.Of != "" {
		r.fail(s.path+".of", fmt.Sprintf("of: says where a line's parent comes from, and a %s is no line", s.kind), "leave it out")
	}
	if s.kind == rxvigil.KindTenant {
		if e := s.spec.Tenant; e != nil && e.Const == nil {
			r.fail(s.path+".tenant", "a tenant's id is its key", "leave tenant: out, or write schema or database where the tenant is called as that is")
		}
		return
	}
	switch {
	case s.spec.Tenant.says(none, s.table):
		r.nobodys(s)
		return
	case s.spec.Tenant.says(every, s.table):
		r.everyones(s)
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

// nobodys is for what belongs to no tenant: it is kept, and told to nobody.
func (r *resolver) nobodys(s *source) {
	if s.nobodys = true; s.kind != rxvigil.KindPatient {
		r.fail(s.path+".tenant", fmt.Sprintf("a %s must belong to a tenant, or nobody would hear of it: only a patient may belong to none", s.kind), "name the column of its tenant's id")
	}
	if s.spec.Branch != nil {
		r.fail(s.path+".branch", "what belongs to no tenant belongs to no branch", "leave branch: out")
	}
}

// everyones is for a list of medicines that all tenants share.
func (r *resolver) everyones(s *source) {
	if s.everyones = true; s.kind != rxvigil.KindMedicine {
		r.fail(s.path+".tenant", fmt.Sprintf("a %s belongs to one tenant: only medicines may be every tenant's", s.kind), "name the column of its tenant's id")
	}
	if s.spec.Branch != nil {
		r.fail(s.path+".branch", "what is every tenant's belongs to no branch", "leave branch: out")
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

// sum names the mapping and the types it met: when it differs, positions and images of before mean nothing.
func (r *resolver) sum() string {
	h := sha256.New()
	if len(r.hashKey) > 0 {
		key := sha256.Sum256(r.hashKey)
		h.Write(key[:])
	}
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
const imageFormat = 3

// columns lists the columns a source reads, each once, in table order.
func (s *source) columns() []string {
	want := map[string]bool{}
	add := func(names ...string) {
		for _, n := range names {
			want[n] = true
		}
	}
	add(s.spec.Key...)
	for _, e := range s.exprs() {
		add(e.columns()...)
	}
	for _, p := range slices.Concat(s.spec.Where, s.spec.Gone) {
		add(p.expr().columns()...)
	}
	var names []string
	for _, c := range s.table.Columns {
		if want[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}
