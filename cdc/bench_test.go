package cdc

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// umiRow is the message of an update of the umi target's inventory: uuids, quantities, a date, prices and a stamp.
func umiRow() (*Decoder, []byte, *collector, *plan) {
	spec := &Source{Table: "inventory", Key: Columns{"id"}, Tenant: &Expr{Column: "tenant_id"}, Branch: &Expr{Column: "branch_id"}}
	fields := map[string]*Expr{
		"medicine": {Column: "product_id"}, "number": {Column: "batch_number"}, "expires": {Column: "expiry_date"},
		"on_hand": {Column: "quantity_on_hand"}, "reserved": {Column: "quantity_reserved"}, "cost": {Column: "cost_price"},
	}
	src := &source{kind: rxvigil.KindLot, spec: spec, table: &Table{Schema: "public", Name: "inventory"}, schema: rxvigil.NewSchema(rxvigil.KindLot)}
	for _, f := range src.schema.Fields {
		src.fields = append(src.fields, fields[f.Name])
	}
	const uuid = "0b5b1d4e-53a1-4b40-9e3c-6f2f2c0a6a01"
	relation := wire('R', uint32(7), "public", "inventory", 'd', uint16(11))
	row := wire('U', uint32(7), 'N', uint16(11))
	for _, c := range []struct {
		name  string
		oid   uint32
		value string
	}{
		{"id", 2950, uuid},
		{"tenant_id", 2950, uuid},
		{"branch_id", 2950, uuid},
		{"product_id", 2950, uuid},
		{"quantity_on_hand", oidInt4, "120"},
		{"quantity_reserved", oidInt4, "4"},
		{"batch_number", oidVarchar, "LOT-2026-0042"},
		{"expiry_date", oidDate, "2027-03-31"},
		{"cost_price", oidNumeric, "12.50"},
		{"selling_price", oidNumeric, "18.00"},
		{"last_stock_update", oidTimestamptz, "2026-05-01 08:00:00.123456+00"},
	} {
		key := byte(0)
		if c.name == "id" {
			key = 1
		}
		relation = append(relation, wire(key, c.name, c.oid, ^uint32(0))...)
		row = append(row, text(c.value)...)
	}
	d := &Decoder{}
	f, err := d.Decode(relation)
	if err != nil {
		panic(err)
	}
	p, err := compile(src, f.Relation)
	if err != nil {
		panic(err)
	}
	return d, row, newCollector(newMemory()), p
}

