package cdc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// An entity may have several rows, of which the newest counts: the last of a shelf's counts, the last of a medicine's suggested
// levels. And its id may be a column that a DELETE does not carry. Such rows are kept by their identity, as records of a source
// that tells nothing; when the transaction is netted, the entity, a source without rows of its own, follows the one that counts.
//
// The image of the entity is that row's, and behind its fields when the row was made and what it is called. An index leads from
// the entity to its rows: 'm', source of the entity, its id, 0, identity of the row.

// member is a row as one of those that its entity has.
type member struct {
	of   []byte // the id of the entity; nil: the row is none of the kind, or names no entity
	made []byte // what the newest has most of
	id   []byte
}

// several tells whether an entity follows rows that are kept by another key.
func (s *source) several() bool {
	if s.spec.Newest != "" || s.spec.Each != "" || s.spec.Sum != "" {
		return true
	}
	return len(s.table.identity()) > 0 && slices.ContainsFunc(s.spec.Key, func(name string) bool {
		c := s.table.column(name)
		return c != nil && !c.Identity
	})
}

// rowsOfEntity makes the source of an entity's rows.
func (r *resolver) rowsOfEntity(s *source) *source {
	rows, schema, spec := *s, *s.schema, *s.spec
	schema.Fields, rows.fields = slices.Clone(schema.Fields), slices.Clone(s.fields)
	spec.Key, spec.Extra = s.table.identity(), map[string]Expr{}
	rows.schema, rows.spec, rows.head, rows.made = &schema, &spec, s, -1
	for _, name := range s.spec.Key {
		rows.named = append(rows.named, rows.append(name))
	}
	if s.spec.Newest != "" {
		rows.made = rows.append(s.spec.Newest)
	}
	if s.spec.Each != "" {
		r.elements(s, &rows)
	}
	return &rows
}

// append keeps a column behind the fields, whatever else is made of it.
func (s *source) append(column string) int {
	s.schema.Fields = append(s.schema.Fields, rxvigil.Field{Name: "(" + column + ")"})
	s.fields = append(s.fields, &Expr{Column: column})
	return len(s.fields) - 1
}

// newest checks the column by which the newest row is known.
func (r *resolver) newest(s *source) {
	if s.spec.Newest == "" {
		return
	}
	r.column(s.table, s.path+".newest", s.spec.Newest)
	if c := s.table.column(s.spec.Newest); c != nil && !ordered(c.Type) {
		r.fail(s.path+".newest", fmt.Sprintf("column %q is %s: nobody could say which of two is the newer", c.Name, c.TypeName), "name a number, a date or a timestamp")
	}
}

func ordered(oid uint32) bool {
	switch oid {
	case oidInt2, oidInt4, oidInt8, oidNumeric, oidDate, oidTimestamp, oidTimestamptz:
		return true
	}
	return false
}

