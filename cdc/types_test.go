package cdc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// reading is a way to map a column: as a field of a type, with a zone or without.
type reading struct {
	name  string
	kind  rxvigil.Kind
	field string
	zone  string
	extra bool // under a name of its own, with the type that the column has by nature
}

const matrixZone = "Asia/Kolkata"

func readings() []reading {
	return []reading{
		{name: "text", kind: rxvigil.KindLot, field: "number"},
		{name: "reference", kind: rxvigil.KindLot, field: "medicine"},
		{name: "status", kind: rxvigil.KindMedicine, field: "status"},
		{name: "extra", kind: rxvigil.KindLot, field: "own", extra: true},
		{name: "number", kind: rxvigil.KindLot, field: "on_hand"},
		{name: "day", kind: rxvigil.KindLot, field: "expires"},
		{name: "zoned day", kind: rxvigil.KindLot, field: "expires", zone: matrixZone},
		{name: "truth", kind: rxvigil.KindLot, field: "held"},
		{name: "instant", kind: rxvigil.KindMovement, field: "at"},
		{name: "zoned instant", kind: rxvigil.KindMovement, field: "at", zone: matrixZone},
	}
}

// cell is a type mapped in one way.
type cell struct {
	pgType
	reading
	table string
}

func (c *cell) source() Source {
	tenant := c.reading.name // of its own, or two readings of a kind would claim the same row
	s := Source{Table: c.table, Key: Columns{"id"}, Tenant: &Expr{Const: &tenant}}
	fields := map[string]Expr{c.field: {Column: "v", Zone: c.zone}}
	if c.extra {
		s.Extra = fields
	} else {
		s.Fields = fields
	}
	return s
}

// matrix is a shop of one table a type.
type matrix struct {
	*shop
	types []pgType
	cells []cell // in the order of the resolved sources
	told  *pgx.Conn
}

// Rows stand under the number of their value plus where they came from.
const (
	fromPicture  = 0
	fromInsert   = 1000
	fromUpdate   = 2000
	fromInsert2  = 3000 // with other settings of database and role
	fromUpdate2  = 4000
	nothing      = 999 // a null
	alteredStyle = `
ALTER DATABASE %[1]s SET datestyle = 'German'; ALTER DATABASE %[1]s SET intervalstyle = 'iso_8601'; ALTER DATABASE %[1]s SET timezone = 'Asia/Kolkata';
ALTER DATABASE %[1]s SET extra_float_digits = -3; ALTER DATABASE %[1]s SET bytea_output = 'escape'; ALTER DATABASE %[1]s SET client_encoding = 'LATIN1';
ALTER ROLE CURRENT_USER IN DATABASE %[1]s SET datestyle = 'SQL, DMY'; ALTER ROLE CURRENT_USER IN DATABASE %[1]s SET intervalstyle = 'sql_standard'`
)

// K6, K7: what the server prints is exact in every field that takes it, or is kept as it was printed and said to be a fault;
// it is never zero, null or the year 1. It is the same from a picture and from the stream, whatever a DBA sets.
func TestEveryTypeIsExactOrRawOrAFaultAndTheSameWhereverItComesFrom(t *testing.T) {
	t.Parallel()
	m := openMatrix(t)
	m.insert(fromPicture)
	m.exec(m.each("INSERT INTO %[1]s SELECT id + 2000 FROM %[1]s UNION ALL SELECT id + 4000 FROM %[1]s"))
	m.boot()
	m.insert(fromInsert)
	m.update(fromUpdate)
	m.settle()

	m.exec(fmt.Sprintf(alteredStyle, session(t, m.dsn).Config().Database))
	m.breakLine()
	m.until("the stream to go on", func(m *memory) bool { return m.resumed > 0 })
	m.insert(fromInsert2)
	m.update(fromUpdate2)
	m.settle()
	first := m.records()
	m.check(first)

	must(t, m.stop())
	m.sink, m.read = newMemory(), 0
	m.boot()
	for at, values := range m.records() {
		if got, want := values.String(), first[at].String(); got != want {
			t.Errorf("%s %d as %s: a picture under other settings has %s, the stream had %s", m.cells[at.cell].pgType.name, at.id, m.cells[at.cell].reading.name, got, want)
		}
	}
}

func openMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{shop: open(t, typeSetup, shopMapping)}
	m.told = session(t, m.dsn)
	run(t, m.told, "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'; SET extra_float_digits = 1")
	for _, extension := range []string{"citext", "hstore"} {
		if pgtest.Ask(t, m.dsn, "SELECT count(*) FROM pg_available_extensions WHERE name = '"+extension+"'") == "1" {
			m.exec("CREATE EXTENSION " + extension)
		}
	}
	for _, p := range typeMatrix() {
		if m.has(p) {
			m.types = append(m.types, p)
		}
	}
	for i, p := range m.types {
		m.exec(fmt.Sprintf("CREATE TABLE %s (id int PRIMARY KEY, v %s)", tableOf(i), p.name))
	}
	m.cfg.Mapping = m.mapping()
	return m
}

func tableOf(i int) string { return fmt.Sprintf("v_%02d", i) }

// has tells whether this server has a type: an extension, and XML, may be missing.
func (m *matrix) has(p pgType) bool {
	m.t.Helper()
	_, err := m.told.Exec(context.Background(), "SELECT $1::text::"+p.name, p.values[0])
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42704" || pg.Code == "0A000") {
		m.t.Logf("without %s: %s", p.name, pg.Message)
		return false
	}
	must(m.t, err)
	return true
}

