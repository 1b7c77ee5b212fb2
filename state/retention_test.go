package state

import (
	"crypto/rand"
	"testing"
	"time"
)

// kept gives the first and the last entry of the log, and how many there are.
func kept(t *testing.T, s *Store) (first, last uint64, n int) {
	t.Helper()
	must(t, s.Entries(0, func(lsn uint64, _ []byte) bool {
		if n == 0 {
			first = lsn
		}
		last = lsn
		n++
		return true
	}))
	return first, last, n
}

func TestOldEntriesAreForgottenAndTheFloorRises(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	for lsn := uint64(1); lsn <= 100; lsn++ {
		must(t, sell(s, lsn))
		must(t, s.Commit())
	}
	must(t, s.Trim(day(100), Retention{Age: 30 * time.Minute}))
	must(t, s.Commit())
	if first, last, n := kept(t, s); first != 70 || last != 100 || n != 31 {
		t.Errorf("kept %d entries from %d to %d, want 31 from 70 to 100", n, first, last)
	}
	if got := s.Meta().Floor; got != 69 {
		t.Errorf("the floor is %d, want 69", got)
	}
	must(t, s.Close())
	s = reopen(t, dir)
	if first, _, _ := kept(t, s); first != 70 || s.Meta().Floor != 69 {
		t.Errorf("reopened, the log begins at %d above floor %d", first, s.Meta().Floor)
	}
	must(t, s.Trim(day(5000), Retention{Age: time.Hour}))
	must(t, s.Commit())
	if _, _, n := kept(t, s); n != 0 || s.Meta().Floor != 100 {
		t.Errorf("%d entries above floor %d, want none above 100", n, s.Meta().Floor)
	}
}

func TestTooLargeALogIsCutFromItsOldEnd(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	const page = pageHead + 10 + 1000 // an entry to each
	entry := []byte(rand.Text())
	for len(entry) < 1000 {
		entry = append(entry, rand.Text()...)
	}
	for lsn := uint64(1); lsn <= 100; lsn++ {
		must(t, s.Append(lsn, day(lsn), entry[:1000]))
		s.Advance(lsn, day(lsn), day(lsn), day(lsn))
		must(t, s.Commit())
	}
	if got := s.LogBytes(); got != 100*page {
		t.Errorf("the log holds %d bytes, want %d", got, 100*page)
	}
	must(t, s.Close())

	s = reopen(t, dir) // it must know its size without having written it
	if got := s.LogBytes(); got != 100*page {
		t.Errorf("reopened, the log holds %d bytes, want %d", got, 100*page)
	}
	limit := Retention{Age: 1000 * time.Hour, Bytes: 40 * page}
	must(t, s.Trim(day(100), limit))
	must(t, s.Trim(day(100), limit)) // twice within a group is once
	must(t, s.Commit())
	if first, last, n := kept(t, s); first != 61 || last != 100 || n != 40 {
		t.Errorf("kept %d entries from %d to %d, want 40 from 61 to 100", n, first, last)
	}
	if got := s.LogBytes(); got != 40*page || s.Meta().Floor != 60 {
		t.Errorf("%d bytes above floor %d, want %d above 60", got, s.Meta().Floor, 40*page)
	}
}

func TestACommitTimeThatStepsBackCutsNothingYoung(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	must(t, s.Append(1, day(60), []byte("young")))
	must(t, s.Commit())
	must(t, s.Append(2, day(0), []byte("stepped back")))
	must(t, s.Commit())
	must(t, s.Append(3, day(61), []byte("younger")))
	must(t, s.Commit())
	must(t, s.Trim(day(62), Retention{Age: 10 * time.Minute}))
	must(t, s.Commit())
	if first, _, n := kept(t, s); first != 1 || n != 3 {
		t.Errorf("kept %d entries from %d: the log must be whole above its floor", n, first)
	}
}

func TestAPageIsForgottenOnceItsNewestEntryIsOld(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for lsn := uint64(1); lsn <= 100; lsn++ {
		must(t, s.Append(lsn, day(lsn%50), []byte("entry")))
		if lsn == 70 {
			must(t, s.Commit())
		}
	}
	must(t, s.Commit())
	must(t, s.Trim(day(59), Retention{Age: 10 * time.Minute}))
	must(t, s.Commit())
	if first, _, n := kept(t, s); first != 1 || n != 100 {
		t.Errorf("kept %d entries from %d, want all: each page has one of minute 49", n, first)
	}
	must(t, s.Trim(day(60), Retention{Age: 10 * time.Minute}))
	must(t, s.Commit())
	if _, _, n := kept(t, s); n != 0 || s.Meta().Floor != 100 || s.LogBytes() != 0 {
		t.Errorf("%d entries and %d bytes above floor %d, want none above 100", n, s.LogBytes(), s.Meta().Floor)
	}
}
