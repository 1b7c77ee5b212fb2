package cdc

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// parentRef names a document: a sale or a prescription.
type parentRef struct {
	src *source
	id  string
}

// document is a sale or prescription before and after the transaction; nil where it was not there, or was never seen.
type document struct{ before, after *rxvigil.Record }

// now is the document as the transaction leaves it; as it was, when the transaction removed it.
func (d document) now() *rxvigil.Record {
	if d.after != nil {
		return d.after
	}
	return d.before
}

// then is the document as the transaction found it; as it is, when the transaction made it.
func (d document) then() *rxvigil.Record {
	if d.before != nil {
		return d.before
	}
	return d.after
}

// line nets a line of a document: its place in the index, its change with the tenant and branch of its document, and the
// documents it touched.
func (c *collector) line(t *touch, ch rxvigil.Change) error {
	was, is := parentID(ch.Before), parentID(ch.After)
	if err := c.reindex(t, was, is); err != nil {
		return err
	}
	if err := errors.Join(c.join(t, was), c.join(t, is)); err != nil {
		return err
	}
	then, err := c.parentOf(t.src, was)
	if err != nil {
		return err
	}
	now, err := c.parentOf(t.src, is)
	if err != nil {
		return err
	}
	ch.Before, ch.After = c.of(ch.Before, then.then()), c.of(ch.After, now.now())
	if ch.Before == nil && ch.After == nil || is != "" && ch.After == nil {
		c.src, c.current = t.src, -1
		c.fault(nil, "no_parent", nil)
	}
	if c.fresh {
		ch.Document = now.now()
	}
	if ch.Before != nil || ch.After != nil {
		c.tell(t.src, ch)
	}
	return nil
}

// reindex moves a line to another document.
func (c *collector) reindex(t *touch, was, is string) error {
	if was == is {
		return nil
	}
	var err error
	if was != "" {
		err = c.indexLine(c.lineKey(t, was), false)
	}
	if is != "" {
		err = errors.Join(err, c.indexLine(c.lineKey(t, is), true))
	}
	return err
}

// lineKey is a line's place in the index, good as long as the transaction is.
func (c *collector) lineKey(t *touch, parent string) []byte {
	return lineKey(c.slab.room(4+len(parent)+len(t.key)-3), t.src, parent, alias(t.key[3:]))
}

// joinItself says that a document was touched itself.
func (c *collector) joinItself(t *touch) error {
	ref := parentRef{t.src, alias(append(c.slab.room(len(t.key)), t.key[3:]...))}
	if c.spilled {
		return c.keepFamily(ref, "", t.row)
	}
	c.family(ref, t.row)
	return nil
}

// join says that a line touched a document.
func (c *collector) join(t *touch, id string) error {
	if id == "" || c.fresh {
		return nil
	}
	for _, parent := range t.src.parents {
		ref := parentRef{parent, id}
		if c.spilled {
			if err := c.keepFamily(ref, t.id(), t.row); err != nil {
				return err
			}
			continue
		}
		mine := c.lines[ref]
		if mine == nil {
			mine = make([]*touch, 0, 4)
		}
		if len(mine) == 0 || mine[len(mine)-1] != t {
			c.lines[ref] = append(mine, t)
		}
		c.family(ref, t.row)
	}
	return nil
}

// parentOf reads a line's document. Where one table makes documents of several sources, it may have changed from one to another.
func (c *collector) parentOf(line *source, id string) (whole document, err error) {
	for _, parent := range line.parents {
		d, err := c.document(parentRef{parent, id})
		if err != nil {
			return whole, err
		}
		if whole.before == nil {
			whole.before = d.before
		}
		if whole.after == nil {
			whole.after = d.after
		}
	}
	return whole, nil
}

// family says that a row touched a document, itself or through a line.
func (c *collector) family(ref parentRef, row uint32) {
	if first, ok := c.parents[ref]; !ok || row < first {
		c.parents[ref] = row
	}
}