// mapping maps every type in every way, and leaves out, after reading the reason, what is refused.
func (m *matrix) mapping() *Mapping {
	m.t.Helper()
	var mapping Mapping
	add := func(c cell) int {
		of := map[rxvigil.Kind]*Sources{rxvigil.KindMedicine: &mapping.Medicine, rxvigil.KindLot: &mapping.Lot, rxvigil.KindMovement: &mapping.Movement}[c.kind]
		*of = append(*of, c.source())
		return len(*of) - 1
	}
	paths := map[string]cell{}
	var all []cell
	for _, kind := range rxvigil.Kinds() {
		for i, p := range m.types {
			for _, r := range readings() {
				if r.kind == kind {
					c := cell{p, r, tableOf(i)}
					all = append(all, c)
					paths[fmt.Sprintf("$.mapping.%s[%d]", kind, add(c))] = c
				}
			}
		}
	}
	_, findings, err := Resolve(m.t.Context(), m.told, &mapping)
	must(m.t, err)
	refused := map[cellName]bool{}
	for _, f := range findings {
		c, known := paths[f.Path]
		if !known || !strings.HasPrefix(f.What, `column "v": `) || strings.Count(f.What, " ") < 4 {
			m.t.Fatalf("finding %s %s", f.Path, f)
		}
		refused[c.id()] = true
	}
	mapping = Mapping{}
	for _, c := range all {
		takes := c.reading.kind == rxvigil.KindMedicine || c.reading.field == "number" || c.reading.field == "medicine" || c.extra || strings.Contains(","+c.as+",", ","+c.reading.name+",")
		if takes == refused[c.id()] {
			m.t.Errorf("%s as %s: refused %v", c.pgType.name, c.reading.name, refused[c.id()])
		}
		if !refused[c.id()] {
			add(c)
			m.cells = append(m.cells, c)
		}
	}
	return &mapping
}

type cellName struct{ table, reading string }

func (c *cell) id() cellName { return cellName{c.table, c.reading.name} }

// insert adds a row for each value and one for null.
func (m *matrix) insert(from int) {
	m.t.Helper()
	conn := session(m.t, m.dsn)
	run(m.t, conn, "SET client_encoding = 'UTF8'")
	for i, p := range m.types {
		for n, v := range p.values {
			_, err := conn.Exec(m.t.Context(), fmt.Sprintf("INSERT INTO %s SELECT %d, $1::text::%s", tableOf(i), from+n, p.name), v)
			must(m.t, err)
		}
		run(m.t, conn, fmt.Sprintf("INSERT INTO %s VALUES (%d)", tableOf(i), from+nothing))
	}
}

// update fills rows that were null.
func (m *matrix) update(from int) {
	m.t.Helper()
	m.exec(m.each(fmt.Sprintf("UPDATE %%[1]s SET v = was.v FROM %%[1]s AS was WHERE %%[1]s.id = was.id + %d AND was.id < %d", from, fromInsert)))
}

// each is SQL for every table.
func (m *matrix) each(sql string) string {
	var all []string
	for i := range m.types {
		all = append(all, fmt.Sprintf(sql, tableOf(i)))
	}
	return strings.Join(all, ";")
}

// place is where a record stands: its cell and the id of its row.
type place struct{ cell, id int }

// values are the fields of a record that say something.
type values []rxvigil.Value

func (v values) String() string {
	var all []string
	for _, x := range v {
		all = append(all, fmt.Sprintf("%q", shownWhole(x)))
	}
	return strings.Join(all, " ")
}

func shownWhole(v rxvigil.Value) string {
	if v.IsKnown() {
		return "=" + v.Text()
	}
	return shown(v)
}

// records reads the images: the field that the cell maps, and behind a status the app's own word.
func (m *matrix) records() map[place]values {
	m.t.Helper()
	memory := &Memory{m.reader.resolved}
	out := map[place]values{}
	for key, image := range m.sink.look().images {
		r, err := memory.Record(nil, []byte(key), image)
		must(m.t, err)
		at := place{cell: int(key[1])<<8 | int(key[2])}
		_, err = fmt.Sscan(r.ID, &at.id)
		must(m.t, err)
		i := r.Schema.Index(m.cells[at.cell].field)
		out[at] = values{r.Values[i]}
		if r.Schema.Fields[i].Type == rxvigil.TypeStatus {
			out[at] = append(out[at], r.Values[i+1])
		}
	}
	return out
}

func TestAHashedTextIsNeverKeptInClear(t *testing.T) {
	t.Parallel()
	s := open(t, "CREATE TABLE goods (id int PRIMARY KEY, tenant text); CREATE TABLE lots (id int PRIMARY KEY, medicine int, tenant text); CREATE TABLE people (id int PRIMARY KEY, tenant text, phone text)", `
hash_key: 0123456789abcdef
medicine: {table: goods, key: id, tenant: tenant}
lot: {table: lots, key: id, tenant: tenant, fields: {medicine: medicine}}
patient: {table: people, key: id, tenant: tenant, extra: {phone_hash: {column: phone, hash: true, trim: true}}}`)
	s.boot()
	// printf '+260 97 1' | openssl dgst -sha256 -hmac 0123456789abcdef
	want(t, "one that comes", s.tells("INSERT INTO people VALUES (1, 't', ' +260 97 1')"), "+ patient 1 [t/] phone_hash=09260c1159d9864e05fd288ff90e903e")
	want(t, "the same", s.tells("UPDATE people SET phone = '+260 97 1 '"), "")
	for key, image := range s.sink.look().images {
		if strings.Contains(string(image), "+260") {
			t.Errorf("the image of %q has it in clear: %q", key, image)
		}
	}
	want(t, "none", s.tells("UPDATE people SET phone = NULL"), "~ patient 1 [t/] phone_hash=09260c1159d9864e05fd288ff90e903e>null")
}
