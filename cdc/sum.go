package cdc

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/rxvigil/rxvigil"
)

// Some apps keep no stock at all, and only what came in and went out: a shelf's stock is what its rows come to. Such rows are kept by
// their identity, by a source that tells nothing; when the transaction is netted, the entity's number moves by what changed.
//
// The image of the entity is that of the row that changed it last, with the sum in the number's place, and behind its fields what the
// known numbers come to, how many rows there are, and of how many the number is unknown.

// sums checks which number is summed.
func (r *resolver) sums(s *source) {
	if s.spec.Sum == "" {
		return
	}
	if s.spec.Newest != "" || s.spec.Each != "" {
		r.fail(s.path+".sum", "sum: takes all rows of an entity, newest: one, and each: makes several of one", "leave the others out")
	}
	i := s.schema.Index(s.spec.Sum)
	switch {
	case i < 0 || s.fields[i] == nil:
		r.fail(s.path+".sum", fmt.Sprintf("sum: names none of the fields: %q", s.spec.Sum), didYouMean(s.spec.Sum, fieldNames(s.schema)))
	case s.schema.Fields[i].Type != rxvigil.TypeNumber:
		r.fail(s.path+".sum", fmt.Sprintf("%s is no number", s.spec.Sum), "name one that is")
	}
}

// total is what the rows of an entity come to.
type total struct {
	sum           rxvigil.Number // of the known ones
	rows, unknown int64
}

// add takes a row in, or out.
func (t *total) add(text []byte, known bool, sign int64) {
	t.rows += sign
	n, err := rxvigil.ParseNumber(string(text))
	if !known || err != nil {
		t.unknown += sign
		return
	}
	t.sum = t.sum.Add(n.Mul(rxvigil.NumberOf(sign))).Trim()
}

// count moves the sums of the entities that a row belonged to and belongs to.
func (c *collector) count(ch changedRow) error {
	if ch.was.of != nil {
		if err := c.countOne(ch.rows, ch.was.of, ch.before, nil, -1); err != nil {
			return err
		}
	}
	if ch.is.of != nil {
		return c.countOne(ch.rows, ch.is.of, ch.after, ch.after, 1)
	}
	return nil
}

// countOne takes a row's number into an entity, or out of it; like, if not nil, is the image that the entity looks like then.
func (c *collector) countOne(rows *source, of, row, like []byte, sign int64) error {
	c.key = append(imageKey(c.key[:0], rows.head), of...)
	i, err := c.touchOf(rows.head)
	if err != nil {
		return err
	}
	now := bytes.Clone(c.touches[i].after)
	entity, t, err := rows.totalOf(now)
	if err != nil {
		return err
	}
	text, known, err := rows.summed(row)
	if err != nil {
		return err
	}
	t.add(text, known, sign)
	if like != nil {
		if entity, _, err = rows.head.cutEntity(like); err != nil {
			return err
		}
	}
	if t.rows <= 0 {
		c.touches[i].after = c.touches[i].after[:0]
		return nil
	}
	if c.scratch, err = rows.totalImage(c.scratch[:0], entity, t); err != nil {
		return err
	}
	c.touches[i].after = append(c.touches[i].after[:0], c.scratch...)
	c.size += len(c.scratch)
	return nil
}

// summed is the number of a row.
func (s *source) summed(row []byte) (text []byte, known bool, err error) {
	r := imageReader{row[1:]}
	state := byte(0)
	for range 2 + s.head.schema.Index(s.spec.Sum) + 1 {
		if _, text, state, err = r.next(); err != nil {
			return nil, false, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
	}
	return text, state == 2, nil
}

// totalOf cuts the image of an entity into what it looks like and what its rows come to.
func (s *source) totalOf(image []byte) (entity []byte, t total, err error) {
	entity, rest, err := s.head.cutEntity(image)
	if len(rest) == 0 || err != nil {
		return entity, t, err
	}
	r := imageReader{rest}
	var texts [3]string
	for i := range texts {
		_, text, _, err := r.next()
		if err != nil {
			return nil, t, fmt.Errorf("read image of %s: %w", s.head.name(), err)
		}
		texts[i] = string(text)
	}
	if t.sum, err = rxvigil.ParseNumber(texts[0]); err == nil {
		if t.rows, err = strconv.ParseInt(texts[1], 10, 64); err == nil {
			t.unknown, err = strconv.ParseInt(texts[2], 10, 64)
		}
	}
	if err != nil {
		err = fmt.Errorf("read image of %s: %w", s.head.name(), err)
	}
	return entity, t, err
}

// totalImage is the image of an entity with what its rows come to.
func (s *source) totalImage(b, entity []byte, t total) ([]byte, error) {
	b = append(b, entity[0])
	r, at := imageReader{entity[1:]}, 2+s.head.schema.Index(s.spec.Sum)
	for i := range 2 + len(s.head.fields) {
		raw, _, _, err := r.next()
		if err != nil {
			return nil, fmt.Errorf("read image of %s: %w", s.name(), err)
		}
		switch {
		case i != at:
			b = append(b, raw...)
		case t.unknown > 0:
			b = appendUnknown(b)
		default:
			b = appendText(b, []byte(t.sum.String()))
		}
	}
	b = appendText(b, []byte(t.sum.String()))
	b = appendText(b, strconv.AppendInt(nil, t.rows, 10))
	return appendText(b, strconv.AppendInt(nil, t.unknown, 10)), nil
}