func BenchmarkDecodeRow(b *testing.B) {
	d, row, _, _ := umiRow()
	b.ReportAllocs()
	b.SetBytes(int64(len(row)))
	for b.Loop() {
		if _, err := d.Decode(row); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeAndMap decodes rows and folds each into its touch, as the stream does between begin and commit.
func BenchmarkDecodeAndMap(b *testing.B) {
	d, row, c, p := umiRow()
	id := bytes.Index(row, []byte("0b5b"))
	b.ReportAllocs()
	b.SetBytes(int64(len(row)))
	n := 0
	for b.Loop() {
		if n%1000 == 0 {
			c.reset()
		}
		row[id], row[id+1], row[id+2] = '0'+byte(n%10), '0'+byte(n/10%10), '0'+byte(n/100%10)
		n++
		f, err := d.Decode(row)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.change(p, f); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTransaction is the whole of a transaction of ten rows, netted into changes.
func BenchmarkTransaction(b *testing.B) {
	d, row, c, p := umiRow()
	id := bytes.Index(row, []byte("0b5b"))
	b.ReportAllocs()
	for b.Loop() {
		c.reset()
		for n := range 10 {
			row[id] = '0' + byte(n)
			f, err := d.Decode(row)
			if err != nil {
				b.Fatal(err)
			}
			if err := c.change(p, f); err != nil {
				b.Fatal(err)
			}
		}
		if tx, err := c.finish(rxvigil.Tx{}); err != nil || len(tx.Changes) != 10 {
			b.Fatal(err)
		}
	}
}

func TestDecodingAndMappingARowAllocatesNothing(t *testing.T) {
	d, row, c, p := umiRow()
	image := slices.Clone(row)
	got := testing.AllocsPerRun(1000, func() {
		f, err := d.Decode(image)
		must(t, err)
		must(t, c.change(p, f))
	})
	if got != 0 {
		t.Errorf("%v allocations, want 0", got)
	}
}

// umiSale is what the umi target writes for a sale of three lines: the sale, its lines, and for each of them a lot and a
// movement. What it gives maps such a transaction, another sale each time, and counts its rows.
func umiSale(t testing.TB) func() int {
	t.Helper()
	dsn := pgtest.Database(t)
	pgtest.Load(t, dsn, "../testdata/targets/umi/schema.sql")
	file, err := os.ReadFile("../testdata/mappings/umi.yaml")
	must(t, err)
	var config struct{ Mapping Mapping }
	must(t, yaml.Unmarshal(file, &config))
	r, findings, err := Resolve(t.Context(), session(t, dsn), &config.Mapping)
	if must(t, err); len(findings) > 0 {
		t.Fatal(findings)
	}
	images := newMemory()
	c := newCollector(noKeys{images})
	id := func(n int) string { return fmt.Sprintf("0b5b1d4e-53a1-4b40-9e3c-%012d", n) }
	type row struct {
		plan  *plan
		frame *Frame
	}
	var rows []row
	add := func(table string, kind byte, values map[string]string) {
		for _, s := range r.Sources {
			if s.table.Name == table {
				p, err := compile(s, catalogRelation(s.table))
				must(t, err)
				rows = append(rows, row{p, umiFrame(s.table, kind, values)})
			}
		}
	}
	run := func() *Transaction {
		c.reset()
		for _, row := range rows {
			if err := c.change(row.plan, row.frame); err != nil {
				t.Fatal(err)
			}
			c.row++
		}
		tx, err := c.finish(rxvigil.Tx{})
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	for line := range 3 {
		add("inventory", 'I', map[string]string{"id": id(line), "tenant_id": id(0), "product_id": id(line), "quantity_on_hand": "1000", "expiry_date": "2027-03-31"})
	}
	images.write(run())
	rows = nil
	add("sales", 'I', map[string]string{"id": id(1), "tenant_id": id(0), "branch_id": id(0), "sale_number": "SALE-1", "total_amount": "12.50", "status": "completed", "created_at": "2026-05-01 08:00:00.123456+00"})
	for line := range 3 {
		add("sale_items", 'I', map[string]string{"id": id(line), "sale_id": id(1), "product_id": id(line), "quantity": "4", "unit_price": "3.10"})
		add("inventory", 'U', map[string]string{"id": id(line), "tenant_id": id(0), "product_id": id(line), "quantity_on_hand": "996", "expiry_date": "2027-03-31"})
		add("stock_movements", 'I', map[string]string{"id": id(line), "tenant_id": id(0), "product_id": id(line), "quantity": "4", "movement_type": "out", "created_at": "2026-05-01 08:00:00.123456+00"})
	}
	return func() int {
		if tx := run(); len(tx.Changes) != len(rows) {
			t.Fatalf("%d changes of %d rows", len(tx.Changes), len(rows))
		}
		return len(rows)
	}
}

// noKeys has no index: a new sale has no lines yet.
type noKeys struct{ *memory }

func (noKeys) Keys([]byte, func([]byte) bool) error { return nil }

func umiFrame(t *Table, kind byte, values map[string]string) *Frame {
	f := &Frame{Kind: kind}
	for _, c := range t.Columns {
		if c.Generated {
			continue
		}
		if v, ok := values[c.Name]; ok {
			f.New = append(f.New, Column{State: Text, Data: []byte(v)})
		} else {
			f.New = append(f.New, Column{State: Null})
		}
	}
	return f
}

// BenchmarkMapUmi is the cost of mapping a row of the umi target, from the decoded row to what is handed on.
func BenchmarkMapUmi(b *testing.B) {
	sale := umiSale(b)
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		rows += sale()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/event")
}

func TestMappingAUmiSaleAllocatesOnceAnEventAtMost(t *testing.T) {
	sale := umiSale(t)
	rows := sale()
	if got := testing.AllocsPerRun(200, func() { sale() }) / float64(rows); got > 1 {
		t.Errorf("%v allocations an event, want 1 at most", got)
	}
}
