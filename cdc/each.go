package cdc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A row may hold its lines in a list of its own, in a json column. Such a row is kept as a whole, by a source that tells nothing; when
// the transaction is netted its list is unfolded, and the entities, which have no rows of their own, are its elements.

// list checks the column that holds a list.
func (r *resolver) list(s *source) {
	spec := s.spec
	if spec.Each == "" {
		if spec.Element != "" {
			r.fail(s.path+".element", "element: tells the elements of a list from one another, and there is none", "add each: with the column that holds the list")
		}
		return
	}
	if spec.Newest != "" {
		r.fail(s.path+".each", "each: takes every element of every row, and newest: one row", "leave one of them out")
	}
	r.column(s.table, s.path+".each", spec.Each)
	if c := s.table.column(spec.Each); c != nil && c.Type != oidJSON && c.Type != oidJSONB {
		r.fail(s.path+".each", fmt.Sprintf("column %q is %s, and no json", c.Name, c.TypeName), "name the column that holds the list")
	}
	for i, e := range s.fields {
		if e == nil || !slices.Contains(e.columns(), spec.Each) {
			continue
		}
		if e.Column != spec.Each || e.JSON == "" || e.From != "" || e.Plus+e.Minus+e.Times+e.Over != "" || e.Sign != nil {
			r.fail(s.path+".fields."+s.schema.Fields[i].Name, "of an element one value is read, by json: and what is done to it", "write {column: "+spec.Each+", json: …}")
		}
	}
}

// elements finds out what a source reads of the elements of its list, and leaves it out of what is kept of the row.
func (r *resolver) elements(s, rows *source) {
	list := RelationColumn{Name: s.spec.Each, Type: oidJSONB}
	of := &scope{Relation: &Relation{Schema: s.table.Schema, Name: s.table.Name, Columns: []RelationColumn{list}}, hashKey: s.hashKey}
	element := *s
	element.fields = make([]*Expr, len(s.fields))
	for i, e := range s.fields {
		if e != nil && e.Column == s.spec.Each {
			element.fields[i], rows.fields[i] = e, nil
		}
	}
	s.each = make([]*step, len(s.fields))
	if err := of.compileFields(s.each, &element); err != nil {
		r.fail(s.path, err.Error(), "")
	}
	rows.list = rows.append(s.spec.Each)
}

// element is one entity of a list.
type element struct {
	id   []byte // within the list
	text []byte
}

// unfold makes the entities of a row's list what the list says now.
func (c *collector) unfold(ch changedRow) error {
	was, err := c.elementsOf(ch.rows, ch.was.of, ch.before, false)
	if err != nil {
		return err
	}
	is, err := c.elementsOf(ch.rows, ch.is.of, ch.after, true)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, e := range is {
		i, err := c.elementOf(ch.rows, ch.is.of, e.id)
		if err != nil {
			return err
		}
		kept[string(c.touches[i].key)] = true
		c.current = i
		if c.scratch, err = ch.rows.elementImage(c.scratch[:0], ch.after, e.text, c.report); err != nil {
			return err
		}
		c.touches[i].after = append(c.touches[i].after[:0], c.scratch...)
		c.size += len(c.scratch)
	}
	for _, e := range was {
		i, err := c.elementOf(ch.rows, ch.was.of, e.id)
		if err != nil {
			return err
		}
		if !kept[string(c.touches[i].key)] {
			c.touches[i].after = c.touches[i].after[:0]
		}
	}
	return nil
}

// elementOf touches an entity of a list: its id is that of the row and its own, joined by a slash.
func (c *collector) elementOf(rows *source, of, id []byte) (int32, error) {
	c.key = appendKeyPart(append(imageKey(c.key[:0], rows.head), of...), id, 1, 2)
	c.src, c.current = rows.head, -1
	return c.touchOf(rows.head)
}

// elementsOf reads the list of a row's image; told says whether what is wrong with it is reported.
func (c *collector) elementsOf(rows *source, of, image []byte, told bool) ([]element, error) {
	if of == nil || len(image) == 0 {
		return nil, nil
	}
	r := imageReader{image[1:]}
	var text []byte
	for range 2 + rows.list + 1 {
		var err error
		if _, text, _, err = r.next(); err != nil {
			return nil, fmt.Errorf("read image of %s: %w", rows.name(), err)
		}
	}
	if text = bytes.TrimSpace(text); len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		if told {
			c.src, c.current = rows.head, -1
			c.fault(&step{field: rows.spec.Each}, errNoList, nil)
		}
		return nil, nil
	}
	return identified(list, rows.spec.Element), nil
}

const errNoList = "bad_json"

// identified gives the elements of a list their ids. One that has none is called by its place; of two that are called the same the
// second has a number behind it.
func identified(list []json.RawMessage, by string) []element {
	seen := map[string]int{}
	all := make([]element, 0, len(list))
	for i, text := range list {
		id := strconv.AppendInt(nil, int64(i), 10)
		if by != "" {
			if found, err := walkJSON(text, strings.Split(by, ".")); err == nil && len(found) > 0 {
				id = found
			}
		}
		if seen[string(id)]++; seen[string(id)] > 1 {
			id = fmt.Appendf(nil, "%s.%d", id, seen[string(id)])
		}
		all = append(all, element{id: id, text: text})
	}
	return all
}

// elementImage is the image of an element: what the row says, and in it what the element says.
func (s *source) elementImage(b, row, text []byte, report report) ([]byte, error) {
	b = append(b, row[0])
	r, cells := imageReader{row[1:]}, []Column{{State: Text, Data: text}}
	for i := range 2 + len(s.head.fields) {
		raw, _, _, err := r.next()
		if err != nil {
			return nil, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
		var st *step
		if i >= 2 {
			st = s.head.each[i-2]
		}
		switch {
		case st == nil:
			b = append(b, raw...)
		case st.nativeOf != nil:
			b = st.nativeOf.encodeNative(b, cells, &imageReader{})
		default:
			b = st.encode(b, cells, &imageReader{}, report)
		}
	}
	return b, nil
}
