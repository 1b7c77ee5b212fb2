package cdc

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// check holds every value against what the server itself says of it, and the faults against the values that we cannot count
// with.
func (m *matrix) check(records map[place]values) {
	m.t.Helper()
	want := map[string]int{}
	for i := range m.cells {
		c := &m.cells[i]
		for n := range c.values {
			got := m.one(records, i, n)
			raw := m.ask(fmt.Sprintf("SELECT format('%%s', v) FROM %s WHERE id = %d", c.table, n))
			if !m.right(c, n, got, raw) {
				want[c.table+" "+faultOf(c)] += 5
			}
		}
		if got := m.one(records, i, nothing); !got[0].IsNull() {
			m.t.Errorf("a null %s as %s is %s", c.pgType.name, c.reading.name, got)
		}
	}
	got := map[string]int{}
	for _, f := range m.sink.look().faults {
		reason := strings.Replace(f.Reason, "bad_day", "bad_time", 1)
		if f.Column != "v" || !slices.ContainsFunc(readings(), func(r reading) bool { return r.name == string(f.Tenant) }) {
			m.t.Errorf("fault %+v", f)
		}
		got[strings.TrimPrefix(f.Table, "public.")+" "+reason]++
	}
	for _, all := range []map[string]int{want, got} {
		for what := range all {
			if got[what] != want[what] {
				m.t.Errorf("%s: %d faults, want %d", what, got[what], want[what])
			}
			delete(want, what)
			delete(got, what)
		}
	}
}

// one gives a value that must be the same on all five ways.
func (m *matrix) one(records map[place]values, cell, n int) values {
	m.t.Helper()
	first := records[place{cell, n}]
	for _, from := range []int{fromInsert, fromUpdate, fromInsert2, fromUpdate2} {
		if again := records[place{cell, from + n}]; again.String() != first.String() || len(again) == 0 {
			m.t.Errorf("%s %d as %s: %s in the picture, %s in row %d", m.cells[cell].pgType.name, n, m.cells[cell].reading.name, first, again, from+n)
		}
	}
	return first
}

// kindOf is the type that a cell's field has.
func (m *matrix) kindOf(v rxvigil.Value, c *cell) rxvigil.FieldType {
	if !v.IsUnknown() {
		return v.Type()
	}
	return map[string]rxvigil.FieldType{
		"number": rxvigil.TypeNumber, "day": rxvigil.TypeDay, "zoned day": rxvigil.TypeDay, "truth": rxvigil.TypeTruth,
		"instant": rxvigil.TypeInstant, "zoned instant": rxvigil.TypeInstant,
	}[c.reading.name]
}

// right tells whether a value is one we can count with, and fails unless it is then what the server says, and else the
// server's own text, or unknown where that is no text of the type at all.
func (m *matrix) right(c *cell, n int, got values, raw string) bool {
	m.t.Helper()
	value, text := got[0], got[0].Text()
	countable, question := false, ""
	switch m.kindOf(value, c) {
	case rxvigil.TypeText, rxvigil.TypeRef:
		if shownWhole(value) != "="+raw {
			m.t.Errorf("%s %q as %s is %s", c.pgType.name, raw, c.reading.name, got)
		}
		return true
	case rxvigil.TypeStatus:
		if text != "unknown" || shownWhole(got[1]) != "="+raw {
			m.t.Errorf("%s %q as %s is %s", c.pgType.name, raw, c.reading.name, got)
		}
		return false
	case rxvigil.TypeNumber:
		_, err := rxvigil.ParseNumber(text)
		countable, question = err == nil, "btrim(format('%s', v))::numeric = $1::text::numeric"
		if countable { // and counted: a sum knows no other digits
			text = value.Number().String()
		}
	case rxvigil.TypeDay:
		_, known := value.Day()
		countable, question = known, "$1::text = "+m.dayOf(c)+"::text"
	case rxvigil.TypeInstant:
		at, err := time.Parse(time.RFC3339Nano, text)
		countable = err == nil && at.Year() >= 1 || strings.HasSuffix(text, "infinity")
		question = "$1::text::timestamptz = " + map[bool]string{true: "v AT TIME ZONE '" + c.zone + "'", false: "v"}[strings.Contains(c.as, "zoned") && !strings.Contains(c.as, ",instant")]
	case rxvigil.TypeTruth:
		countable, question = value.IsKnown(), "$1::text::bool = lower(btrim(format('%s', v)))::bool"
	}
	switch {
	case value.IsKnown() && countable:
		if m.ask(fmt.Sprintf("SELECT %s FROM %s WHERE id = %d", question, c.table, n), text) != "true" {
			m.t.Errorf("%s %q as %s is %s, and the server says otherwise", c.pgType.name, raw, c.reading.name, got)
		}
		return true
	case value.IsKnown() && text != raw, value.IsNull():
		m.t.Errorf("%s %q as %s is %s", c.pgType.name, raw, c.reading.name, got)
	case value.IsUnknown() && !strings.Contains(c.as, likeText) && m.kindOf(value, c) != rxvigil.TypeTruth:
		m.t.Errorf("%s %q as %s is unknown, although its text is exact", c.pgType.name, raw, c.reading.name)
	}
	return false
}

// dayOf is SQL for the day that a cell means.
func (m *matrix) dayOf(c *cell) string {
	switch {
	case c.as == likeTimeZ:
		return "(v AT TIME ZONE '" + c.zone + "')::date"
	case c.as == likeTime:
		return "(v AT TIME ZONE 'UTC' AT TIME ZONE '" + c.zone + "')::date"
	}
	return "btrim(format('%s', v))::date"
}

// ask gives one value as text; an error of the server is its answer.
func (m *matrix) ask(sql string, args ...any) string {
	m.t.Helper()
	var text *string
	if err := m.told.QueryRow(m.t.Context(), "SELECT a::text FROM ("+sql+") AS q (a)", args...).Scan(&text); err != nil {
		return err.Error()
	}
	if text == nil {
		return "null"
	}
	return *text
}

// faultOf is the reason that a value of a cell is said to be none.
func faultOf(c *cell) string {
	switch c.reading.name {
	case "status":
		return "unknown_status"
	case "number":
		return "bad_number"
	case "truth":
		return "bad_truth"
	case "extra":
		if strings.Contains(c.as, "number") {
			return "bad_number"
		}
	}
	return "bad_time"
}
