package cdc

import "github.com/rxvigil/rxvigil"

// slab is memory for the records of one transaction, taken in pieces. A piece lives as long as somebody has a record of it, so
// pieces are no larger than the transaction, and never large. A nil slab gives each its own.
type slab struct {
	piece   int   // records in a piece
	again   *slab // the newest pieces, whole: where they are used again
	records []roomy
	copies  []rxvigil.Record
	bytes   []byte
}

// roomy is a record with room for as many values as a lot has.
type roomy struct {
	record rxvigil.Record
	values [7]rxvigil.Value
}

const (
	mostRecords = 32  // in a piece
	recordBytes = 200 // of an id and an image, about
)

// expect begins a transaction of some records.
func (s *slab) expect(records int) { *s = slab{piece: min(max(2, records), mostRecords)} }

// record gives a record with room for its values.
func (s *slab) record(values int) *rxvigil.Record {
	if values > len(roomy{}.values) {
		return &rxvigil.Record{Values: make([]rxvigil.Value, values)}
	}
	if s == nil {
		whole := &roomy{}
		whole.record.Values = whole.values[:values:values]
		return &whole.record
	}
	if len(s.records) == 0 {
		s.records = make([]roomy, max(2, s.piece))
		if s.again != nil {
			s.again.records = s.records
		}
	}
	whole := &s.records[0]
	s.records = s.records[1:]
	whole.record.Values = whole.values[:values:values]
	return &whole.record
}

// clone gives a copy of a record. It shares the values, which nobody changes.
func (s *slab) clone(r *rxvigil.Record) *rxvigil.Record {
	if len(s.copies) == 0 {
		s.copies = make([]rxvigil.Record, max(2, s.piece/2))
	}
	own := &s.copies[0]
	s.copies = s.copies[1:]
	*own = *r
	return own
}

// room gives an empty piece of memory in which n bytes fit.
func (s *slab) room(n int) []byte {
	if s == nil {
		return make([]byte, 0, n)
	}
	if cap(s.bytes)-len(s.bytes) < n {
		size := max(n, recordBytes*max(2, s.piece))
		if s.again != nil {
			size = max(size, 2*cap(s.again.bytes)) // so that one piece is enough, soon
		}
		s.bytes = make([]byte, 0, size)
		if s.again != nil {
			s.again.bytes = s.bytes
		}
	}
	from := len(s.bytes)
	s.bytes = s.bytes[:from+n]
	return s.bytes[from : from : from+n]
}

// Records is memory for records that are read together, and forgotten together.
type Records struct{ slab slab }

// NewRecords gives memory that is enough for so many records, about.
func NewRecords(n int) *Records { return &Records{slab{piece: n, again: &slab{}}} }

// Reset lets the memory be used again: nothing of the records that were read into it may be kept.
func (r *Records) Reset() {
	s := &r.slab
	clear(s.again.records[:len(s.again.records)-len(s.records)])
	s.records, s.bytes = s.again.records, s.again.bytes[:0]
}
