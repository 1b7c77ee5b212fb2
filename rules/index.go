package rules

import (
	"hash/maphash"
	"iter"
)

// index finds things by their key. It keeps no keys, for each knows its own: a map takes three times the room, and there may be a
// million. It is a table with linear probing, at most three quarters full, that closes the gap which something leaves. Its zero value is
// empty.
type index[T keyed] struct {
	seed  maphash.Seed
	tags  []uint8 // of each slot, some bits of its hash; 0: it is empty
	slots []T
	n     int
}

type keyed interface {
	comparable
	key() string
}

// leastSlots is a power of two, as all sizes are.
const leastSlots = 8

// get is what has a key, or nil.
func (x *index[T]) get(key string) (none T) {
	if x.n == 0 {
		return none
	}
	if i, found := x.find(key); found {
		return x.slots[i]
	}
	return none
}

// put adds something, or replaces what has its key.
func (x *index[T]) put(l T) {
	if 4*(x.n+1) > 3*len(x.slots) {
		x.grow()
	}
	i, found := x.find(l.key())
	if !found {
		x.n++
	}
	_, x.tags[i] = x.hash(l.key())
	x.slots[i] = l
}

func (x *index[T]) remove(key string) {
	if x.n == 0 {
		return
	}
	gap, found := x.find(key)
	if !found {
		return
	}
	x.n--
	mask := len(x.slots) - 1
	for i := (gap + 1) & mask; x.tags[i] != 0; i = (i + 1) & mask {
		home, _ := x.hash(x.slots[i].key())
		if (i-home)&mask >= (i-gap)&mask { // it may stand in the gap, too
			x.tags[gap], x.slots[gap] = x.tags[i], x.slots[i]
			gap = i
		}
	}
	var none T
	x.tags[gap], x.slots[gap] = 0, none
}

// all visits everything, in no order. Nothing may be removed meanwhile.
func (x *index[T]) all() iter.Seq[T] {
	var none T
	return func(yield func(T) bool) {
		for _, l := range x.slots {
			if l != none && !yield(l) {
				return
			}
		}
	}
}

// find gives the slot of a key, or the empty one where it would be. There is one.
func (x *index[T]) find(key string) (slot int, found bool) {
	i, tag := x.hash(key)
	for mask := len(x.slots) - 1; x.tags[i] != 0; i = (i + 1) & mask {
		if x.tags[i] == tag && x.slots[i].key() == key {
			return i, true
		}
	}
	return i, false
}

// hash gives the slot where a key is looked for first, and its tag.
func (x *index[T]) hash(key string) (home int, tag uint8) {
	h := maphash.String(x.seed, key)
	return int(h) & (len(x.slots) - 1), uint8(h>>56) | 1
}

func (x *index[T]) grow() {
	old := x.slots
	size := 2 * len(old)
	if size == 0 {
		size, x.seed = leastSlots, maphash.MakeSeed()
	}
	x.tags, x.slots = make([]uint8, size), make([]T, size)
	var none T
	for _, l := range old {
		if l == none {
			continue
		}
		i, _ := x.find(l.key())
		_, x.tags[i] = x.hash(l.key())
		x.slots[i] = l
	}
}
