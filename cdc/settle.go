package cdc

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
)

// What a transaction's rows look up is found at its end: in rows of the same transaction, whatever their order, or in images.
// A row looked up that changed stirs those that looked it up: they are records of the transaction, too.

// lookUp finds everything that the touched records look up.
func (c *collector) lookUp() error {
	if !c.looks {
		return nil
	}
	if err := c.rename(); err != nil {
		return err
	}
	if err := c.stir(); err != nil {
		return err
	}
	if err := c.settleAll(); err != nil {
		return err
	}
	return c.followRows()
}

func (c *collector) settleAll() error {
	if c.spilled {
		return c.settleSpilled()
	}
	for i := range c.touches {
		if err := c.settleTouch(int32(i)); err != nil {
			return err
		}
	}
	return nil
}

func (c *collector) settleTouch(i int32) error {
	t := &c.touches[i]
	if t.src.look == nil || len(t.after) == 0 {
		return nil
	}
	c.src, c.current = t.src, i
	image, err := c.settle(t.src, t.after)
	if err != nil {
		return err
	}
	c.size += len(image) - len(t.after)
	t.after = append(t.after[:0], image...)
	return nil
}

// settleSpilled writes the records back that look something up, with what they found.
func (c *collector) settleSpilled() error {
	if err := c.spill(); err != nil {
		return err
	}
	var t touch
	for _, s := range c.sources {
		if s.look == nil {
			continue
		}
		if err := c.walk(append([]byte{spilledTouch}, imageKey(nil, s)...), func(key, v []byte) error {
			if err := t.read(v); err != nil || len(t.after) == 0 {
				return err
			}
			t.src, t.key = s, append(t.key[:0], key[1:]...)
			c.src, c.current, c.settling = s, -1, &t
			image, err := c.settle(s, t.after)
			c.settling = nil
			if err != nil {
				return err
			}
			t.after = append(t.after[:0], image...)
			return c.keepTouch(&t)
		}); err != nil {
			return err
		}
	}
	return nil
}

// settle gives an image with what it looks up found anew. It is good until the next call.
func (c *collector) settle(s *source, image []byte) ([]byte, error) {
	l := s.look
	values, err := l.cut(image)
	if err != nil {
		return nil, fmt.Errorf("read image of %s: %w", s.name(), err)
	}
	for i, at := range l.own {
		l.cells[at] = values[len(l.steps)+i].cell()
	}
	c.found = c.found[:0]
	for _, h := range l.hops {
		if err := c.follow(l, h); err != nil {
			return nil, err
		}
	}
	b := append(c.settled[:0], l.flags(image[0]))
	for i, st := range l.steps {
		switch {
		case st == nil:
			b = append(b, values[i].raw...)
		case st.nativeOf != nil:
			b = st.nativeOf.encodeNative(b, l.cells, &imageReader{})
		default:
			b = st.encode(b, l.cells, &imageReader{}, c.report)
		}
	}
	for i := range l.own {
		b = append(b, values[len(l.steps)+i].raw...)
	}
	for _, h := range l.hops {
		if h.key != nil {
			b = append(b, h.raw...)
		}
	}
	c.settled = b
	return b, nil
}

// flags are those of an image with what its predicates say of the rows at hand.
func (l *lookups) flags(flags byte) byte {
	if len(l.where) > 0 {
		flags &^= flagOut
		if !l.where.hold(l.cells) {
			flags |= flagOut
		}
	}
	if len(l.gone) > 0 {
		flags &^= flagGone
		if l.gone.hold(l.cells) {
			flags |= flagGone
		}
	}
	return flags
}

// settleQuietly settles an image that may be none of the transaction's: its faults are told when it is.
func (c *collector) settleQuietly(s *source, image []byte) ([]byte, error) {
	report := c.report
	defer func() { c.report, c.quiet = report, false }()
	c.report, c.quiet = func(*step, error, []byte) {}, true
	return c.settle(s, image)
}

// follow reads the row that a hop leads to. Nothing is found by a key that is null; a row that is not there is a fault, and what
// it would have said is unknown.
func (c *collector) follow(l *lookups, h *hop) error {
	var key Column
	if h.key == nil {
		key = l.cells[h.at]
	} else {
		h.raw = h.key.encode(h.raw[:0], l.cells, &imageReader{}, c.report)
		r := imageReader{h.raw}
		_, text, state, err := r.next()
		if err != nil {
			return err
		}
		key = value{text: text, state: state}.cell()
	}
	for _, i := range h.cells {
		l.cells[i] = Column{State: key.State}
	}
	if key.State != Text {
		return nil
	}
	image, err := c.reference(h.ref, key.Data)
	if err != nil {
		return err
	}
	if len(image) == 0 {
		for _, i := range h.cells {
			l.cells[i] = Column{State: NotSent}
		}
		if !c.quiet && !h.asked {
			c.fault(&step{field: h.field}, "no_parent", key.Data)
		}
		return nil
	}
	from := len(c.found)
	c.found = append(c.found, image...) // the next one would overwrite it
	return h.take(l, c.found[from:])
}

// take takes the columns that are read of a row's image.
func (h *hop) take(l *lookups, image []byte) error {
	r := imageReader{image[1:]}
	for n := -2; len(r.b) > 0; n++ {
		_, text, state, err := r.next()
		if err != nil {
			return fmt.Errorf("read image of %s: %w", h.ref.name(), err)
		}
		for i, f := range h.fields {
			if f == n {
				l.cells[h.cells[i]] = value{text: text, state: state}.cell()
			}
		}
	}
	return nil
}

// reference gives the image of a row that is looked up, as the transaction leaves it; empty: there is none. It is good until
// the next call.
func (c *collector) reference(ref *source, id []byte) ([]byte, error) {
	c.key = append(imageKey(c.key[:0], ref), id...)
	if i, ok := c.find(); ok {
		return c.touches[i].after, nil
	}
	if c.spilled && c.sieve.passes(maphash.Bytes(c.seed, c.key)) {
		v, ok, err := c.room().Get(c.spillKey(spilledTouch, c.key))
		if err != nil {
			return nil, err
		}
		if ok {
			return afterOf(v)
		}
	}
	image, _, err := c.images.Image(c.key)
	if err != nil {
		return nil, fmt.Errorf("read image of %s: %w", ref.name(), err)
	}
	return image, nil
}

// afterOf is the image after the transaction in a touch as it stands in the scratch.
func afterOf(v []byte) ([]byte, error) {
	if len(v) < 5 {
		return nil, errTorn
	}
	n, head := binary.Uvarint(v[4:])
	if head <= 0 || n > uint64(len(v)-4-head) {
		return nil, errTorn
	}
	return v[4+head+int(n):], nil
}
