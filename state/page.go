package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/minio/minlz"
)

// page is log entries that are written as one value. Entries resemble each other and are the bulk of what is written: packed
// together they are a tenth of what they are one by one, and all that is written is written again by flushes and compactions.
//
// Its key is the place of its last entry, so that whoever looks for an entry from some place on finds its page first. Its value
// is the newest commit time in it, how it is packed, and the entries: each its LSN, its length and itself.
//
// A long entry comes in pieces, of one LSN. A page that begins with a later piece holds nothing else, and its key has its number behind
// the place: the pieces are forgotten together.
type page struct {
	entries []byte
	last    uint64
	piece   uint16 // pages that ended with a piece of the entry at last
	rest    bool   // the page begins with a later piece
	newest  int64  // commit time, in milliseconds
	value   []byte // of the page before
}

const (
	pageBytes = 256 << 10 // of entries; one that is longer has a page of its own
	pageHead  = 9

	pagePlain  byte = 0
	pagePacked byte = 1
)

// takes tells whether another entry belongs into the open page.
func (p *page) takes(lsn uint64, entry []byte) bool {
	return len(p.entries) == 0 || len(p.entries)+len(entry) <= pageBytes && (!p.rest || lsn == p.last)
}

func (p *page) add(lsn uint64, at int64, entry []byte) {
	if len(p.entries) == 0 {
		p.rest = lsn == p.last
	}
	if len(p.entries) == 0 || at > p.newest {
		p.newest = at
	}
	if lsn != p.last {
		p.last, p.piece = lsn, 0
	}
	p.entries = binary.BigEndian.AppendUint64(p.entries, lsn)
	p.entries = binary.AppendUvarint(p.entries, uint64(len(entry)))
	p.entries = append(p.entries, entry...)
}

// close gives key and value of the page, good until the next close, and begins another.
func (p *page) close() (key, value []byte) {
	v := binary.BigEndian.AppendUint64(p.value[:0], uint64(p.newest))
	out, err := minlz.AppendEncoded(append(v, pagePacked), p.entries, minlz.LevelFastest)
	if err != nil || len(out) >= pageHead+len(p.entries) { // more than 8 MB, or without repetition
		out = append(append(v[:pageHead-1], pagePlain), p.entries...)
	}
	key = logKey(p.last)
	if p.piece > 0 {
		key = binary.BigEndian.AppendUint16(key, p.piece)
	}
	p.piece++
	p.value, p.entries = out, p.entries[:0]
	if cap(p.entries) > 2*pageBytes {
		p.entries, p.value = nil, nil
	}
	return key, out
}

// eachEntry walks the entries of a page at or after an LSN. It gives memory to be used again, and whether to go on.
func eachEntry(scratch, value []byte, from uint64, yield func(lsn uint64, entry []byte) bool) ([]byte, bool, error) {
	b, scratch, err := unpack(scratch, value)
	if err == nil && len(b) == 0 { // no page is
		err = ErrTornPage
	}
	for len(b) > 0 && err == nil {
		if len(b) < 8 {
			return scratch, false, ErrTornPage
		}
		lsn := binary.BigEndian.Uint64(b)
		n, head := binary.Uvarint(b[8:])
		if head <= 0 || n > uint64(len(b)-8-head) {
			return scratch, false, ErrTornPage
		}
		entry := b[8+head : 8+head+int(n)]
		b = b[8+head+int(n):]
		if lsn >= from && !yield(lsn, entry) {
			return scratch, false, nil
		}
	}
	return scratch, err == nil, err
}

// unpack gives the entries of a page, in scratch where they were packed.
func unpack(scratch, value []byte) (entries, again []byte, err error) {
	if len(value) < pageHead {
		return nil, scratch, ErrTornPage
	}
	switch body := value[pageHead:]; value[pageHead-1] {
	case pagePlain:
		return body, scratch, nil
	case pagePacked:
		entries, err := minlz.Decode(scratch[:cap(scratch)], body)
		if err != nil {
			return nil, scratch, errors.Join(ErrTornPage, err)
		}
		return entries, entries, nil
	}
	return nil, scratch, fmt.Errorf("%w: packed in way %d", ErrTornPage, value[pageHead-1])
}
