package cdc

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// A transaction may touch more records than fit in memory. Past a limit its touches are spilled to the scratch, found again
// there when a later row touches the same record, and netted at its end in the order of their keys, part by part. Whoever
// takes the parts must make nothing of them durable or public before the transaction's end.
//
// Keys in the scratch: 't', image key: a touch. 'w', line key: a write to the index of lines. 'f', source, document, 0, line
// or nothing: a document that was touched, through this line or itself, with the first row that did.
const (
	spilledTouch  = 't'
	spilledWrite  = 'w'
	spilledFamily = 'f'
)

const (
	spillTouches = manyTouches // held in memory at most
	spillBytes   = 8 << 20     // of keys and images
	partChanges  = 2000        // handed on at once
	familyBatch  = 200         // documents told at once
)

// relieve spills when memory holds too much. It is called between rows: touches move.
func (c *collector) relieve() error {
	if len(c.touches) < c.limit && c.size < spillBytes {
		return nil
	}
	return c.spill()
}

func (c *collector) spill() error {
	if !c.spilled {
		if err := c.room().Clear(); err != nil { // of a transaction that was cut off
			return err
		}
	}
	if !c.spilled {
		c.sieve.empty()
	}
	c.spilled = true
	for i := range c.touches {
		if err := c.keepTouch(&c.touches[i]); err != nil {
			return err
		}
	}
	clear(c.index)
	c.touches, c.size, c.current = c.touches[:0], 0, -1
	return nil
}

func (c *collector) room() Scratch { return c.images.Scratch("transaction") }

// keepTouch writes a touch: its row, the length of the image before, both images.
func (c *collector) keepTouch(t *touch) error {
	v := binary.BigEndian.AppendUint32(c.scratch[:0], t.row)
	v = binary.AppendUvarint(v, uint64(len(t.before)))
	v = append(append(v, t.before...), t.after...)
	c.scratch = v
	c.sieve.add(maphash.Bytes(c.seed, t.key))
	return c.room().Put(c.spillKey(spilledTouch, t.key), v)
}

func (c *collector) spillKey(space byte, key []byte) []byte {
	c.spillBuf = append(append(c.spillBuf[:0], space), key...)
	return c.spillBuf
}

// sieve tells of most keys that they were not spilled, without a look at the disk: a Bloom filter of two bits a key. Of two
// million keys it lets one in twenty of the others pass.
type sieve []uint64

const sieveBits = 24 // two megabytes

func (s *sieve) empty() {
	if *s == nil {
		*s = make(sieve, 1<<sieveBits/64)
	}
	clear(*s)
}

func (s sieve) add(hash uint64) {
	for _, h := range [2]uint64{hash, hash >> 32} {
		h &= 1<<sieveBits - 1
		s[h/64] |= 1 << (h % 64)
	}
}

func (s sieve) passes(hash uint64) bool {
	for _, h := range [2]uint64{hash, hash >> 32} {
		h &= 1<<sieveBits - 1
		if s[h/64]&(1<<(h%64)) == 0 {
			return false
		}
	}
	return true
}

// unspill finds a touch in the scratch.
func (c *collector) unspill(t *touch) (bool, error) {
	if !c.spilled || !c.sieve.passes(maphash.Bytes(c.seed, t.key)) {
		return false, nil
	}
	v, ok, err := c.room().Get(c.spillKey(spilledTouch, t.key))
	if err != nil || !ok {
		return false, err
	}
	return true, t.read(v)
}

// read takes row and images from a value of the scratch, into the touch's own buffers.
func (t *touch) read(v []byte) error {
	if len(v) < 5 {
		return errTorn
	}
	n, head := binary.Uvarint(v[4:])
	if head <= 0 || n > uint64(len(v)-4-head) {
		return errTorn
	}
	t.row = binary.BigEndian.Uint32(v)
	images := v[4+head:]
	t.before, t.after = append(t.before[:0], images[:n]...), append(t.after[:0], images[n:]...)
	return nil
}

// truncateSpilled makes the spilled records of a source go.
func (c *collector) truncateSpilled(s *source) error {
	if !c.spilled {
		return nil
	}
	t := touch{src: s}
	return c.walk(append([]byte{spilledTouch}, imageKey(nil, s)...), func(key, v []byte) error {
		if err := t.read(v); err != nil {
			return err
		}
		t.key, t.after = append(t.key[:0], key[1:]...), t.after[:0]
		return c.keepTouch(&t)
	})
}

// walk walks the scratch until a step fails.
func (c *collector) walk(prefix []byte, step func(key, value []byte) error) error {
	var failed error
	err := c.room().Walk(prefix, func(k, v []byte) bool { failed = step(k, v); return failed == nil })
	if failed != nil {
		return failed
	}
	return err
}

