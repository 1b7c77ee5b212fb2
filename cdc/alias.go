package cdc

import (
	"bytes"
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// A row may be looked up by a column that the stream does not send when the row goes: its identity is another one. Such rows are
// kept by their identity, and once more by that column: as records of an alias, which are made from them when the transaction
// is netted.

// renamed is what a row's change means for one of its aliases: the name that it had, or has.
type renamed struct {
	alias *source
	name  []byte
	image []byte // nil: the name is nobody's any more
	row   uint32
}

// rename makes the records of aliases follow the rows that they stand for. Names that go do so first: another row of the same
// transaction may have taken them.
func (c *collector) rename() error {
	for _, come := range []bool{false, true} {
		if err := c.renameAll(come); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) renameAll(come bool) error {
	if c.spilled {
		return c.renameSpilled(come)
	}
	var all []renamed
	for i := range c.touches {
		var err error
		if all, err = c.touches[i].renamed(all, come); err != nil {
			return err
		}
	}
	return c.applyNames(all)
}

func (c *collector) renameSpilled(come bool) error {
	if err := c.spill(); err != nil {
		return err
	}
	for _, s := range c.sources {
		if len(s.aliases) == 0 {
			continue
		}
		t := touch{src: s}
		if err := c.walk(append([]byte{spilledTouch}, imageKey(nil, s)...), func(_, v []byte) error {
			if err := t.read(v); err != nil {
				return err
			}
			all, err := t.renamed(nil, come)
			if err != nil {
				return err
			}
			return c.applyNames(all)
		}); err != nil {
			return err
		}
	}
	return nil
}

// renamed appends the names that a changed row has now, or those that it had and has no more.
func (t *touch) renamed(all []renamed, come bool) ([]renamed, error) {
	if len(t.src.aliases) == 0 || bytes.Equal(t.before, t.after) {
		return all, nil
	}
	for _, a := range t.src.aliases {
		was, err := a.nameIn(t.before)
		if err != nil {
			return nil, err
		}
		is, err := a.nameIn(t.after)
		if err != nil {
			return nil, err
		}
		switch {
		case come && is.state == 2:
			all = append(all, renamed{a, bytes.Clone(is.text), bytes.Clone(t.after), t.row})
		case !come && was.state == 2 && (is.state != 2 || !bytes.Equal(was.text, is.text)):
			all = append(all, renamed{a, bytes.Clone(was.text), nil, t.row})
		}
	}
	return all, nil
}

// nameIn gives the value of the alias's column in an image of its row.
func (s *source) nameIn(image []byte) (value, error) {
	if len(image) == 0 {
		return value{}, nil
	}
	r := imageReader{image[1:]}
	for n := -2; ; n++ {
		raw, text, state, err := r.next()
		if err != nil {
			return value{}, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
		if n == s.column {
			return value{raw, text, state}, nil
		}
	}
}

func (c *collector) applyNames(all []renamed) error {
	rows := c.row
	defer func() { c.row = rows }()
	for _, n := range all {
		c.row = n.row
		c.key = append(imageKey(c.key[:0], n.alias), n.name...)
		i, err := c.touchOf(n.alias)
		if err != nil {
			return err
		}
		c.touches[i].after = append(c.touches[i].after[:0], n.image...)
		c.size += len(n.image)
		if err := c.relieve(); err != nil {
			return err
		}
	}
	return nil
}

// alias gives the source of a table's rows by a unique column that is no part of their identity.
func (r *resolver) alias(base *source, column string) *source {
	for _, a := range base.aliases {
		if a.spec.Key[0] == column {
			return a
		}
	}
	a := &source{path: base.path, table: base.table, schema: base.schema, base: base, spec: &Source{Table: base.spec.Table, Key: Columns{column}}}
	a.column = base.keep(column)
	base.aliases = append(base.aliases, a)
	r.looked = append(r.looked, a)
	return a
}

// keep adds a column to those that are kept of rows that are looked up, and gives its place.
func (s *source) keep(column string) int {
	if i := s.schema.Index(column); i >= 0 {
		return i
	}
	s.schema.Fields = append(s.schema.Fields, rxvigil.Field{Name: column})
	s.fields = append(s.fields, &Expr{Column: column})
	s.spec.Extra[column] = Expr{Column: column}
	return len(s.fields) - 1
}

// takesRows tells whether rows of the table are given to the source: an alias, and an entity that follows rows, are given records.
func (s *source) takesRows() bool { return s.base == nil && s.rows == nil }
