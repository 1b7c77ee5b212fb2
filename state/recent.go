package state

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
)

// recent remembers the images that were read or written last, so that a row of a busy lot costs no look into Pebble. What the
// open group writes stays here alone until the group is committed: an image that many transactions of it write is then written
// once, and in the order of keys, which is what Pebble takes cheapest.
//
// There are two generations: when the young one is full the old one is forgotten. Neither holds a pointer, so the garbage
// collector has nothing to walk. Its zero value is empty.
type recent struct {
	seed       maphash.Seed
	young, old generation

	unsaved      []uint32 // records of the young generation that Pebble does not have
	unsavedBytes int
	tooMany      bool // were noted, and none is
}

// generation is images one behind the other: see recordHead. Its table finds the newest record of a key, by linear probing: each slot has
// the key's hash in its upper half and the record's place, plus one, in the lower. It is at most three quarters full.
type generation struct {
	records []byte
	slots   []uint64 // a power of two of them; 0: it is empty
	used    int
}

// A record is the length of its key in two bytes, the length of the value in four, how many steps of room the value has in
// two, its mark in one, then key and room. A value of another length mostly fits the room of the one before.
const (
	recordHead = 9
	roomStep   = 16
	goneValue  = ^uint32(0) // in place of the length: it is known that there is no image

	generationBytes = 12 << 20
	longestRecent   = 1 << 16 // for a key or value; longer ones are read from disk
)

const (
	saved    byte = iota
	unsaved       // the newest word on its key, and Pebble does not have it
	replaced      // there is a newer record of its key
)

// get gives the image of a key, nil for one that is gone; known is false when it is not among the recent ones. It is good
// until the next put.
func (r *recent) get(key []byte) (value []byte, known bool) {
	if r.young.used == 0 && r.old.used == 0 {
		return nil, false
	}
	h := r.hash(key)
	if at, ok := r.young.find(h, key); ok {
		_, value = r.young.record(at)
		return value, true
	}
	at, ok := r.old.find(h, key)
	if !ok {
		return nil, false
	}
	if _, value = r.old.record(at); r.young.fits(key, value) {
		r.young.add(h, key, value, saved)
	}
	return value, true
}

// note remembers an image that Pebble has and that others are read with. Where they do not all fit into the young generation none of
// them is kept: a part of so many would seldom be asked for.
func (r *recent) note(key, value []byte) {
	if r.tooMany || !short(key, value) {
		return
	}
	r.begin()
	h := r.hash(key)
	if _, ok := r.young.find(h, key); ok {
		return
	}
	if !r.young.fits(key, value) {
		if len(r.unsaved) == 0 {
			r.clear()
			r.tooMany = true
		}
		return
	}
	r.young.add(h, key, value, saved)
}

// learn remembers an image that was read from Pebble, and forgets older ones for it.
func (r *recent) learn(key, value []byte) { r.put(key, value, saved) }

// write remembers an image that Pebble does not have, nil for one that is to go. It cannot when the image is too long, nor
// when unsaved ones are in its way; then it changes nothing.
func (r *recent) write(key, value []byte) bool { return r.put(key, value, unsaved) }

func (r *recent) put(key, value []byte, mark byte) bool {
	if !short(key, value) {
		return false
	}
	r.begin()
	r.tooMany = false
	h := r.hash(key)
	at, there := r.young.find(h, key)
	if there && r.young.overwrite(at, value) {
		r.marked(at, mark)
		return true
	}
	if !r.young.fits(key, value) {
		if len(r.unsaved) > 0 {
			return false
		}
		r.turn()
		there = false
	}
	if there && r.young.mark(at) == unsaved {
		r.young.set(at, replaced)
	}
	r.marked(r.young.add(h, key, value, saved), mark)
	return true
}

// marked notes that a record is to be saved.
func (r *recent) marked(at uint32, mark byte) {
	if mark == unsaved && r.young.mark(at) != unsaved {
		r.young.set(at, unsaved)
		r.unsaved = append(r.unsaved, at)
		key, value := r.young.record(at)
		r.unsavedBytes += recordHead + len(key) + len(value)
	}
}

// save gives the unsaved images in the order of their keys.
func (r *recent) save(put func(key, value []byte) error) error {
	slices.SortFunc(r.unsaved, func(a, b uint32) int { return bytes.Compare(r.young.key(a), r.young.key(b)) })
	for _, at := range r.unsaved {
		if r.young.mark(at) != unsaved {
			continue
		}
		r.young.set(at, saved)
		if err := put(r.young.record(at)); err != nil {
			return err
		}
	}
	r.unsaved, r.unsavedBytes = r.unsaved[:0], 0
	if len(r.young.records) > generationBytes*2/3 { // rather than in the middle of a group
		r.turn()
	}
	return nil
}

// turn makes the young generation the old one.
func (r *recent) turn() {
	r.young, r.old = r.old, r.young
	r.young.empty()
}

// forget makes a key, which has no unsaved image, unknown.
func (r *recent) forget(key []byte) {
	if r.young.used > 0 || r.old.used > 0 {
		h := r.hash(key)
		r.young.drop(h, key)
		r.old.drop(h, key)
	}
}

