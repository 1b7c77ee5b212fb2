package cdc

import (
	"bytes"
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// parentRef names a document: a sale or a prescription.
type parentRef struct {
	src *source
	id  string
}

// line nets a line of a document: its place in the index, its change with the tenant and branch of its document, and the
// documents it touched.
func (c *collector) line(t *touch, ch rxvigil.Change, parents map[parentRef]uint32) error {
	was, is := parentID(ch.Before), parentID(ch.After)
	if was != is {
		if was != "" {
			c.out.Writes = append(c.out.Writes, Write{Key: lineKey(nil, t.src, was, t.id())})
		}
		if is != "" {
			c.out.Writes = append(c.out.Writes, Write{Key: lineKey(nil, t.src, is, t.id()), Value: []byte{}})
		}
	}
	for _, id := range []string{was, is} {
		if c.fresh {
			break
		}
		ref := parentRef{t.src.parent, id}
		if mine := c.lines[ref]; id != "" && (len(mine) == 0 || mine[len(mine)-1] != t) {
			c.lines[ref] = append(mine, t)
		}
		if row, ok := parents[ref]; id != "" && (!ok || t.row < row) {
			parents[ref] = t.row
		}
	}
	id := is
	if id == "" {
		id = was
	}
	parent, err := c.parentRecord(t.src.parent, id)
	if err != nil {
		return err
	}
	if parent == nil {
		c.src, c.current = t.src, -1
		c.fault(nil, "no_parent", nil)
		return nil
	}
	for _, r := range []*rxvigil.Record{ch.Before, ch.After} {
		if r != nil {
			r.Tenant, r.Branch = parent.Tenant, parent.Branch
		}
	}
	c.out.Changes = append(c.out.Changes, ch)
	return nil
}

func parentID(r *rxvigil.Record) string { return r.Text(0) }

// parentRecord is a document as the transaction leaves it; as it was, when the transaction removed it; nil when unknown.
func (c *collector) parentRecord(s *source, id string) (*rxvigil.Record, error) {
	if id == "" {
		return nil, nil
	}
	if r, ok := c.records[s][id]; ok {
		return r, nil
	}
	t, err := c.peek(s, id)
	if err != nil {
		return nil, err
	}
	image := t.after
	if len(image) == 0 {
		image = t.before
	}
	r, err := t.record(image)
	if err != nil {
		return nil, err
	}
	if c.records[s] == nil {
		c.records[s] = map[string]*rxvigil.Record{}
	}
	c.records[s][id] = r
	return r, nil
}

// peek gives a record's touch, or one made from its image that is not part of the transaction.
func (c *collector) peek(s *source, id string) (*touch, error) {
	c.key = append(imageKey(c.key[:0], s), id...)
	if i, ok := c.find(); ok {
		return &c.touches[i], nil
	}
	image, _, err := c.images.Image(c.key)
	if err != nil {
		return nil, fmt.Errorf("read image of %s: %w", s.name(), err)
	}
	image = bytes.Clone(image)
	return &touch{src: s, key: bytes.Clone(c.key), before: image, after: image}, nil
}

// families makes the change of every document that the transaction touched itself or through its lines.
func (c *collector) families(parents map[parentRef]uint32) error {
	for ref, row := range parents {
		ch := rxvigil.Change{Row: row}
		t, err := c.peek(ref.src, ref.id)
		if err != nil {
			return err
		}
		if ch.Before, err = t.record(t.before); err != nil {
			return err
		}
		if ch.After, err = t.record(t.after); err != nil {
			return err
		}
		if ch.Before == nil && ch.After == nil || ch.Record().Tenant == "" {
			continue // a line without a document was reported as such
		}
		if err := c.linesOf(&ch, ref); err != nil {
			return err
		}
		c.out.Changes = append(c.out.Changes, ch)
	}
	return nil
}

// linesOf fills in the lines after the transaction and, when they changed, before it.
func (c *collector) linesOf(ch *rxvigil.Change, ref parentRef) error {
	if ref.src.lines == nil {
		return nil
	}
	var before []*rxvigil.Record
	if ch.Before != nil {
		var err error
		if before, err = c.storedLines(ref); err != nil {
			return err
		}
	}
	after, changed, err := c.applyLines(ref, before)
	if err != nil {
		return err
	}
	ch.Lines = after
	if changed && ch.Before != nil {
		ch.Was = before
		if ch.Was == nil {
			ch.Was = []*rxvigil.Record{}
		}
	}
	return nil
}

func (c *collector) storedLines(ref parentRef) ([]*rxvigil.Record, error) {
	prefix := lineKey(nil, ref.src.lines, ref.id, "")
	var ids []string
	if err := c.images.Keys(prefix, func(k []byte) bool { ids = append(ids, string(k[len(prefix):])); return true }); err != nil {
		return nil, fmt.Errorf("read lines of %s: %w", ref.src.name(), err)
	}
	var lines []*rxvigil.Record
	for _, id := range ids {
		image, ok, err := c.images.Image(append(imageKey(nil, ref.src.lines), id...))
		if err != nil {
			return nil, fmt.Errorf("read lines of %s: %w", ref.src.name(), err)
		}
		if !ok {
			continue
		}
		r, err := ref.src.lines.record(id, image)
		if err != nil {
			return nil, fmt.Errorf("read lines of %s: %w", ref.src.name(), err)
		}
		lines = append(lines, r)
	}
	return lines, nil
}

// applyLines gives the document's lines after the transaction: the stored ones with the touched ones in their place.
func (c *collector) applyLines(ref parentRef, before []*rxvigil.Record) (after []*rxvigil.Record, changed bool, err error) {
	after = append(after, before...)
	for _, t := range c.lines[ref] {
		r, err := t.record(t.after)
		if err != nil {
			return nil, false, err
		}
		at := indexOf(after, t.key[3:])
		switch {
		case r != nil && parentID(r) == ref.id && at >= 0:
			after[at], changed = r, true
		case r != nil && parentID(r) == ref.id:
			after, changed = append(after, r), true
		case at >= 0:
			after, changed = append(after[:at:at], after[at+1:]...), true
		}
	}
	return after, changed, nil
}

func indexOf(records []*rxvigil.Record, id []byte) int {
	for i, r := range records {
		if r.ID == string(id) {
			return i
		}
	}
	return -1
}