// of is a line that belongs to a document; nil without one.
func (c *collector) of(line, doc *rxvigil.Record) *rxvigil.Record {
	if line == nil || doc == nil {
		return nil
	}
	if line.Tenant == doc.Tenant && line.Branch == doc.Branch {
		return line
	}
	own := c.slab.clone(line)
	own.Tenant, own.Branch = doc.Tenant, doc.Branch
	return own
}

func parentID(r *rxvigil.Record) string { return r.Text(0) }

// document reads a document before and after the transaction.
func (c *collector) document(ref parentRef) (document, error) {
	if ref.id == "" {
		return document{}, nil
	}
	if d, ok := c.documents[ref]; ok {
		return d, nil
	}
	t, err := c.peek(ref.src, ref.id)
	if err != nil {
		return document{}, err
	}
	var d document
	if d.before, err = t.record(&c.slab, t.before); err != nil {
		return d, err
	}
	if d.after, err = t.record(&c.slab, t.after); err != nil {
		return d, err
	}
	c.documents[ref] = d
	return d, nil
}

// peek gives a record's touch, or one made from its image that is not part of the transaction.
func (c *collector) peek(s *source, id string) (*touch, error) {
	c.key = append(imageKey(c.key[:0], s), id...)
	if i, ok := c.find(); ok {
		return &c.touches[i], nil
	}
	t := &touch{src: s, key: bytes.Clone(c.key)}
	size := c.size
	err := c.recall(t, true)
	c.size = size
	return t, err
}

// families makes the change of every document that the transaction touched itself or through its lines, always in one order: it
// names events.
func (c *collector) families() error {
	c.refs = c.refs[:0]
	for ref := range c.parents {
		c.refs = append(c.refs, ref)
	}
	slices.SortFunc(c.refs, func(a, b parentRef) int {
		return cmp.Or(cmp.Compare(a.src.index, b.src.index), cmp.Compare(a.id, b.id))
	})
	for _, ref := range c.refs {
		row := c.parents[ref]
		d, err := c.document(ref)
		if err != nil {
			return err
		}
		if d.now() == nil {
			continue // a line without a document was reported as such
		}
		ch := rxvigil.Change{Row: row, Before: d.before, After: d.after}
		if err := c.linesOf(&ch, ref); err != nil {
			return err
		}
		c.tell(ref.src, ch)
	}
	return nil
}

// linesOf fills in the lines after the transaction and, when they changed, before it. A picture has none: the lines of a
// document come after it, from another table.
func (c *collector) linesOf(ch *rxvigil.Change, ref parentRef) error {
	if ref.src.lines == nil || c.fresh {
		return nil
	}
	before, err := c.storedLines(ref)
	if err != nil {
		return err
	}
	after, changed, err := c.applyLines(ref, before)
	if err != nil {
		return err
	}
	d := document{ch.Before, ch.After}
	for i := range before {
		before[i] = c.of(before[i], d.then())
	}
	for i := range after {
		after[i] = c.of(after[i], d.now())
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
	prefix := lineKey(c.slab.room(4+len(ref.id)), ref.src.lines, ref.id, "")
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
		if !ok || image[0]&flagOut != 0 {
			continue
		}
		r, err := ref.src.lines.recordIn(&c.slab, id, image)
		if err != nil {
			return nil, fmt.Errorf("read lines of %s: %w", ref.src.name(), err)
		}
		lines = append(lines, r)
	}
	return lines, nil
}

// applyLines gives the document's lines after the transaction: the stored ones with the touched ones in their place.
func (c *collector) applyLines(ref parentRef, before []*rxvigil.Record) (after []*rxvigil.Record, changed bool, err error) {
	after = append(make([]*rxvigil.Record, 0, len(before)+len(c.lines[ref])), before...)
	for _, t := range c.lines[ref] {
		r, err := t.record(&c.slab, t.after)
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
