package propose

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Database is what a proposal is made of: the catalog, and some values.
type Database struct {
	Name   string
	Zone   string // the server's time zone
	tables []*table
}

type table struct {
	oid         uint32
	schema      string
	name        string
	words       []string
	rows        int64 // about; -1: nobody knows
	partitioned bool
	readable    bool
	shown       string // what a mapping calls it, where that stands for the tables of several schemas; else empty
	columns     []*column
	key         []string        // the primary key
	unique      map[string]bool // columns that are unique alone
	referredBy  int
}

// class is what kind of values a column has, as far as a guess goes by it.
type class uint8

const (
	other class = iota
	text
	number
	day
	instant
	naive // a timestamp without zone
	truth
	document // json
)

type column struct {
	table     *table
	name      string
	words     []string
	typeName  string
	class     class
	generated bool
	optional  bool
	labels    []string // what an enum or a check constraint allows
	refers    *reference
	values    []value // what is in it, where there is little of it and it is not personal
	filled    float64 // share of rows that have a value, in the sample; -1: unknown
	negative  bool    // the sample has negative numbers
	personal  bool
}

// value is one value of a column and how often the sample has it.
type value struct {
	text string
	rows int
}

func (t *table) column(name string) *column {
	for _, c := range t.columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

// String is the name as a mapping writes it.
func (t *table) String() string {
	if t.shown != "" {
		return t.shown
	}
	if t.schema == "public" {
		return t.name
	}
	return t.schema + "." + t.name
}

const tablesSQL = `
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', c.reltuples::bigint,
       has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'rxvigil')
ORDER BY n.nspname <> 'public', 2, 3`

const columnsSQL = `
SELECT a.attrelid, a.attname, format_type(t.oid, NULL), t.typcategory::text, a.attgenerated <> '', NOT a.attnotnull,
       ARRAY(SELECT enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY enumsortorder)
FROM pg_attribute a
JOIN pg_type d ON d.oid = a.atttypid
JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

const keysSQL = `
SELECT i.indrelid, i.indisprimary, ARRAY(
           SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (n, at)
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n ORDER BY k.at)
FROM pg_index i
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indimmediate`

const foreignKeysSQL = `
SELECT c.conrelid, a.attname, c.confrelid, f.attname
FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = c.confkey[1]
WHERE c.conrelid = ANY ($1::oid[]) AND c.contype = 'f' AND cardinality(c.conkey) = 1
ORDER BY c.oid`

// checksSQL waits for a lock: the server opens the table to write a constraint down.
const checksSQL = `
SELECT a.attname, pg_get_constraintdef(c.oid)
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.conrelid = $1 AND c.contype = 'c' AND cardinality(c.conkey) = 1
ORDER BY c.oid`

// Read looks at a database: one read-only transaction that gives up rather than wait for a lock, and reads no more than
// some hundred rows of a table.
func Read(ctx context.Context, conn *pgx.Conn) (*Database, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("look at the database: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // read only
	r := &reading{tx: tx, db: &Database{}, byOID: map[uint32]*table{}}
	for _, read := range []func(context.Context) error{r.settings, r.tables, r.columns, r.keys, r.foreignKeys} {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("look at the database: %w", err)
		}
	}
	if err := r.samples(ctx); err != nil {
		return nil, fmt.Errorf("look at some rows: %w", err)
	}
	return r.db, nil
}

type reading struct {
	tx    pgx.Tx
	db    *Database
	byOID map[uint32]*table
	oids  []uint32
}

func (r *reading) settings(ctx context.Context) error {
	if _, err := r.tx.Exec(ctx, "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '15s'"); err != nil {
		return err
	}
	return r.tx.QueryRow(ctx, "SELECT current_database(), current_setting('timezone')").Scan(&r.db.Name, &r.db.Zone)
}

func (r *reading) tables(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, tablesSQL)
	if err != nil {
		return err
	}
	t := &table{}
	_, err = pgx.ForEachRow(rows, []any{&t.oid, &t.schema, &t.name, &t.partitioned, &t.rows, &t.readable}, func() error {
		found := *t
		found.words, found.unique = wordsOf(t.name), map[string]bool{}
		r.db.tables = append(r.db.tables, &found)
		r.byOID[t.oid], r.oids = &found, append(r.oids, t.oid)
		return nil
	})
	return err
}

func (r *reading) columns(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, columnsSQL, r.oids)
	if err != nil {
		return err
	}
	var oid uint32
	var category string
	c := &column{}
	_, err = pgx.ForEachRow(rows, []any{&oid, &c.name, &c.typeName, &category, &c.generated, &c.optional, &c.labels}, func() error {
		found := *c
		found.table, found.filled = r.byOID[oid], -1
		found.words = wordsOf(c.name)
		found.class = classOf(c.typeName, category)
		found.labels = slices.Clone(c.labels)
		found.personal = fit(without(found.words, found.table.words), personalTerms()) >= 0.6 || fit(found.words, personalTerms()) >= 0.6
		found.table.columns = append(found.table.columns, &found)
		return nil
	})
	return err
}

func classOf(typeName, category string) class {
	switch {
	case strings.HasPrefix(typeName, "date"):
		return day
	case typeName == "timestamp with time zone":
		return instant
	case typeName == "timestamp without time zone":
		return naive
	case typeName == "json", typeName == "jsonb":
		return document
	case category == "N" && typeName != "oid" && typeName != "money":
		return number
	case category == "B":
		return truth
	case category == "S", category == "E", typeName == "uuid":
		return text
	}
	return other
}

func (r *reading) keys(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, keysSQL, r.oids)
	if err != nil {
		return err
	}
	var oid uint32
	var primary bool
	var names []string
	_, err = pgx.ForEachRow(rows, []any{&oid, &primary, &names}, func() error {
		t := r.byOID[oid]
		if primary {
			t.key = slices.Clone(names)
		}
		if len(names) == 1 {
			t.unique[names[0]] = true
		}
		return nil
	})
	return err
}

// literal finds the words that a check constraint allows.
var literal = regexp.MustCompile(`'((?:[^']|'')*)'`)

func (r *reading) foreignKeys(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, foreignKeysSQL, r.oids)
	if err != nil {
		return err
	}
	var oid, other uint32
	var name, otherName string
	_, err = pgx.ForEachRow(rows, []any{&oid, &name, &other, &otherName}, func() error {
		if c, to := r.byOID[oid].column(name), r.byOID[other]; c != nil && to != nil {
			c.refers = &reference{to: to, column: otherName, declared: true}
			to.referredBy++
		}
		return nil
	})
	return err
}

// checks reads the words that check constraints allow.
func (r *reading) checks(ctx context.Context, t *table) error {
	return r.careful(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, checksSQL, t.oid)
		if err != nil {
			return err
		}
		var name, definition string
		_, err = pgx.ForEachRow(rows, []any{&name, &definition}, func() error {
			if c := t.column(name); c != nil && c.class == text && len(c.labels) == 0 {
				for _, m := range literal.FindAllStringSubmatch(definition, -1) {
					c.labels = append(c.labels, strings.ReplaceAll(m[1], "''", "'"))
				}
			}
			return nil
		})
		return err
	})
}