func (r *recent) begin() {
	if r.young.slots == nil {
		r.seed = maphash.MakeSeed()
		r.young.slots = make([]uint64, leastSlots)
	}
}

func (r *recent) hash(key []byte) uint32 { return uint32(maphash.Bytes(r.seed, key)) }

// forgetAll makes all keys unknown, of which none may be unsaved. The room of the young generation is used again.
func (r *recent) forgetAll() {
	r.young.empty()
	r.old, r.tooMany = generation{}, false
}

func (r *recent) clear() { *r = recent{} }

func short(key, value []byte) bool { return len(key) < longestRecent && len(value) < longestRecent }

func room(value []byte) int { return (len(value) + roomStep - 1) / roomStep * roomStep }

func (g *generation) fits(key, value []byte) bool {
	return len(g.records)+recordHead+len(key)+room(value) <= generationBytes
}

const (
	leastSlots  = 1 << 10
	droppedSlot = math.MaxUint32 // in place of a record's: its key is unknown, but others may stand behind it
)

// find gives the place of a key's newest record.
func (g *generation) find(h uint32, key []byte) (at uint32, ok bool) {
	slot, ok := g.slot(h, key)
	if !ok {
		return 0, false
	}
	return uint32(g.slots[slot]) - 1, true
}

// slot gives the slot of a key, or the empty one where it would be.
func (g *generation) slot(h uint32, key []byte) (slot int, ok bool) {
	if len(g.slots) == 0 {
		return 0, false
	}
	mask := len(g.slots) - 1
	for i := int(h) & mask; ; i = (i + 1) & mask {
		s := g.slots[i]
		if s == 0 {
			return i, false
		}
		if uint32(s>>32) == h && uint32(s) != droppedSlot && g.is(uint32(s)-1, key) {
			return i, true
		}
	}
}

func (g *generation) drop(h uint32, key []byte) {
	if slot, ok := g.slot(h, key); ok {
		g.slots[slot] |= droppedSlot
	}
}

func (g *generation) grow() {
	old := g.slots
	g.slots, g.used = make([]uint64, max(2*len(old), leastSlots)), 0
	mask := len(g.slots) - 1
	for _, s := range old {
		if s == 0 || uint32(s) == droppedSlot {
			continue
		}
		i := int(s>>32) & mask
		for g.slots[i] != 0 {
			i = (i + 1) & mask
		}
		g.slots[i] = s
		g.used++
	}
}

// empty forgets all records, and keeps their room.
func (g *generation) empty() {
	clear(g.slots)
	g.records, g.used = g.records[:0], 0
}

func (g *generation) add(h uint32, key, value []byte, mark byte) uint32 {
	if g.records == nil {
		g.records = make([]byte, 0, generationBytes) // memory that is not written to costs nothing, growing does
	}
	if 4*(g.used+1) > 3*len(g.slots) {
		g.grow()
	}
	at := uint32(len(g.records))
	slot, known := g.slot(h, key)
	if !known {
		g.used++
	}
	g.slots[slot] = uint64(h)<<32 | uint64(at+1)
	size := uint32(len(value))
	if value == nil {
		size = goneValue
	}
	g.records = binary.LittleEndian.AppendUint16(g.records, uint16(len(key)))
	g.records = binary.LittleEndian.AppendUint32(g.records, size)
	g.records = binary.LittleEndian.AppendUint16(g.records, uint16(room(value)/roomStep))
	g.records = append(append(append(g.records, mark), key...), value...)
	var rest [roomStep]byte
	g.records = append(g.records, rest[:room(value)-len(value)]...)
	return at
}

func (g *generation) mark(at uint32) byte      { return g.records[at+recordHead-1] }
func (g *generation) set(at uint32, mark byte) { g.records[at+recordHead-1] = mark }

func (g *generation) key(at uint32) []byte {
	b := g.records[at:]
	return b[recordHead : recordHead+int(binary.LittleEndian.Uint16(b))]
}

func (g *generation) is(at uint32, key []byte) bool { return bytes.Equal(g.key(at), key) }

// record gives key and value of a record; a nil value is gone.
func (g *generation) record(at uint32) (key, value []byte) {
	key = g.key(at)
	size, from := binary.LittleEndian.Uint32(g.records[at+2:]), int(at)+recordHead+len(key)
	if size == goneValue {
		return key, nil
	}
	return key, g.records[from : from+int(size) : from+int(size)]
}

// overwrite puts another value into the room of a record; false when it does not fit.
func (g *generation) overwrite(at uint32, value []byte) bool {
	b := g.records[at:]
	if len(value) > int(binary.LittleEndian.Uint16(b[6:]))*roomStep {
		return false
	}
	size := uint32(len(value))
	if value == nil {
		size = goneValue
	}
	binary.LittleEndian.PutUint32(b[2:], size)
	copy(b[recordHead+int(binary.LittleEndian.Uint16(b)):], value)
	return true
}
