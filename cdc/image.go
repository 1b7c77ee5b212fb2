package cdc

import (
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/rxvigil/rxvigil"
)

// An image is a record as kept on the engine's disk: a flag byte, tenant and branch, then the values in schema order, each
// led by a varint: 0 unknown, 1 null, else its length + 2. Equal images are equal bytes.

const (
	flagGone = 1 << iota // soft-deleted
	flagOut              // the row is none of the kind, as rows that it looks up say: it is kept, because they may change
)

var errTorn = errors.New("image is torn")

func appendUnknown(b []byte) []byte { return append(b, 0) }

func appendNull(b []byte) []byte { return append(b, 1) }

func appendText(b, text []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(text))+2)
	return append(b, text...)
}

// imageReader walks an image's values. What it gives aliases the image.
type imageReader struct {
	b []byte
}

// next gives the next value with its head, as it stands in the image.
func (r *imageReader) next() (raw, text []byte, state byte, err error) {
	n, head := binary.Uvarint(r.b)
	if head <= 0 {
		return nil, nil, 0, errTorn
	}
	size := 0
	if n >= 2 {
		if n-2 > uint64(len(r.b)-head) {
			return nil, nil, 0, errTorn
		}
		size = int(n - 2)
	}
	raw, text = r.b[:head+size], r.b[head:head+size]
	r.b = r.b[head+size:]
	return raw, text, byte(min(n, 2)), nil
}

// record reads an image. The record holds a copy of its own, of the id too.
func (s *source) record(id string, image []byte) (*rxvigil.Record, error) {
	return s.recordIn(nil, id, image)
}

func (s *source) recordIn(in *slab, id string, image []byte) (*rxvigil.Record, error) {
	if len(image) == 0 {
		return nil, errTorn
	}
	own := append(append(in.room(len(id)+len(image)), id...), image...)
	id, own = alias(own[:len(id)]), own[len(id):]
	r := imageReader{b: own[1:]}
	rec := in.record(len(s.schema.Fields))
	rec.Schema, rec.ID, rec.Gone = s.schema, id, own[0]&flagGone != 0
	_, tenant, _, err := r.next()
	if err != nil {
		return nil, err
	}
	_, branch, _, err := r.next()
	if err != nil {
		return nil, err
	}
	rec.Tenant, rec.Branch = rxvigil.Tenant(alias(tenant)), rxvigil.Branch(alias(branch))
	for i := range rec.Values {
		_, text, state, err := r.next()
		if err != nil {
			return nil, err
		}
		switch state {
		case 1:
			rec.Values[i] = rxvigil.Null(s.schema.Fields[i].Type)
		case 2:
			rec.Values[i] = rxvigil.ValueOf(s.schema.Fields[i].Type, alias(text))
		}
	}
	return rec, nil
}

// alias reads bytes that nobody will write again as a string, without a copy.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Memory reads the images of a resolved mapping.
type Memory struct{ resolved *Resolved }

// Prefixes are the key prefixes under which images of some kinds stand.
func (m *Memory) Prefixes(kinds ...rxvigil.Kind) [][]byte {
	var out [][]byte
	for _, k := range kinds {
		for _, s := range m.resolved.Sources {
			if s.kind == k && s.head == nil {
				out = append(out, imageKey(nil, s))
			}
		}
	}
	return out
}

// Record reads one image by its key; nil where it is of a row that is none of the kind. The record is good until its memory is used
// again; nil is memory of its own.
func (m *Memory) Record(in *Records, key, image []byte) (*rxvigil.Record, error) {
	if len(key) < 3 || key[0] != 'i' {
		return nil, errTorn
	}
	i := int(binary.BigEndian.Uint16(key[1:]))
	if i >= len(m.resolved.Sources) {
		return nil, errTorn
	}
	t := touch{src: m.resolved.Sources[i], key: key}
	if in == nil {
		return t.record(nil, image)
	}
	return t.record(&in.slab, image)
}
