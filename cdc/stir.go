package cdc

import (
	"bytes"
	"errors"
	"fmt"
)

// stirred is a changed row that others may look up.
type stirred struct {
	ref *source
	id  []byte
	row uint32
}

// stir touches the records that looked up rows which changed.
func (c *collector) stir() error {
	if c.fresh { // a picture: what is looked up was read before
		return nil
	}
	if c.spilled {
		return c.stirSpilled()
	}
	var all []stirred
	for i := range c.touches {
		if t := &c.touches[i]; t.src.isReference() && !bytes.Equal(t.before, t.after) {
			all = append(all, stirred{t.src, bytes.Clone(t.key[3:]), t.row})
		}
	}
	for _, s := range all {
		if err := c.touchUsers(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) stirSpilled() error {
	if err := c.spill(); err != nil {
		return err
	}
	var t touch
	for _, ref := range c.sources {
		if !ref.isReference() {
			continue
		}
		if err := c.walk(append([]byte{spilledTouch}, imageKey(nil, ref)...), func(key, v []byte) error {
			if err := t.read(v); err != nil || bytes.Equal(t.before, t.after) {
				return err
			}
			return c.touchUsers(stirred{ref, bytes.Clone(key[4:]), t.row})
		}); err != nil {
			return err
		}
	}
	return nil
}

// touchUsers touches the records that the index shows for a row: as of the row's own change.
func (c *collector) touchUsers(s stirred) error {
	rows := c.row
	defer func() { c.row = rows }()
	c.row = s.row
	for _, h := range s.ref.users {
		prefix := hopKey(nil, h, s.id, nil)
		var failed error
		err := c.images.Keys(prefix, func(k []byte) bool {
			c.key = append(imageKey(c.key[:0], h.owner), k[len(prefix):]...)
			if _, failed = c.touchOf(h.owner); failed == nil {
				failed = c.relieve()
			}
			return failed == nil
		})
		if err := errors.Join(failed, err); err != nil {
			return fmt.Errorf("find what looks up %s: %w", s.ref.name(), err)
		}
	}
	return nil
}

// reindexHops moves a record in the index of those that look rows up.
func (c *collector) reindexHops(t *touch) error {
	l := t.src.look
	if l == nil {
		return nil
	}
	was, err := l.keysOf(t.before)
	if err != nil {
		return err
	}
	is, err := l.keysOf(t.after)
	if err != nil {
		return err
	}
	for i, h := range l.hops {
		if was[i].state == is[i].state && bytes.Equal(was[i].text, is[i].text) {
			continue
		}
		if was[i].state == 2 {
			err = errors.Join(err, c.indexLine(hopKey(c.slab.room(4+len(was[i].text)+len(t.key)), h, was[i].text, t.key[3:]), false))
		}
		if is[i].state == 2 {
			err = errors.Join(err, c.indexLine(hopKey(c.slab.room(4+len(is[i].text)+len(t.key)), h, is[i].text, t.key[3:]), true))
		}
	}
	return err
}

// keysOf gives the key of each hop of an image; unknown without one.
func (l *lookups) keysOf(image []byte) ([]value, error) {
	keys := make([]value, len(l.hops))
	if len(image) == 0 {
		return keys, nil
	}
	values, err := l.cut(image)
	if err != nil {
		return nil, err
	}
	for i, h := range l.hops {
		keys[i] = h.keyIn(l, values)
	}
	return keys, nil
}
