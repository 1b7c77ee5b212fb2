package cases

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil"
)

const tenant = rxvigil.Tenant("pharmacy")

// world is the pharmacy of one case: its rows as they were last, by kind and id.
type world struct {
	zone  *time.Location
	now   time.Time
	rows  map[string]*rxvigil.Record
	lines map[string][]*rxvigil.Record // of documents
}

// lineKinds are the kinds of the lines of a document.
var lineKinds = map[rxvigil.Kind]rxvigil.Kind{ //nolint:gochecknoglobals // never written
	rxvigil.KindSale: rxvigil.KindSaleLine, rxvigil.KindPrescription: rxvigil.KindPrescriptionLine,
}

// write is what an item says: the change of one row, with its lines.
func (w *world) write(row int, item yaml.MapSlice) (c rxvigil.Change, err error) {
	kind, id, rest, err := head(item)
	if err != nil {
		return c, err
	}
	key := kind.String() + " " + id
	c = rxvigil.Change{Row: uint32(row), Before: w.rows[key]}
	after, said, err := w.record(kind, id, c.Before, rest)
	if err != nil {
		return c, fmt.Errorf("%s: %w", key, err)
	}
	if lineKind, ok := lineKinds[kind]; ok {
		c.Was, c.Lines = w.lines[key], w.lines[key]
		if said != nil {
			if c.Lines, err = w.linesOf(lineKind, after, said); err != nil {
				return c, fmt.Errorf("%s: %w", key, err)
			}
		} else {
			c.Was = nil // they did not change
		}
		w.lines[key] = c.Lines
	} else if said != nil {
		return c, fmt.Errorf("%s: only a sale and a prescription have lines", key)
	}
	if after == nil {
		delete(w.rows, key)
		return c, nil
	}
	c.After, w.rows[key] = after, after
	return c, nil
}

// head is what an item is about: its first key is the kind, with the id.
func head(item yaml.MapSlice) (kind rxvigil.Kind, id string, rest yaml.MapSlice, err error) {
	if len(item) == 0 {
		return 0, "", nil, fmt.Errorf("an item begins with what it is, such as medicine: PCM500")
	}
	name := fmt.Sprint(item[0].Key)
	kinds := []string{}
	for _, k := range rxvigil.Kinds() {
		if k == rxvigil.KindSaleLine || k == rxvigil.KindPrescriptionLine || k == rxvigil.KindTenant {
			continue
		}
		if kinds = append(kinds, k.String()); k.String() == name {
			kind = k
		}
	}
	if kind == 0 {
		return 0, "", nil, fmt.Errorf("%q is none of %s: the first word of an item says what it is", name, strings.Join(kinds, ", "))
	}
	if id = fmt.Sprint(item[0].Value); item[0].Value == nil || id == "" {
		return 0, "", nil, fmt.Errorf("a %s needs an id", name)
	}
	return kind, id, item[1:], nil
}

// record lays what is said over the image before; nil where the row is gone.
func (w *world) record(kind rxvigil.Kind, id string, before *rxvigil.Record, said yaml.MapSlice) (r *rxvigil.Record, lines []any, err error) {
	schema := rxvigil.NewSchema(kind)
	r = &rxvigil.Record{Schema: schema, ID: id, Tenant: tenant, Values: make([]rxvigil.Value, len(schema.Fields))}
	if before != nil {
		r.Branch, r.Gone = before.Branch, before.Gone
		copy(r.Values, before.Values)
	}
	for _, s := range said {
		name := fmt.Sprint(s.Key)
		switch name {
		case "branch":
			r.Branch = rxvigil.Branch(fmt.Sprint(s.Value))
			continue
		case "gone":
			if s.Value == true {
				return nil, nil, nil
			}
			continue
		case "lines":
			all, ok := s.Value.([]any)
			if !ok {
				return nil, nil, fmt.Errorf("lines are a list")
			}
			lines = slices.Concat([]any{}, all)
			continue
		}
		i := schema.Index(name)
		if i < 0 {
			return nil, nil, fmt.Errorf("a %s has no field %q: there are %s", kind, name, strings.Join(fieldsOf(schema), ", "))
		}
		if r.Values[i], err = w.value(schema.Fields[i], s.Value); err != nil {
			return nil, nil, err
		}
	}
	return r, lines, nil
}

