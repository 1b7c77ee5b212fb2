package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// shop is an app in miniature: it writes transactions to an engine and remembers the rows.
type shop struct {
	t      *testing.T
	engine *Engine
	rows   map[string]*rxvigil.Record
	lsn    uint64
	at     time.Time
	log    []Input
}

func setup(t *testing.T) *shop {
	t.Helper()
	return setupAt(t, Config{Pack: DefaultPack()}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
}

func setupAt(t *testing.T, c Config, at time.Time) *shop {
	t.Helper()
	e, err := NewEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{t: t, engine: e, rows: map[string]*rxvigil.Record{}, lsn: 1000, at: at}
}

// commit sends rows as one transaction; the shop nets them against what it remembers.
func (s *shop) commit(records ...*rxvigil.Record) Outcome {
	s.t.Helper()
	return s.send(Input{Changes: s.net(records...)})
}

func (s *shop) net(records ...*rxvigil.Record) []rxvigil.Change {
	var changes []rxvigil.Change
	for i, r := range records {
		changes = append(changes, s.write(uint32(i), r))
	}
	return changes
}

func (s *shop) write(row uint32, r *rxvigil.Record) rxvigil.Change {
	key := r.Kind().String() + "/" + r.ID
	c := rxvigil.Change{Row: row, Before: s.rows[key], After: r}
	s.rows[key] = r
	return c
}

// remove deletes rows that were written before, by kind and id.
func (s *shop) remove(keys ...string) []rxvigil.Change {
	var changes []rxvigil.Change
	for i, key := range keys {
		changes = append(changes, rxvigil.Change{Row: uint32(i), Before: s.rows[key]})
		delete(s.rows, key)
	}
	return changes
}

func (s *shop) send(in Input) Outcome {
	s.t.Helper()
	s.lsn += 8
	s.at = s.at.Add(time.Second)
	in.Tx = rxvigil.Tx{LSN: s.lsn, XID: s.lsn, At: s.at}
	s.log = append(s.log, in)
	return s.engine.Commit(in)
}

func (s *shop) today() rxvigil.Day { return rxvigil.DayOf(s.at, time.UTC) }

// record makes a record of tenant "t": fields are given as "name=value", "name=null"; the others are unknown.
func record(k rxvigil.Kind, id, branch string, fields ...string) *rxvigil.Record {
	schema := rxvigil.NewSchema(k)
	r := &rxvigil.Record{Schema: schema, ID: id, Tenant: "t", Branch: rxvigil.Branch(branch), Values: make([]rxvigil.Value, len(schema.Fields))}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, "=")
		i := schema.Index(name)
		r.Values[i] = rxvigil.ValueOf(schema.Fields[i].Type, value)
		if value == "null" {
			r.Values[i] = rxvigil.Null(schema.Fields[i].Type)
		}
	}
	return r
}

func aMedicine(id, name string, level int) *rxvigil.Record {
	return record(rxvigil.KindMedicine, id, "", "name="+name, fmt.Sprintf("reorder_level=%d", level))
}

func aLot(id, branch, medicine string, fields ...string) *rxvigil.Record {
	return record(rxvigil.KindLot, id, branch, append([]string{"medicine=" + medicine, "number=" + id}, fields...)...)
}

func aMovement(id, branch, medicine, quantity string) *rxvigil.Record {
	return record(rxvigil.KindMovement, id, branch, "medicine="+medicine, "quantity="+quantity)
}

func in(tenant rxvigil.Tenant, r *rxvigil.Record) *rxvigil.Record {
	r.Tenant = tenant
	return r
}

// told renders transitions as a pharmacist would read them: RAISED low_stock warning low Amoxicillin available 38, min 40.
func told(out Outcome) []string {
	var lines []string
	for _, tr := range out.Transitions {
		lines = append(lines, toldOne(tr))
	}
	return lines
}

func toldOne(tr Transition) string {
	a := tr.Alert
	event := strings.ToUpper(strings.TrimPrefix(string(tr.Event), "alert_"))
	subject := strings.Trim(string(a.Branch)+" / "+a.Subject.Name+" / "+a.Subject.Lot, " /")
	var text strings.Builder
	text.WriteString(fmt.Sprintf("%s %s %s %s %s", event, a.Rule, a.Severity, a.Rung, subject))
	for _, name := range []string{"available", "min", "days", "quantity", "ledger", "drift", "lots", "reason"} {
		if v := a.Values.Get(name); v.IsKnown() {
			text.WriteString(" " + name + " " + v.Text())
		}
	}
	if tr.Note != "" {
		text.WriteString(" (" + tr.Note + ")")
	}
	return text.String()
}

func stocks(out Outcome) []string {
	var lines []string
	for _, s := range out.Stock {
		lines = append(lines, fmt.Sprintf("%s/%s %s → %s", s.Branch, s.Level.Medicine, saysStock(s.Level.Before), saysStock(s.Level.After)))
	}
	return lines
}

func saysStock(s *rxvigil.Stock) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%s %s %s", s.OnHand, s.Reserved, s.Available)
}
