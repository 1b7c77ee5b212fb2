package rxvigil

import (
	"slices"
	"strconv"
	"time"
)

// AppendJSON appends the native envelope, the same on SSE, WebSocket and REST: one line, without a line feed. Personal
// fields are named in "changed" but their values are left out.
func (e *Event) AppendJSON(b []byte) []byte { return e.appendJSON(b, false) }

// AppendClearJSON appends the same with the values of personal fields, for those who may see them.
func (e *Event) AppendClearJSON(b []byte) []byte { return e.appendJSON(b, true) }

// IsPersonal tells whether both differ.
func (e *Event) IsPersonal() bool {
	var c *EntityChange
	switch d := e.Data.(type) {
	case EntityChange:
		c = &d
	case *EntityChange:
		c = d
	default:
		return false
	}
	return c.Record.isPersonal() || c.Before.isPersonal() || linesArePersonal(c.Lines) || linesArePersonal(c.Was)
}

// isPersonal tells whether a personal field has a value.
func (r *Record) isPersonal() bool {
	if r == nil {
		return false
	}
	for i := range r.Values {
		if r.Schema.Fields[i].Personal && !r.Values[i].IsUnknown() {
			return true
		}
	}
	return false
}

func linesArePersonal(lines []Line) bool {
	return slices.ContainsFunc(lines, func(l Line) bool { return l.Record.isPersonal() })
}

func (e *Event) appendJSON(b []byte, plain bool) []byte {
	b = append(b, `{"id":"`...)
	b = e.Pos.Append(b)
	b = append(b, `","type":`...)
	b = appendString(b, string(e.Type))
	b = append(b, `,"topic":"`...)
	b = append(b, e.Type.Topic()...)
	b = append(b, `","tenant":`...)
	b = appendString(b, string(e.Tenant))
	b = append(b, `,"branch":`...)
	if e.Branch == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, string(e.Branch))
	}
	b = append(b, `,"at":"`...)
	b = e.At.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","xid":"`...)
	b = strconv.AppendUint(b, e.XID, 10)
	b = append(b, '"')
	if e.Last {
		b = append(b, `,"last":true`...)
	}
	b = append(b, `,"data":`...)
	b = e.Data.appendData(b, plain)
	return append(b, '}')
}

// DataJSON is the data of an event as its envelope has it.
func DataJSON(d EventData) []byte { return d.appendData(nil, false) }

func (c Custom) appendData(b []byte, _ bool) []byte {
	if len(c.JSON) == 0 {
		return append(b, "{}"...)
	}
	return append(b, c.JSON...)
}

func (c EntityChange) appendData(b []byte, plain bool) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, c.Record.ID)
	b = appendFields(b, c.Record, nil, true, plain)
	if c.Record.Kind() == KindLot {
		b = append(b, `,"medicine_name":`...)
		b = appendString(b, c.Name)
	}
	if k := c.Record.Kind(); k == KindSale || k == KindPrescription {
		b = append(b, `,"lines":`...)
		b = appendLines(b, c.Lines, plain)
	}
	if c.Changed != nil || c.Was != nil {
		b = c.appendDiff(b, plain)
	}
	return append(b, '}')
}

func (c EntityChange) appendDiff(b []byte, plain bool) []byte {
	b = append(b, `,"changed":[`...)
	for i, f := range c.Changed {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, c.Record.Schema.Fields[f].Name)
	}
	if c.Was != nil {
		if len(c.Changed) > 0 {
			b = append(b, ',')
		}
		b = append(b, `"lines"`...)
	}
	b = append(b, `],"before":{`...)
	b = appendDiffSide(b, c.Before, c.Changed, c.Was, c.Was != nil, plain)
	b = append(b, `},"after":{`...)
	b = appendDiffSide(b, c.Record, c.Changed, c.Lines, c.Was != nil, plain)
	return append(b, '}')
}

func appendDiffSide(b []byte, r *Record, changed []int, lines []Line, withLines, plain bool) []byte {
	start := len(b)
	if r != nil && len(changed) > 0 {
		b = appendFields(b, r, changed, false, plain)
	}
	if withLines {
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(b, `"lines":`...)
		b = appendLines(b, lines, plain)
	}
	return b
}

// appendFields appends the known and null fields named by only (nil: all), each led by a comma unless it is the first and
// comma is false. Personal values stay inside unless they are to be clear.
func appendFields(b []byte, r *Record, only []int, comma, plain bool) []byte {
	put := func(i int) {
		f, v := &r.Schema.Fields[i], r.Values[i]
		if f.Personal && !plain || v.IsUnknown() {
			return
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = appendString(b, f.Name)
		b = append(b, ':')
		b = v.AppendJSON(b)
	}
	if only != nil {
		for _, i := range only {
			put(i)
		}
		return b
	}
	for i := range r.Values {
		put(i)
	}
	return b
}

func appendLines(b []byte, lines []Line, plain bool) []byte {
	b = append(b, '[')
	for i, l := range lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = appendString(b, l.Record.ID)
		b = appendFields(b, l.Record, nil, true, plain)
		b = append(b, `,"medicine_name":`...)
		b = appendString(b, l.MedicineName)
		b = append(b, '}')
	}
	return append(b, ']')
}

func (s StockLevel) appendData(b []byte, _ bool) []byte {
	b = append(b, `{"id":`...)
	b = appendString(b, s.Medicine)
	b = append(b, `,"name":`...)
	b = appendString(b, s.MedicineName)
	b = append(b, `,"reorder_level":`...)
	b = s.ReorderLevel.AppendJSON(b)
	b = append(b, ',')
	start := len(b)
	b = s.After.appendJSON(b)
	end := len(b)
	b = append(b, `,"changed":[`...)
	b = s.appendChanged(b)
	b = append(b, `],"before":{`...)
	b = s.Before.appendJSON(b)
	b = append(b, `},"after":{`...)
	b = append(b, b[start:end]...)
	return append(b, "}}"...)
}

func (s StockLevel) appendChanged(b []byte) []byte {
	names := [...]string{`"on_hand"`, `"reserved"`, `"available"`}
	before, after := s.Before.numbers(), s.After.numbers()
	first := true
	for i, name := range names {
		if s.Before != nil && s.After != nil && before[i].Equal(after[i]) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, name...)
	}
	return b
}

func (s *Stock) numbers() [3]Number {
	if s == nil {
		return [3]Number{UnknownNumber, UnknownNumber, UnknownNumber}
	}
	return [3]Number{s.OnHand, s.Reserved, s.Available}
}

// appendJSON appends the three members without braces; no stock at all is three nulls.
func (s *Stock) appendJSON(b []byte) []byte {
	n := s.numbers()
	b = append(b, `"on_hand":`...)
	b = n[0].appendJSON(b)
	b = append(b, `,"reserved":`...)
	b = n[1].appendJSON(b)
	b = append(b, `,"available":`...)
	return n[2].appendJSON(b)
}
