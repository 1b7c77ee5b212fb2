package cdc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Table is a table of the app as the catalog describes it.
type Table struct {
	OID          uint32
	Schema, Name string
	Partitioned  bool
	Identity     byte // pg_class.relreplident: d default, i index, f full, n nothing
	HasKey       bool // a primary key exists
	RowSecurity  bool // row-level security would hide rows from our role
	Reachable    bool // our role may use its schema
	Readable     bool // our role may SELECT
	Owned        bool // our role may publish it
	Owner        string
	Columns      []TableColumn
	Leaves       []uint32          // its partitions that hold rows; itself when it is not partitioned
	Blank        []string          // partitions without a usable replica identity: each has its own
	Primary      []string          // columns of its primary key
	Unique       []string          // columns that are unique by themselves
	Foreign      map[string]uint32 // the tables to which foreign keys of one column lead
}

// TableColumn is a column of a Table.
type TableColumn struct {
	Name      string
	Type      uint32 // domains are given as their base type
	TypeName  string
	Generated bool
	Identity  bool // part of the replica identity
}

// String is the qualified name.
func (t *Table) String() string { return t.Schema + "." + t.Name }

// Quoted is the qualified name as SQL needs it.
func (t *Table) Quoted() string { return pgx.Identifier{t.Schema, t.Name}.Sanitize() }

func (t *Table) column(name string) *TableColumn {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

func (t *Table) columnNames() []string {
	var names []string
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// identified tells whether updates and deletes of a published table carry enough to know the row.
func (t *Table) identified() bool {
	switch t.Identity {
	case 'f', 'i':
		return true
	case 'd':
		return t.HasKey
	}
	return false
}

const tablesSQL = `
SELECT c.oid, n.nspname, c.relname, c.relkind = 'p', c.relreplident::text,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate),
       c.relrowsecurity AND row_security_active(c.oid),
       has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'),
       pg_has_role(c.relowner, 'USAGE'), pg_get_userbyid(c.relowner)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'rxvigil')
ORDER BY 2, 3`

const columnsSQL = `
SELECT a.attrelid, a.attname, CASE WHEN t.typtype = 'd' THEN (
           WITH RECURSIVE base AS (
               SELECT t.typbasetype AS oid UNION ALL SELECT d.typbasetype FROM base JOIN pg_type d ON d.oid = base.oid WHERE d.typtype = 'd'
           ) SELECT base.oid FROM base JOIN pg_type b ON b.oid = base.oid WHERE b.typtype <> 'd'
       ) ELSE t.oid END,
       format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
       coalesce(a.attnum = ANY (i.indkey::int2[]), c.relreplident = 'f')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

const leavesSQL = treeSQL + `
SELECT tree.root, c.oid, c.oid::regclass::text,
       c.relreplident NOT IN ('i', 'f') AND
       NOT (c.relreplident = 'd' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate))
FROM tree JOIN pg_class c ON c.oid = tree.oid AND c.relkind = 'r'
ORDER BY 1, 2`

// readCatalog lists the app's tables, with columns and partitions.
func readCatalog(ctx context.Context, conn *pgx.Conn) ([]*Table, error) {
	rows, err := conn.Query(ctx, tablesSQL)
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Table, error) {
		t, identity := &Table{}, ""
		err := row.Scan(&t.OID, &t.Schema, &t.Name, &t.Partitioned, &identity, &t.HasKey, &t.RowSecurity, &t.Reachable, &t.Readable, &t.Owned, &t.Owner)
		if identity != "" {
			t.Identity = identity[0]
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	if err := readColumns(ctx, conn, tables); err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	return tables, nil
}

func readColumns(ctx context.Context, conn *pgx.Conn, tables []*Table) error {
	byOID := map[uint32]*Table{}
	var oids, roots []uint32
	for _, t := range tables {
		byOID[t.OID] = t
		oids = append(oids, t.OID)
		if t.Partitioned {
			roots = append(roots, t.OID)
		} else {
			t.Leaves = []uint32{t.OID}
		}
	}
	rows, err := conn.Query(ctx, columnsSQL, oids)
	if err != nil {
		return err
	}
	var oid uint32
	var c TableColumn
	if _, err = pgx.ForEachRow(rows, []any{&oid, &c.Name, &c.Type, &c.TypeName, &c.Generated, &c.Identity}, func() error {
		byOID[oid].Columns = append(byOID[oid].Columns, c)
		return nil
	}); err != nil {
		return err
	}
	if err := readKeys(ctx, conn, byOID, oids); err != nil {
		return err
	}
	return readLeaves(ctx, conn, byOID, roots)
}

const keysSQL = `
SELECT i.indrelid, i.indisprimary, ARRAY(
    SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE place <= i.indnkeyatts ORDER BY place)
FROM pg_index i
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indrelid, i.indexrelid`

func readKeys(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*Table, oids []uint32) error {
	rows, err := conn.Query(ctx, keysSQL, oids)
	if err != nil {
		return err
	}
	var oid uint32
	var primary bool
	var names []string
	_, err = pgx.ForEachRow(rows, []any{&oid, &primary, &names}, func() error {
		t := byOID[oid]
		if primary {
			t.Primary = slices.Clone(names)
		}
		if len(names) == 1 && !slices.Contains(t.Unique, names[0]) {
			t.Unique = append(t.Unique, names[0])
		}
		return nil
	})
	if err != nil {
		return err
	}
	return readForeign(ctx, conn, byOID, oids)
}

const foreignSQL = `
SELECT f.conrelid, a.attname::text, f.confrelid FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
WHERE f.contype = 'f' AND cardinality(f.conkey) = 1 AND f.conrelid = ANY ($1::oid[]) ORDER BY f.oid`

func readForeign(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*Table, oids []uint32) error {
	rows, err := conn.Query(ctx, foreignSQL, oids)
	if err != nil {
		return err
	}
	var oid, to uint32
	var column string
	_, err = pgx.ForEachRow(rows, []any{&oid, &column, &to}, func() error {
		t := byOID[oid]
		if t.Foreign == nil {
			t.Foreign = map[string]uint32{}
		}
		t.Foreign[column] = to
		return nil
	})
	return err
}

func readLeaves(ctx context.Context, conn *pgx.Conn, byOID map[uint32]*Table, roots []uint32) error {
	if len(roots) == 0 {
		return nil
	}
	rows, err := conn.Query(ctx, leavesSQL, roots)
	if err != nil {
		return err
	}
	var root, leaf uint32
	var name string
	var blank bool
	_, err = pgx.ForEachRow(rows, []any{&root, &leaf, &name, &blank}, func() error {
		t := byOID[root]
		t.Leaves = append(t.Leaves, leaf)
		if blank {
			t.Blank = append(t.Blank, name)
		}
		return nil
	})
	return err
}

// find looks a table up by the name a mapping gives it: qualified, or in the public schema.
func find(tables []*Table, name string) *Table {
	for _, t := range tables {
		if t.named(name) {
			return t
		}
	}
	return nil
}

// named tells whether a mapping means the table by a name.
func (t *Table) named(name string) bool {
	name = unquoteName(name)
	return t.String() == name || t.Schema == "public" && t.Name == name
}

func tableNames(tables []*Table) []string {
	var names []string
	for _, t := range tables {
		if t.Schema == "public" {
			names = append(names, t.Name)
		}
		names = append(names, t.String())
	}
	return names
}

// unquoteName lets a mapping write "public"."Sale" where it likes.
func unquoteName(name string) string { return strings.ReplaceAll(name, `"`, "") }
