package cdc

import "github.com/rxvigil/rxvigil"

// slab is memory for records that are forgotten together: those of one transaction, or of a batch. It is taken in pieces, and the newest
// of each are used again. A nil slab gives each record its own.
type slab struct {
	records taking[roomy]
	copies  taking[rxvigil.Record]
	bytes   taking[byte]
}

// roomy is a record with room for as many values as a lot has.
type roomy struct {
	record rxvigil.Record
	values [7]rxvigil.Value
}

// How large pieces are.
const (
	leastRecords, mostRecords = 32, 1024
	leastBytes, mostBytes     = leastRecords * 200, mostRecords * 200 // an id and an image are about 200
)

// record gives a record with room for its values.
func (s *slab) record(values int) *rxvigil.Record {
	if values > len(roomy{}.values) {
		return &rxvigil.Record{Values: make([]rxvigil.Value, values)}
	}
	var whole *roomy
	if s == nil {
		whole = &roomy{}
	} else {
		whole = &s.records.take(1, leastRecords, mostRecords)[0]
	}
	whole.record.Values = whole.values[:values:values]
	return &whole.record
}

// clone gives a copy of a record. It shares the values, which nobody changes.
func (s *slab) clone(r *rxvigil.Record) *rxvigil.Record {
	own := &s.copies.take(1, leastRecords, mostRecords)[0]
	*own = *r
	return own
}

// room gives an empty piece of memory in which n bytes fit.
func (s *slab) room(n int) []byte {
	if s == nil {
		return make([]byte, 0, n)
	}
	return s.bytes.take(n, leastBytes, mostBytes)[:0]
}

// reset lets the memory be used again: nothing of what was taken may be kept. Where tests look for races, whoever does keep something
// finds rubbish.
func (s *slab) reset() {
	if spoils {
		for i := range s.bytes.whole[:s.bytes.taken] {
			s.bytes.whole[i] = rubbish
		}
	}
	s.records.reset()
	s.copies.reset()
	s.bytes.taken = 0 // it is written before it is read
}

const rubbish = 0xAA // no text in UTF-8

// taking is a piece of memory, and how much of it is taken.
type taking[T any] struct {
	whole []T
	taken int
}

// take gives n more. What was given before stays good when another piece is begun.
func (t *taking[T]) take(n, least, most int) []T {
	if len(t.whole)-t.taken < n {
		t.whole, t.taken = make([]T, max(n, least, min(2*len(t.whole), most))), 0
	}
	t.taken += n
	return t.whole[t.taken-n : t.taken : t.taken]
}

func (t *taking[T]) reset() {
	clear(t.whole[:t.taken])
	t.taken = 0
}

// Records is memory for records that are read together, and forgotten together.
type Records struct{ slab slab }

// NewRecords gives memory for records.
func NewRecords() *Records { return &Records{} }

// Reset lets the memory be used again: nothing of the records that were read into it may be kept.
func (r *Records) Reset() { r.slab.reset() }