// member reads an image of an entity's row.
func (s *source) member(id, image []byte) (m member, err error) {
	if len(image) == 0 || image[0]&flagOut != 0 {
		return m, nil
	}
	values := make([]value, 2+len(s.fields))
	r := imageReader{image[1:]}
	for i := range values {
		if values[i].raw, values[i].text, values[i].state, err = r.next(); err != nil {
			return m, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
	}
	m.id = id
	for n, i := range s.named {
		v := values[2+i]
		if v.state != 2 {
			return member{}, nil
		}
		if m.of = appendKeyPart(m.of, v.text, n, len(s.named)); m.of == nil {
			m.of = []byte{}
		}
	}
	if s.made >= 0 {
		m.made = values[2+s.made].text
	}
	return m, nil
}

// compare tells which of two rows of one entity is the newer; of equals, the one whose id is less.
func (s *source) compare(a, b member) int {
	return cmp.Or(s.compareMade(a.made, b.made), bytes.Compare(b.id, a.id))
}

func (s *source) compareMade(a, b []byte) int {
	if s.made < 0 || len(a) == 0 || len(b) == 0 {
		return cmp.Compare(len(a), len(b)) // a row that does not say is older than all that do
	}
	if x, err := rxvigil.ParseNumber(alias(a)); err == nil {
		if y, err := rxvigil.ParseNumber(alias(b)); err == nil {
			return x.Cmp(y)
		}
	}
	return instantOf(a).Compare(instantOf(b))
}

// instantOf reads a date or a timestamp as PostgreSQL writes them, far in the past or the future where it is infinite.
func instantOf(text []byte) time.Time {
	switch string(text) {
	case "infinity":
		return time.Unix(1<<40, 0)
	case "-infinity":
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999", time.DateOnly} {
		if at, err := time.Parse(layout, alias(text)); err == nil {
			return at
		}
	}
	return time.Time{}
}

// cutEntity cuts the image of an entity, or of a row of one, behind the entity's fields.
func (s *source) cutEntity(image []byte) (entity, rest []byte, err error) {
	if len(image) == 0 {
		return nil, nil, nil
	}
	r := imageReader{image[1:]}
	for range 2 + len(s.fields) {
		if _, _, _, err := r.next(); err != nil {
			return nil, nil, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
	}
	return image[:len(image)-len(r.b)], r.b, nil
}

// sameEntity tells whether nothing but the row that an entity follows is another one.
func (t *touch) sameEntity() (bool, error) {
	if t.src.rows == nil {
		return false, nil
	}
	was, _, err := t.src.cutEntity(t.before)
	if err != nil {
		return false, err
	}
	is, _, err := t.src.cutEntity(t.after)
	return bytes.Equal(was, is), err
}

// headImage is the image of an entity that follows a row.
func (s *source) headImage(m member, image []byte) ([]byte, error) {
	entity, _, err := s.head.cutEntity(image)
	return appendText(appendText(bytes.Clone(entity), m.made), m.id), err
}

// followed is the row that an entity follows.
func (s *source) followed(image []byte) (m member, err error) {
	_, rest, err := s.head.cutEntity(image)
	if rest == nil || err != nil {
		return m, err
	}
	r := imageReader{rest}
	_, made, _, err1 := r.next()
	_, id, _, err2 := r.next()
	if err = cmp.Or(err1, err2); err != nil {
		return m, fmt.Errorf("read image of %s: %w", s.head.name(), err)
	}
	return member{made: made, id: id}, nil
}

// changedRow is a row of an entity before and after the transaction.
type changedRow struct {
	rows    *source
	was, is member
	before  []byte
	after   []byte
	row     uint32
}

// followRows makes entities follow their rows: first those whose row went or grew older look among the others, then every row that
// came or changed is compared with the one that is followed.
func (c *collector) followRows() error {
	for _, s := range c.sources {
		if s.head == nil {
			continue
		}
		if s.spec.Each != "" || s.spec.Sum != "" {
			do := c.unfold
			if s.spec.Sum != "" {
				do = c.count
			}
			if err := c.eachChanged(s, do); err != nil {
				return err
			}
			continue
		}
		if err := c.eachChanged(s, c.leave); err != nil {
			return err
		}
		if err := c.eachChanged(s, c.enter); err != nil {
			return err
		}
	}
	return nil
}

// eachChanged calls do for every touched row of a source that changed.
func (c *collector) eachChanged(s *source, do func(changedRow) error) error {
	rows := c.row
	defer func() { c.row = rows }()
	one := func(t *touch) error {
		if bytes.Equal(t.before, t.after) {
			return nil
		}
		ch := changedRow{rows: s, before: bytes.Clone(t.before), after: bytes.Clone(t.after), row: t.row}
		id := bytes.Clone(t.key[3:])
		was, err := s.member(id, ch.before)
		if err != nil {
			return err
		}
		is, err := s.member(id, ch.after)
		if err != nil {
			return err
		}
		ch.was, ch.is, c.row = was, is, ch.row
		return do(ch)
	}
	if c.spilled {
		return c.eachSpilled(s, one)
	}
	for i := 0; i < len(c.touches); i++ { // what is done touches entities
		if c.touches[i].src != s {
			continue
		}
		if err := one(&c.touches[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) eachSpilled(s *source, one func(*touch) error) error {
	if err := c.spill(); err != nil {
		return err
	}
	t := touch{src: s}
	return c.walk(append([]byte{spilledTouch}, imageKey(nil, s)...), func(key, v []byte) error {
		if err := t.read(v); err != nil {
			return err
		}
		t.key = append(t.key[:0], key[1:]...)
		if err := one(&t); err != nil {
			return err
		}
		return c.relieve()
	})
}

// leave looks for another row where the one that is followed went, or is older than it was.
func (c *collector) leave(ch changedRow) error {
	if ch.was.of == nil || ch.is.of != nil && bytes.Equal(ch.was.of, ch.is.of) && ch.rows.compareMade(ch.is.made, ch.was.made) >= 0 {
		return nil
	}
	i, last, err := c.entity(ch.rows, ch.was.of)
	if err != nil || !bytes.Equal(last.id, ch.was.id) {
		return err
	}
	best, image, err := c.newestOf(ch.rows, ch.was.of)
	if err != nil {
		return err
	}
	return c.lead(ch.rows, i, best, image)
}

// enter compares a row with the one that is followed.
func (c *collector) enter(ch changedRow) error {
	if ch.is.of == nil {
		return nil
	}
	i, last, err := c.entity(ch.rows, ch.is.of)
	if err != nil || last.id != nil && !bytes.Equal(last.id, ch.is.id) && ch.rows.compare(ch.is, last) < 0 {
		return err
	}
	return c.lead(ch.rows, i, ch.is, ch.after)
}

// entity touches an entity, and gives the row that it follows.
func (c *collector) entity(rows *source, id []byte) (int32, member, error) {
	c.key = append(imageKey(c.key[:0], rows.head), id...)
	i, err := c.touchOf(rows.head)
	if err != nil {
		return 0, member{}, err
	}
	m, err := rows.followed(bytes.Clone(c.touches[i].after))
	return i, m, err
}

// lead makes an entity follow a row; no row: it goes.
func (c *collector) lead(rows *source, i int32, m member, image []byte) error {
	if m.of == nil {
		c.touches[i].after = c.touches[i].after[:0]
		return nil
	}
	head, err := rows.headImage(m, image)
	if err != nil {
		return err
	}
	c.touches[i].after = append(c.touches[i].after[:0], head...)
	c.size += len(head)
	return nil
}

// newestOf finds the newest of the rows that an entity had before the transaction, as the transaction leaves them.
func (c *collector) newestOf(rows *source, id []byte) (best member, image []byte, err error) {
	prefix := memberKey(nil, rows, id, nil)
	var ids [][]byte
	if err := c.images.Keys(prefix, func(k []byte) bool { ids = append(ids, bytes.Clone(k[len(prefix):])); return true }); err != nil {
		return best, nil, fmt.Errorf("read rows of %s: %w", rows.head.name(), err)
	}
	for _, one := range ids {
		found, err := c.reference(rows, one)
		if err != nil {
			return best, nil, err
		}
		found = bytes.Clone(found)
		m, err := rows.member(one, found)
		if err != nil {
			return best, nil, err
		}
		if m.of != nil && bytes.Equal(m.of, id) && (best.of == nil || rows.compare(m, best) > 0) {
			best, image = m, found
		}
	}
	return best, image, nil
}

// reindexMember moves a row in the index of its entity's rows.
func (c *collector) reindexMember(t *touch) error {
	if t.src.head == nil || t.src.spec.Each != "" || t.src.spec.Sum != "" {
		return nil
	}
	was, err := t.src.member(t.key[3:], t.before)
	if err != nil {
		return err
	}
	is, err := t.src.member(t.key[3:], t.after)
	if err != nil || was.of != nil && is.of != nil && bytes.Equal(was.of, is.of) {
		return err
	}
	if was.of != nil {
		err = c.indexLine(memberKey(nil, t.src, was.of, t.key[3:]), false)
	}
	if is.of != nil && err == nil {
		err = c.indexLine(memberKey(nil, t.src, is.of, t.key[3:]), true)
	}
	return err
}

func memberKey(b []byte, rows *source, of, id []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, 'm'), uint16(rows.head.index))
	b = append(append(b, of...), 0)
	return append(b, id...)
}
