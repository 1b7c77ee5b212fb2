package state

import (
	"encoding/binary"
	"log/slog"
	"os"
	"testing"
)

func TestAScratchKeepsWhatItWasGivenUntilItIsCleared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/state"
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	room := s.Scratch("tx")
	if _, ok, err := room.Get([]byte("t0")); ok || err != nil {
		t.Fatalf("an empty scratch has %v, %v", ok, err)
	}
	const n = 20_000
	for i := range n {
		key := binary.BigEndian.AppendUint32([]byte{'t'}, uint32(i*7919%n))
		if err := room.Put(key, key[1:]); err != nil {
			t.Fatal(err)
		}
	}
	if err := room.Put([]byte("other"), nil); err != nil {
		t.Fatal(err)
	}
	seen := uint32(0)
	err = s.Scratch("tx").Walk([]byte{'t'}, func(_, v []byte) bool {
		if got := binary.BigEndian.Uint32(v); got != seen {
			t.Fatalf("walked to %d, want %d", got, seen)
		}
		seen++
		return true
	})
	if seen != n || err != nil {
		t.Fatalf("walked over %d keys, want %d: %v", seen, n, err)
	}
	if v, ok, err := room.Get([]byte{'t', 0, 0, 0, 5}); !ok || err != nil || v[3] != 5 {
		t.Fatalf("got %v %v %v", v, ok, err)
	}
	if err := room.Clear(); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := room.Get([]byte{'t', 0, 0, 0, 5}); ok {
		t.Fatal("a cleared scratch remembers")
	}
	if left, _ := os.ReadDir(dir + "-scratch"); len(left) > 0 {
		t.Fatalf("a cleared scratch left %v", left)
	}
}
