package cdc

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// A note is what the stream said of a record while its table is read again: everything since the snapshot, or since a little
// before it. Values that the rows call unchanged are left open: the picture has them. What the snapshot shows, too, is said by
// both alike.
type note struct {
	xid   uint64 // of the newest transaction that touched it
	state byte   // absent, present or unsaid
	base  []byte // image key under which the picture has the open values
	image []byte // with openValue where a value is open
}

const (
	absent  byte = iota
	present      // as far as the row tells
	unsaid       // it exists if it did before
)

// openValue stands in for a value that the picture has. Postgres has no text with a zero byte.
const openValue = "\x00open"

// openImage is an image of which everything is open; what is looked up is found when the transaction is netted.
func openImage(s *source) []byte {
	b := []byte{0}
	for i := range 2 + len(s.schema.Fields) {
		b = appendOpen(b, s.look == nil || s.look.steps[i] == nil)
	}
	if s.look != nil {
		for range s.look.own {
			b = appendOpen(b, true)
		}
		for range s.look.keys() {
			b = appendOpen(b, false)
		}
	}
	return b
}

// appendOpen leaves a value open, unless it is found elsewhere.
func appendOpen(b []byte, open bool) []byte {
	if open {
		return appendText(b, []byte(openValue))
	}
	return appendUnknown(b)
}

// closed appends an image, with what is open in it filled in from another.
func closed(b, image, from []byte) []byte {
	b = append(b, image[0])
	open, have := imageReader{image[1:]}, imageReader{}
	if len(from) > 0 {
		have.b = from[1:]
	}
	for {
		raw, text, _, err := open.next()
		if err != nil {
			return b
		}
		known := have.raw()
		switch {
		case string(text) != openValue:
			b = append(b, raw...)
		default:
			b = appendBefore(b, known)
		}
	}
}

var errBadNote = errors.New("a note is torn")

func appendNote(b []byte, n note) []byte {
	b = append(binary.BigEndian.AppendUint64(b, n.xid), n.state)
	b = append(binary.AppendUvarint(b, uint64(len(n.base))), n.base...)
	return append(binary.AppendUvarint(b, uint64(len(n.image))), n.image...)
}

// parseNote reads a note. It aliases b.
func parseNote(b []byte) (n note, err error) {
	if len(b) < 9 {
		return n, errBadNote
	}
	n = note{xid: binary.BigEndian.Uint64(b), state: b[8]}
	var ok, ok2 bool
	n.base, b, ok = cutBytes(b[9:])
	n.image, b, ok2 = cutBytes(b)
	if !ok || !ok2 || len(b) > 0 {
		return n, errBadNote
	}
	return n, nil
}

func cutBytes(b []byte) (head, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil, false
	}
	return b[size : size+int(n)], b[size+int(n):], true
}

// notebook keeps the notes of one rereading.
type notebook struct {
	rr    *reread
	notes Scratch
	key   []byte
	old   []byte
}

// take notes one row change for one plan.
func (b *notebook) take(p *plan, f *Frame, xid uint64) error {
	var ok bool
	if f.Kind == 'D' {
		if b.key, ok = p.appendKey(imageKey(b.key[:0], p.source), f.Old); !ok {
			return nil
		}
		return b.add(b.key, note{xid: xid, state: absent})
	}
	if b.key, ok = p.appendKey(imageKey(b.key[:0], p.source), f.New); !ok {
		return nil
	}
	before, err := b.before(p, f, xid)
	if err != nil {
		return err
	}
	n := note{xid: xid, base: before.base, state: before.state}
	if yes, no := p.exists(f.New, true), p.exists(f.New, false); yes == no {
		n.state = absent
		if yes {
			n.state = present
		}
	}
	n.image = p.encode(nil, f.New, before.image, func(*step, error, []byte) {})
	return b.add(b.key, n)
}

// before is what was known of a row before a change: what the stream said since the snapshot, and beyond that all is open. A row
// that came from another key leaves nothing there.
func (b *notebook) before(p *plan, f *Frame, xid uint64) (note, error) {
	from := b.key
	var ok, moved bool
	if f.OldKind != 0 {
		if b.old, ok = p.appendKey(imageKey(b.old[:0], p.source), f.Old); ok && !bytes.Equal(b.old, b.key) {
			from, moved = b.old, true
		}
	}
	last, err := b.of(from)
	if err != nil {
		return note{}, err
	}
	n := note{state: unsaid, base: bytes.Clone(from), image: openImage(p.source)}
	if last != nil {
		n = note{state: last.state, base: bytes.Clone(last.base), image: bytes.Clone(last.image)}
	}
	if f.OldKind == 'O' {
		n.image = p.encode(nil, f.Old, n.image, func(*step, error, []byte) {})
	}
	if moved {
		err = b.add(from, note{xid: xid, state: absent})
	}
	return n, err
}

// of gives a record's note, or nil: there is none, or the snapshot shows all of it. It is good until the next call.
func (b *notebook) of(key []byte) (*note, error) {
	text, ok, err := b.notes.Get(key)
	if err != nil || !ok {
		return nil, err
	}
	n, err := parseNote(text)
	if seen := b.rr.seen.Load(); err != nil || seen != nil && seen.shows(n.xid) {
		return nil, err
	}
	return &n, nil
}

// add puts a note in the place of a record's older one.
func (b *notebook) add(key []byte, n note) error {
	if seen := b.rr.seen.Load(); seen != nil && seen.shows(n.xid) {
		return nil
	}
	b.rr.noted = true
	return b.notes.Put(key, appendNote(nil, n))
}
