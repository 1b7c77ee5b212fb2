package rules

import "hash/maphash"

// index finds lots by their id. It keeps no keys, for a lot knows its own: a map takes three times the room, and there may be a million.
// It is a table with linear probing, at most three quarters full, that closes the gap which a lot leaves. Its zero value is empty.
type index struct {
	seed  maphash.Seed
	tags  []uint8 // of each slot, some bits of its hash; 0: it is empty
	slots []*lot
	n     int
}

// leastSlots is a power of two, as all sizes are.
const leastSlots = 8

// get is the lot with an id, or nil.
func (x *index) get(id string) *lot {
	if x.n == 0 {
		return nil
	}
	if i, found := x.find(id); found {
		return x.slots[i]
	}
	return nil
}

// put adds a lot, or replaces the one that has its id.
func (x *index) put(l *lot) {
	if 4*(x.n+1) > 3*len(x.slots) {
		x.grow()
	}
	i, found := x.find(l.id())
	if !found {
		x.n++
	}
	_, x.tags[i] = x.hash(l.id())
	x.slots[i] = l
}

func (x *index) remove(id string) {
	if x.n == 0 {
		return
	}
	gap, found := x.find(id)
	if !found {
		return
	}
	x.n--
	mask := len(x.slots) - 1
	for i := (gap + 1) & mask; x.tags[i] != 0; i = (i + 1) & mask {
		home, _ := x.hash(x.slots[i].id())
		if (i-home)&mask >= (i-gap)&mask { // it may stand in the gap, too
			x.tags[gap], x.slots[gap] = x.tags[i], x.slots[i]
			gap = i
		}
	}
	x.tags[gap], x.slots[gap] = 0, nil
}

// find gives the slot of an id, or the empty one where it would be. There is one.
func (x *index) find(id string) (slot int, found bool) {
	i, tag := x.hash(id)
	for mask := len(x.slots) - 1; x.tags[i] != 0; i = (i + 1) & mask {
		if x.tags[i] == tag && x.slots[i].id() == id {
			return i, true
		}
	}
	return i, false
}

// hash gives the slot where an id is looked for first, and its tag.
func (x *index) hash(id string) (home int, tag uint8) {
	h := maphash.String(x.seed, id)
	return int(h) & (len(x.slots) - 1), uint8(h>>56) | 1
}

func (x *index) grow() {
	old := x.slots
	size := 2 * len(old)
	if size == 0 {
		size, x.seed = leastSlots, maphash.MakeSeed()
	}
	x.tags, x.slots = make([]uint8, size), make([]*lot, size)
	for _, l := range old {
		if l == nil {
			continue
		}
		i, _ := x.find(l.id())
		_, x.tags[i] = x.hash(l.id())
		x.slots[i] = l
	}
}