// finishSpilled nets a transaction that was spilled. All but its last part go to c.part.
func (c *collector) finishSpilled() (*Transaction, error) {
	if err := c.spill(); err != nil {
		return nil, err
	}
	if err := c.netSpilled(); err != nil {
		return nil, err
	}
	if err := c.indexSpilled(); err != nil {
		return nil, err
	}
	if err := c.familiesSpilled(); err != nil {
		return nil, err
	}
	sortChanges(c.out.Changes)
	if err := c.settleFaults(); err != nil {
		return nil, err
	}
	return &c.out, nil
}

// release frees the scratch after a transaction that was spilled, or was cut off.
func (c *collector) release() error {
	if !c.spilled {
		return nil
	}
	return c.room().Clear()
}

func (c *collector) netSpilled() error {
	var t touch
	return c.walk([]byte{spilledTouch}, func(key, v []byte) error {
		if len(key) < 4 {
			return errTorn
		}
		if err := t.read(v); err != nil {
			return err
		}
		t.key = append(t.key[:0], key[1:]...)
		t.src = c.sources[binary.BigEndian.Uint16(t.key[1:])]
		own := touch{src: t.src, row: t.row, key: c.own(t.key), before: t.before, after: c.own(t.after)}
		if err := c.net(&own); err != nil {
			return err
		}
		if len(c.documents) > partChanges {
			clear(c.documents)
		}
		return c.handOn()
	})
}

// own copies bytes into memory that is good until the part at hand is handed on.
func (c *collector) own(b []byte) []byte {
	from := len(c.arena)
	c.arena = append(c.arena, b...)
	return c.arena[from:len(c.arena):len(c.arena)]
}

// handOn hands the part at hand on when it is large enough.
func (c *collector) handOn() error {
	if enough := min(partChanges, c.limit); len(c.out.Changes) < enough && len(c.out.Writes) < enough {
		return nil
	}
	sortChanges(c.out.Changes)
	if err := c.part(&c.out); err != nil {
		return err
	}
	clear(c.out.Changes) // records are large
	c.out.Changes, c.out.Writes, c.arena = c.out.Changes[:0], c.out.Writes[:0], c.arena[:0]
	return nil
}

// indexLine keeps a write to the index of lines until its turn: writes are handed on in the order of their keys.
func (c *collector) indexLine(key []byte, there bool) error {
	if !c.spilled {
		w := Write{Key: key}
		if there {
			w.Value = []byte{}
		}
		c.out.Writes = append(c.out.Writes, w)
		return nil
	}
	return c.room().Put(c.spillKey(spilledWrite, key), appendBool(nil, there))
}

func appendBool(b []byte, yes bool) []byte {
	if yes {
		return append(b, 1)
	}
	return append(b, 0)
}

func (c *collector) indexSpilled() error {
	return c.walk([]byte{spilledWrite}, func(key, v []byte) error {
		w := Write{Key: c.own(key[1:])}
		if bytes.Equal(v, []byte{1}) {
			w.Value = []byte{}
		}
		c.out.Writes = append(c.out.Writes, w)
		return c.handOn()
	})
}

// keepFamily notes a touched document, with the line that touched it, if it was one.
func (c *collector) keepFamily(ref parentRef, line string, row uint32) error {
	key := binary.BigEndian.AppendUint16(nil, uint16(ref.src.index))
	key = append(append(append(key, ref.id...), 0), line...)
	return c.room().Put(c.spillKey(spilledFamily, key), binary.BigEndian.AppendUint32(nil, row))
}

// familiesSpilled tells the touched documents, some at a time. Those of one document stand side by side.
func (c *collector) familiesSpilled() error {
	var last parentRef
	err := c.walk([]byte{spilledFamily}, func(key, v []byte) error {
		end := bytes.IndexByte(key[3:], 0)
		if end < 0 || len(v) != 4 {
			return errTorn
		}
		ref := parentRef{c.sources[binary.BigEndian.Uint16(key[1:])], string(key[3 : 3+end])}
		if ref != last && len(c.parents) >= familyBatch {
			if err := c.tellFamilies(); err != nil {
				return err
			}
		}
		last = ref
		c.family(ref, binary.BigEndian.Uint32(v))
		line := string(key[4+end:])
		if line == "" {
			return nil
		}
		t, err := c.peek(ref.src.lines, line)
		if err != nil {
			return fmt.Errorf("line of a large transaction: %w", err)
		}
		c.lines[ref] = append(c.lines[ref], t)
		return nil
	})
	if err != nil {
		return err
	}
	return c.tellFamilies()
}

// tellFamilies tells the documents at hand, their lines in the order of the rows that touched them.
func (c *collector) tellFamilies() error {
	for _, lines := range c.lines {
		slices.SortStableFunc(lines, func(a, b *touch) int { return cmp.Compare(a.row, b.row) })
	}
	if err := c.families(); err != nil {
		return err
	}
	clear(c.parents)
	clear(c.lines)
	clear(c.documents)
	return c.handOn()
}

// sortChanges puts changes in the order of the rows that made them.
func sortChanges(changes []rxvigil.Change) {
	slices.SortStableFunc(changes, compareChanges)
}
