package state

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// entriesOf writes a log in groups of any size, of entries of any length, and gives them by their LSN.
func entriesOf(t *testing.T, s *Store) map[uint64][]byte {
	t.Helper()
	want := map[uint64][]byte{}
	for n := range uint64(300) {
		lsn := 10 * (n + 1)
		entry := bytes.Repeat(fmt.Appendf(nil, "%d on hand ", n), rand.IntN(3_000))
		if n == 150 {
			entry = make([]byte, 9<<20) // more than is packed
		}
		want[lsn] = entry
		must(t, s.Append(lsn, day(n), entry))
		if rand.IntN(20) == 0 {
			must(t, s.Commit())
		}
		if n == 100 {
			must(t, s.Keys(nil, func([]byte) bool { return false })) // a walk in the middle of a group
		}
	}
	must(t, s.Commit())
	return want
}

func TestEntriesComeBackFromTheirPages(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	want := entriesOf(t, s)
	size := s.LogBytes()
	must(t, s.Close())
	s = reopen(t, dir)
	for _, from := range []uint64{0, 10, 11, 1_505, 2_000, 3_000} {
		next := max(10, (from+9)/10*10)
		must(t, s.Entries(from, func(lsn uint64, entry []byte) bool {
			if lsn != next || !bytes.Equal(entry, want[lsn]) {
				t.Errorf("from %d: entry %d of %d bytes, want %d of %d", from, lsn, len(entry), next, len(want[next]))
			}
			next += 10
			return true
		}))
		if next != 3_010 {
			t.Errorf("from %d: ends before %d", from, next)
		}
	}
	must(t, s.Entries(3_001, func(lsn uint64, _ []byte) bool { t.Errorf("entry %d behind the last", lsn); return false }))
	seen := 0
	must(t, s.Entries(0, func(uint64, []byte) bool { seen++; return seen < 5 }))
	if seen != 5 {
		t.Errorf("went on to entry %d after no", seen)
	}
	plain := 0
	for _, entry := range want {
		plain += len(entry)
	}
	if long := 9 << 20; int(size) > long+(plain-long)/5 {
		t.Errorf("%d bytes are kept in %d", plain, size)
	}
}

func TestATornPageIsAnError(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string][]byte{"packed": bytes.Repeat([]byte("on hand "), 100), "plain": []byte("an entry")} {
		var p page
		p.add(7, 0, entry)
		_, value := p.close()
		if packed := value[pageHead-1] == pagePacked; packed != (name == "packed") {
			t.Fatalf("%s: packed in way %d", name, value[pageHead-1])
		}
		for n := range len(value) {
			_, more, err := eachEntry(nil, value[:n], 0, func(uint64, []byte) bool { t.Errorf("%s: %d bytes give an entry", name, n); return true })
			if more || !errors.Is(err, ErrTornPage) {
				t.Errorf("%s: %d of %d bytes give %v", name, n, len(value), err)
			}
		}
		other := slices.Clone(value)
		other[pageHead-1] = 9
		if _, _, err := eachEntry(nil, other, 0, nil); !errors.Is(err, ErrTornPage) {
			t.Errorf("packed in a way nobody knows: %v", err)
		}
	}
}

func FuzzPage(f *testing.F) {
	var p page
	p.add(7, 0, []byte("an entry"))
	_, plain := p.close()
	f.Add(slices.Clone(plain))
	for range 100 {
		p.add(8, 1, []byte("an entry"))
	}
	_, packed := p.close()
	f.Add(slices.Clone(packed))
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) > 1<<20 {
			return
		}
		var again page
		want := 0
		if _, _, err := eachEntry(nil, value, 0, func(lsn uint64, entry []byte) bool { again.add(lsn, 0, entry); want++; return true }); err != nil || want == 0 {
			return
		}
		_, written := again.close()
		got := 0
		if _, _, err := eachEntry(nil, written, 0, func(uint64, []byte) bool { got++; return true }); err != nil || got != want {
			t.Errorf("%d entries come back as %d: %v", want, got, err)
		}
	})
}

// TestALongEntryComesInPieces, in their order, wherever reading begins; and all of them are forgotten, or none.
func TestALongEntryComesInPieces(t *testing.T) {
	t.Parallel()
	const pieces, piece = 9, 100 << 10
	draw := rand.New(rand.NewPCG(3, 4))
	long := make([]byte, pieces*piece) // that nothing packs
	for i := range long {
		long[i] = byte(draw.Uint32())
	}
	for limit := int64(1); limit < pieces*piece+20_000; limit += piece / 2 {
		s, dir := setup(t)
		must(t, s.Append(10, day(1), []byte("before")))
		for i := range pieces {
			must(t, s.Append(20, day(1), long[i*piece:(i+1)*piece]))
		}
		must(t, s.Append(30, day(1), []byte("behind")))
		must(t, s.Append(40, day(1), []byte("the last")))
		must(t, s.Commit())
		must(t, s.Close())
		s = reopen(t, dir)
		for from, want := range map[uint64][]uint64{0: {10, 20, 30, 40}, 11: {20, 30, 40}, 20: {20, 30, 40}, 21: {30, 40}, 31: {40}} {
			if lsns, got := readLog(t, s, from); !slices.Equal(lsns, want) || from <= 20 && !bytes.Equal(got[20], long) {
				t.Fatalf("from %d: %d, want %d, or a piece is another", from, lsns, want)
			}
		}
		must(t, s.Trim(day(2), Retention{Bytes: limit}))
		must(t, s.Commit())
		if lsns, got := readLog(t, s, 0); len(got[20]) > 0 && !bytes.Equal(got[20], long) || len(lsns) > 0 && slices.Contains(lsns, 20) != bytes.Equal(got[20], long) {
			t.Errorf("with room for %d bytes %d are left of the entry of %d", limit, len(got[20]), len(long))
		}
		size := s.LogBytes()
		must(t, s.Close())
		s = reopen(t, dir)
		if s.LogBytes() != size {
			t.Errorf("%d bytes are left, and %d were counted", s.LogBytes(), size)
		}
		must(t, s.Close())
	}
}

// readLog gives the places of entries in their order, and each entry.
func readLog(t *testing.T, s *Store, from uint64) (lsns []uint64, entries map[uint64][]byte) {
	t.Helper()
	entries = map[uint64][]byte{}
	must(t, s.Entries(from, func(lsn uint64, entry []byte) bool {
		lsns = append(lsns, lsn)
		entries[lsn] = append(entries[lsn], entry...)
		return true
	}))
	return slices.Compact(lsns), entries
}
