package cdc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Column states. Unchanged and NotSent are not null: the first means "as it was" (TOAST), the second "not in this tuple"
// (a key-only old tuple). Nothing may be read from either.
const (
	Null      byte = 'n'
	Unchanged byte = 'u'
	Text      byte = 't'
	NotSent   byte = 0
)

// Column is one column of a tuple. Data aliases the decoded message and is good until the next one.
type Column struct {
	State byte
	Data  []byte
}

// Relation is the shape of a table as the stream announced it: column names may differ from today's catalog.
type Relation struct {
	ID              uint32
	Schema, Name    string
	ReplicaIdentity byte
	Columns         []RelationColumn
}

// RelationColumn is one column of a Relation. Key columns are part of the replica identity.
type RelationColumn struct {
	Name string
	Type uint32
	Key  bool
}

// Frame is one decoded message. It is reused: copy what must outlive the next Decode.
type Frame struct {
	Kind byte // B begin, C commit, R relation, Y type, O origin, I U D T M

	LSN    uint64    // B: final LSN; C: commit LSN; M: the message's own
	EndLSN uint64    // C
	XID    uint32    // B
	Time   time.Time // B, C: commit time

	Relation *Relation // R, I, U, D
	OldKind  byte      // U, D: 'K' key columns only, 'O' whole row, 0 none
	Old, New []Column

	Truncated []uint32 // T: relation ids, known ones and others

	Transactional bool   // M
	Prefix        []byte // M
	Content       []byte // M
}

// Decoder reads pgoutput protocol version 1, text format. It keeps the relations of one session and allocates only for
// them. Any byte sequence gives a frame or an error, never a panic. Source: PostgreSQL's "Logical Replication Message
// Formats".
type Decoder struct {
	relations map[uint32]*Relation
	frame     Frame
}

var errTruncated = errors.New("message ends early")

// postgresEpoch is 2000-01-01, in which commit times count microseconds.
var postgresEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant; Go has none for times

// Reset forgets every relation: they come again after a reconnect.
func (d *Decoder) Reset() { d.relations = nil }

// Decode reads one message. The frame is valid until the next call.
func (d *Decoder) Decode(data []byte) (*Frame, error) {
	if len(data) == 0 {
		return nil, errTruncated
	}
	f := &d.frame
	*f = Frame{Kind: data[0], Old: f.Old[:0], New: f.New[:0], Truncated: f.Truncated[:0]}
	r := cursor{b: data[1:]}
	err := d.body(f, &r)
	switch {
	case err != nil:
	case r.short:
		err = errTruncated
	case len(r.b) != 0:
		err = fmt.Errorf("%d bytes too many", len(r.b))
	default:
		return f, nil
	}
	if f.Relation != nil && f.Kind != 'R' {
		err = &rowError{f.Relation, err}
	}
	return nil, fmt.Errorf("decode %q: %w", data[0], err)
}

// rowError is a row that could not be read, of a relation that is known.
type rowError struct {
	relation *Relation
	err      error
}

func (e *rowError) Error() string {
	return "row of " + e.relation.Schema + "." + e.relation.Name + ": " + e.err.Error()
}

func (e *rowError) Unwrap() error { return e.err }

func (d *Decoder) body(f *Frame, r *cursor) error {
	switch f.Kind {
	case 'B':
		f.LSN, f.Time, f.XID = r.u64(), r.time(), r.u32()
	case 'C':
		r.u8()
		f.LSN, f.EndLSN, f.Time = r.u64(), r.u64(), r.time()
	case 'R':
		return d.relation(f, r)
	case 'I', 'U', 'D':
		return d.row(f, r)
	case 'T':
		return truncate(f, r)
	case 'M':
		f.Transactional = r.u8()&1 != 0
		f.LSN, f.Prefix = r.u64(), r.cstring()
		f.Content = r.bytes(int(r.u32()))
	case 'Y', 'O':
		r.b = nil // names of types and origins: nothing of ours hangs on them
	default:
		return errors.New("unknown message")
	}
	return nil
}

func (d *Decoder) relation(f *Frame, r *cursor) error {
	rel := &Relation{ID: r.u32()}
	rel.Schema, rel.Name = string(r.cstring()), string(r.cstring())
	rel.ReplicaIdentity = r.u8()
	n := int(r.u16())
	if n*10 > len(r.b) { // each column takes at least ten bytes: a false count must not size a slice
		return errTruncated
	}
	if rel.Schema == "" {
		rel.Schema = "pg_catalog"
	}
	rel.Columns = make([]RelationColumn, n)
	for i := range rel.Columns {
		key := r.u8()&1 != 0
		rel.Columns[i] = RelationColumn{Key: key, Name: string(r.cstring()), Type: r.u32()}
		r.u32()
	}
	if r.short {
		return errTruncated
	}
	if d.relations == nil {
		d.relations = map[uint32]*Relation{}
	}
	d.relations[rel.ID] = rel
	f.Relation = rel
	return nil
}

func (d *Decoder) row(f *Frame, r *cursor) error {
	id := r.u32()
	rel := d.relations[id]
	if rel == nil {
		return fmt.Errorf("relation %d was never announced", id)
	}
	f.Relation = rel
	tag := r.u8()
	if f.Kind != 'I' && (tag == 'K' || tag == 'O') {
		f.OldKind = tag
		var err error
		if f.Old, err = tuple(f.Old, r, rel, tag == 'K'); err != nil || f.Kind == 'D' {
			return err
		}
		tag = r.u8()
	}
	if f.Kind == 'D' || tag != 'N' {
		return fmt.Errorf("tuple tag %q", tag)
	}
	var err error
	f.New, err = tuple(f.New, r, rel, false)
	return err
}

// tuple reads the columns of one row. In a key-only tuple the server sends null for what is not part of the key: that is
// not a null of the row.
func tuple(cols []Column, r *cursor, rel *Relation, keyOnly bool) ([]Column, error) {
	n := int(r.u16())
	if n != len(rel.Columns) {
		return cols, fmt.Errorf("%d columns, where the table has %d", n, len(rel.Columns))
	}
	for i := range n {
		c := Column{State: r.u8()}
		switch c.State {
		case Text:
			c.Data = r.bytes(int(r.u32()))
		case Null:
			if keyOnly && !rel.Columns[i].Key {
				c.State = NotSent
			}
		case Unchanged:
		default:
			if r.short {
				return cols, errTruncated
			}
			return cols, fmt.Errorf("column state %q", c.State)
		}
		cols = append(cols, c)
	}
	return cols, nil
}

func truncate(f *Frame, r *cursor) error {
	n := int(r.u32())
	r.u8()
	if n < 0 || n*4 > len(r.b) {
		return errTruncated
	}
	for range n {
		f.Truncated = append(f.Truncated, r.u32())
	}
	return nil
}

// cursor reads big-endian values and remembers running out instead of failing at each read.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u8() byte {
	if v := c.bytes(1); v != nil {
		return v[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if v := c.bytes(2); v != nil {
		return binary.BigEndian.Uint16(v)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if v := c.bytes(4); v != nil {
		return binary.BigEndian.Uint32(v)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if v := c.bytes(8); v != nil {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func (c *cursor) time() time.Time {
	us := int64(c.u64())
	return time.UnixMicro(postgresEpoch.UnixMicro() + us).UTC()
}

func (c *cursor) cstring() []byte {
	i := bytes.IndexByte(c.b, 0)
	if i < 0 {
		c.short, c.b = true, nil
		return nil
	}
	v := c.b[:i:i]
	c.b = c.b[i+1:]
	return v
}
