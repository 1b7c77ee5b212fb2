package state

import (
	"fmt"
	"log/slog"
	"testing"
	"time"
)

func TestABulkIsThereWithItsGroupOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/state"
	open := func() *Store {
		s, err := Open(dir, slog.New(slog.DiscardHandler))
		must(t, err)
		return s
	}
	key := func(i int) []byte { return fmt.Appendf(nil, "k%06d", i) }
	s := open()
	must(t, s.Reset([]byte(`"a source"`), "hash", "epoch"))
	for i := range 100 {
		must(t, s.PutImage(key(i), []byte("old")))
	}
	s.Advance(7, time.Unix(7, 0), time.Unix(7, 0), time.Time{})
	must(t, s.Commit())

	bulk := func() {
		must(t, s.Bulk())
		must(t, s.BulkImage(key(3), nil))
		for i := 5; i < 50_000; i++ {
			must(t, s.BulkImage(key(i), []byte("new")))
		}
		must(t, s.Append(8, time.Unix(8, 0), []byte("entry")))
		must(t, s.PutUsage([]byte("u"), []byte("1")))
		must(t, s.PutUsage([]byte("u"), []byte("2")))
		s.Advance(8, time.Unix(8, 0), time.Unix(8, 0), time.Time{})
	}
	check := func(position uint64, three bool, five string) {
		t.Helper()
		if got := s.Meta().Position; got != position {
			t.Errorf("position %d, want %d", got, position)
		}
		if _, ok, err := s.Image(key(3)); ok != three || err != nil {
			t.Errorf("image 3: %v %v, want %v", ok, err, three)
		}
		if v, _, err := s.Image(key(5)); string(v) != five || err != nil {
			t.Errorf("image 5: %q %v, want %q", v, err, five)
		}
	}

	bulk()
	if v, _, err := s.Image(key(5)); string(v) != "old" || err != nil {
		t.Errorf("image 5 before the commit: %q %v", v, err)
	}
	must(t, s.Close()) // as a process that ends before it commits
	s = open()
	check(7, true, "old")

	bulk()
	must(t, s.Commit())
	check(8, false, "new")
	must(t, s.Close())
	s = open()
	check(8, false, "new")
	var usage, entry string
	must(t, s.Usage(func(_, v []byte) bool { usage = string(v); return true }))
	must(t, s.Entries(8, func(_ uint64, b []byte) bool { entry = string(b); return true }))
	if usage != "2" || entry != "entry" {
		t.Errorf("usage %q, entry %q", usage, entry)
	}
	if err := s.Bulk(); err != nil {
		t.Fatal(err)
	}
	must(t, s.BulkImage(key(9), nil))
	if err := s.BulkImage(key(9), nil); err == nil {
		t.Error("a key behind itself was taken")
	}
	must(t, s.Close())
}