func fieldsOf(s *rxvigil.Schema) (names []string) {
	for _, f := range s.Fields {
		names = append(names, f.Name)
	}
	return append(names, "branch", "gone")
}

// linesOf are the lines of a document, each with an id of its own.
func (w *world) linesOf(kind rxvigil.Kind, document *rxvigil.Record, said []any) (lines []*rxvigil.Record, err error) {
	for i, one := range said {
		fields, err := sliceOf(one)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		id := ""
		if j := slices.IndexFunc(fields, func(s yaml.MapItem) bool { return s.Key == "line" }); j >= 0 {
			id, fields = fmt.Sprint(fields[j].Value), slices.Delete(slices.Clone(fields), j, j+1)
		}
		if id == "" {
			id = fmt.Sprint("line ", i+1)
			if document != nil {
				id = fmt.Sprint(document.ID, "-", i+1)
			}
		}
		line, _, err := w.record(kind, id, nil, fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		if document != nil {
			line.Branch, line.Values[0] = document.Branch, rxvigil.ValueOf(rxvigil.TypeRef, document.ID)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// sliceOf is a mapping as YAML gives it, in no order where that is lost.
func sliceOf(v any) (yaml.MapSlice, error) {
	switch v := v.(type) {
	case yaml.MapSlice:
		return v, nil
	case map[string]any:
		var out yaml.MapSlice
		for key, value := range v {
			out = append(out, yaml.MapItem{Key: key, Value: value})
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v is no list of fields, such as {medicine: PCM500, quantity: 2}", v)
}

// value reads a field. Days may be today, today+30, today-3; instants now, now-2h, or a local time.
func (w *world) value(f rxvigil.Field, said any) (rxvigil.Value, error) {
	if said == nil {
		return rxvigil.Null(f.Type), nil
	}
	text := fmt.Sprint(said)
	wrong := func(wanted string) (rxvigil.Value, error) {
		return rxvigil.Value{}, fmt.Errorf("%s: %q is no %s", f.Name, text, wanted)
	}
	switch f.Type {
	case rxvigil.TypeNumber:
		n, err := rxvigil.ParseNumber(text)
		if err != nil {
			return wrong("number")
		}
		return rxvigil.NumberValue(n), nil
	case rxvigil.TypeTruth:
		if text != "true" && text != "false" {
			return wrong("truth: true or false")
		}
	case rxvigil.TypeDay:
		day, ok := w.day(text)
		if !ok {
			return wrong("day: 2026-11-27, today, today+30 or infinity")
		}
		text = day
	case rxvigil.TypeInstant:
		at, err := w.instant(text)
		if err != nil {
			return wrong("time: 2026-11-27 10:00, now or now-2h")
		}
		text = at.UTC().Format(time.RFC3339Nano)
	case rxvigil.TypeText, rxvigil.TypeStatus, rxvigil.TypeRef:
	}
	return rxvigil.ValueOf(f.Type, text), nil
}

func (w *world) day(text string) (string, bool) {
	if rest, ok := strings.CutPrefix(text, "today"); ok {
		days := 0
		if rest != "" {
			var err error
			if days, err = strconv.Atoi(strings.ReplaceAll(rest, " ", "")); err != nil {
				return "", false
			}
		}
		return (rxvigil.DayOf(w.now, w.zone) + rxvigil.Day(days)).String(), true
	}
	day, err := rxvigil.ParseDay(text)
	return day.String(), err == nil
}

// instant reads a time by the pharmacy's clock, or from now on.
func (w *world) instant(text string) (time.Time, error) {
	if rest, ok := strings.CutPrefix(text, "now"); ok {
		if rest == "" {
			return w.now, nil
		}
		d, err := span(rest)
		return w.now.Add(d), err
	}
	if rest, ok := strings.CutPrefix(text, "+"); ok {
		d, err := span(rest)
		return w.now.Add(d), err
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"} {
		if at, err := time.ParseInLocation(layout, text, w.zone); err == nil {
			return at, nil
		}
	}
	return time.Parse(time.RFC3339, text)
}

// span reads a duration; 3d is 72 hours.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(strings.TrimPrefix(days, "+"))
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}
