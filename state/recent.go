package state

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
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

// generation is images one behind the other: see recordHead.
type generation struct {
	records []byte
	index   map[uint64]uint32 // hash of a key → its newest record
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
	if r.young.index == nil {
		return nil, false
	}
	h := maphash.Bytes(r.seed, key)
	if at, ok := r.young.index[h]; ok {
		return r.young.at(at, key) // another key of the same hash hides the old generation: it may be stale
	}
	at, ok := r.old.index[h]
	if !ok {
		return nil, false
	}
	if value, known = r.old.at(at, key); known && r.young.fits(key, value) {
		r.young.add(h, key, value, saved)
	}
	return value, known
}

// note remembers an image that Pebble has and that others are read with. Where they do not all fit into the young generation none of
// them is kept: a part of so many would seldom be asked for.
func (r *recent) note(key, value []byte) {
	if r.tooMany || !short(key, value) {
		return
	}
	r.begin()
	h := maphash.Bytes(r.seed, key)
	if _, ok := r.young.index[h]; ok {
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
	h := maphash.Bytes(r.seed, key)
	at, there := r.young.index[h]
	if there {
		same := r.young.is(at, key)
		switch {
		case !same && r.young.mark(at) == unsaved:
			return false
		case same && r.young.overwrite(at, value):
			r.marked(at, mark)
			return true
		}
	}
	if !r.young.fits(key, value) {
		if len(r.unsaved) > 0 {
			return false
		}
		r.turn()
		there = false
	}
	if there && r.young.mark(at) == unsaved { // of this key
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
	clear(r.young.index)
	r.young.records = r.young.records[:0]
}

// forget makes a key, which has no unsaved image, unknown.
func (r *recent) forget(key []byte) {
	if r.young.index != nil {
		h := maphash.Bytes(r.seed, key)
		delete(r.young.index, h)
		delete(r.old.index, h)
	}
}

func (r *recent) begin() {
	if r.young.index == nil {
		r.seed = maphash.MakeSeed()
		r.young.index, r.old.index = map[uint64]uint32{}, map[uint64]uint32{}
	}
}

// forgetAll makes all keys unknown, of which none may be unsaved. The room of the young generation is used again.
func (r *recent) forgetAll() {
	clear(r.young.index)
	r.young.records, r.old, r.tooMany = r.young.records[:0], generation{}, false
	if r.young.index != nil {
		r.old.index = map[uint64]uint32{}
	}
}

func (r *recent) clear() { *r = recent{} }

func short(key, value []byte) bool { return len(key) < longestRecent && len(value) < longestRecent }

func room(value []byte) int { return (len(value) + roomStep - 1) / roomStep * roomStep }

func (g *generation) fits(key, value []byte) bool {
	return len(g.records)+recordHead+len(key)+room(value) <= generationBytes
}

func (g *generation) add(h uint64, key, value []byte, mark byte) uint32 {
	if g.records == nil {
		g.records = make([]byte, 0, generationBytes) // memory that is not written to costs nothing, growing does
	}
	at := uint32(len(g.records))
	g.index[h] = at
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

// at gives the value of the record at a place, if it is the key's.
func (g *generation) at(at uint32, key []byte) ([]byte, bool) {
	if !g.is(at, key) {
		return nil, false
	}
	_, value := g.record(at)
	return value, true
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
