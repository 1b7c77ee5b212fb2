package cdc

import (
	"fmt"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// oracleTables say how the tables read when they are asked: kind and fields, and the SQL of id, tenant, branch and fields.
var oracleTables = map[rxvigil.Kind]struct {
	fields []string
	sql    string
}{
	rxvigil.KindMedicine: {[]string{"name", "reorder_level", "requires_prescription", "leaflet"}, "id::text, tenant, '', name, level::text, rx::text, leaflet FROM medicines"},
	rxvigil.KindLot:      {[]string{"medicine", "expires", "on_hand", "note"}, "id::text, tenant, '', medicine::text, expires::text, (packs * size)::text, note FROM lots"},
	rxvigil.KindSale:     {[]string{"total", "note"}, "id, tenant, coalesce(branch, ''), total::text, note FROM sales"},
	rxvigil.KindSaleLine: {[]string{"sale", "medicine", "quantity"}, "id::text, '', '', sale, medicine::text, quantity::text FROM sale_items"},
	rxvigil.KindMovement: {[]string{"medicine", "quantity"}, "id::text, tenant, '', medicine::text, quantity::text FROM moves"},
}

// ledger is the contents of the tables: a row's kind and id → its tenant, branch and fields.
type ledger map[string]string

// withoutLines leaves out the lines of sales: one without a sale is kept, and not told.
func (l ledger) withoutLines() ledger {
	rest := maps.Clone(l)
	maps.DeleteFunc(rest, func(id, _ string) bool { return strings.HasPrefix(id, rxvigil.KindSaleLine.String()) })
	return rest
}

// tables reads a database.
func (o *oracle) tables(dsn string) ledger {
	o.t.Helper()
	conn, err := Connect(o.t.Context(), dsn)
	must(o.t, err)
	defer func() { must(o.t, conn.Close(o.t.Context())) }()
	l := ledger{}
	for kind, table := range oracleTables {
		rows, err := conn.Query(o.t.Context(), "SELECT "+table.sql)
		must(o.t, err)
		values := make([]*string, 3+len(table.fields))
		var into []any
		for i := range values {
			into = append(into, &values[i])
		}
		_, err = pgx.ForEachRow(rows, into, func() error {
			row := []string{*values[1], *values[2]}
			for _, v := range values[3:] {
				if v == nil {
					row = append(row, "null")
				} else {
					row = append(row, "="+*v)
				}
			}
			id := kind.String() + " " + *values[0]
			if _, twice := l[id]; twice {
				return fmt.Errorf("%s stands there twice", id)
			}
			l[id] = strings.Join(row, " ")
			return nil
		})
		must(o.t, err)
	}
	return l
}

// kept reads the images.
func (o *oracle) kept() ledger {
	o.t.Helper()
	m := &Memory{o.reader.resolved}
	l := ledger{}
	for key, image := range o.sink.look().images {
		if key[0] != 'i' {
			continue
		}
		r, err := m.Record(nil, []byte(key), image)
		must(o.t, err)
		l[r.Kind().String()+" "+r.ID] = entry(r)
	}
	return l
}

// entry is a record as a row of the ledger.
func entry(r *rxvigil.Record) string {
	return strings.Join(append([]string{string(r.Tenant), string(r.Branch)}, valuesIn(r, oracleTables[r.Kind()].fields)...), " ")
}

// valuesIn are the named values of a record, so that unknown, null and empty differ.
func valuesIn(r *rxvigil.Record, names []string) []string {
	var row []string
	for _, name := range names {
		switch v := r.Values[r.Schema.Index(name)]; {
		case v.IsUnknown():
			row = append(row, "unknown")
		case v.IsNull():
			row = append(row, "null")
		default:
			row = append(row, "="+v.Text())
		}
	}
	return row
}
