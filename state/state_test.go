package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatWasCommittedIsThereAfterReopening(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	for lsn := uint64(1); lsn <= 3; lsn++ {
		must(t, sell(s, lsn))
	}
	must(t, s.PutImage([]byte("gone"), []byte("x")))
	must(t, s.PutImage([]byte("empty"), []byte{}))
	must(t, s.Commit())
	must(t, s.PutImage([]byte("gone"), nil))
	must(t, s.Commit())
	must(t, s.Sync())
	before := s.Meta()
	must(t, s.Close())

	s = reopen(t, dir)
	if diff := cmp.Diff(s.Meta(), before); diff != "" {
		t.Errorf("meta after reopening (-got +want):\n%s", diff)
	}
	if got := whole(t, s); got != 3 {
		t.Errorf("stands at %d, want 3", got)
	}
	if _, ok, err := s.Image([]byte("gone")); ok || err != nil {
		t.Errorf("a deleted image is there (%v)", err)
	}
	if v, ok, err := s.Image([]byte("empty")); !ok || len(v) != 0 || err != nil {
		t.Errorf("an empty image is %q, %v, %v", v, ok, err)
	}
	must(t, s.Usage(func(key, value []byte) bool {
		if string(key) != "usage" || value[7] != 3 {
			t.Errorf("usage %q is %v", key, value)
		}
		return true
	}))
}

func TestAnOpenGroupIsSeenByItsWriterAloneAndLostWithIt(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	must(t, sell(s, 1))
	must(t, s.Commit())
	must(t, sell(s, 2))
	if v, ok, err := s.Image([]byte("lot/00000002")); !ok || err != nil || string(v) != "sold in 2" {
		t.Errorf("the writer does not see its own group: %q, %v, %v", v, ok, err)
	}
	entries := 0
	must(t, s.Entries(0, func(uint64, []byte) bool { entries++; return true }))
	if entries != 1 {
		t.Errorf("the log shows %d entries, want the committed one", entries)
	}
	must(t, s.Close())

	if got := whole(t, reopen(t, dir)); got != 1 {
		t.Errorf("stands at %d, want 1: the open group is not part of it", got)
	}
}

func TestResetLeavesNothingAndCountsOnlyOnceAPositionIsSet(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	must(t, sell(s, 1))
	must(t, s.Commit())
	must(t, sell(s, 2))
	must(t, s.Reset(json.RawMessage(`{"system":"2"}`), "other", "later"))
	must(t, s.Close())

	s = reopen(t, dir)
	want := Meta{Format: format, Identity: json.RawMessage(`{"system":"2"}`), Hash: "other", Epoch: "later"}
	if diff := cmp.Diff(s.Meta(), want); diff != "" {
		t.Errorf("meta after a reset (-got +want):\n%s", diff)
	}
	must(t, s.Images(nil, func(key, _ []byte) bool { t.Errorf("image %q outlived the reset", key); return true }))
	must(t, s.Usage(func(key, _ []byte) bool { t.Errorf("usage %q outlived the reset", key); return true }))
	must(t, s.Entries(0, func(lsn uint64, _ []byte) bool { t.Errorf("entry %d outlived the reset", lsn); return true }))
	if got := s.LogBytes(); got != 0 {
		t.Errorf("the log holds %d bytes after a reset", got)
	}
}

func TestKeysStayWithinTheirPrefixToTheLastByte(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for _, key := range []string{"a", "a\x00", "a\xff", "a\xff\xff", "a\xff\xff\x01", "b", "\xff\xff", "\xff"} {
		must(t, s.PutImage([]byte(key), []byte("v")))
	}
	must(t, s.PutUsage([]byte("a"), []byte("v")))
	for _, c := range []struct {
		prefix string
		want   []string
	}{
		{"a", []string{"a", "a\x00", "a\xff", "a\xff\xff", "a\xff\xff\x01"}},
		{"a\xff", []string{"a\xff", "a\xff\xff", "a\xff\xff\x01"}},
		{"a\xff\xff", []string{"a\xff\xff", "a\xff\xff\x01"}},
		{"\xff", []string{"\xff", "\xff\xff"}},
		{"c", nil},
		{"", []string{"a", "a\x00", "a\xff", "a\xff\xff", "a\xff\xff\x01", "b", "\xff", "\xff\xff"}},
	} {
		var got []string
		must(t, s.Keys([]byte(c.prefix), func(key []byte) bool { got = append(got, string(key)); return true }))
		if diff := cmp.Diff(got, c.want); diff != "" {
			t.Errorf("keys with prefix %q (-got +want):\n%s", c.prefix, diff)
		}
	}
	seen := 0
	must(t, s.Keys(nil, func([]byte) bool { seen++; return seen < 2 }))
	if seen != 2 {
		t.Errorf("the walk went on to key %d after no", seen)
	}
}

func TestEntriesBeginWhereAsked(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for _, lsn := range []uint64{10, 20, 0xFFFF_FFFF_0000_0000, ^uint64(0)} {
		must(t, s.Append(lsn, day(0), fmt.Appendf(nil, "%02d bytes", lsn%100)))
	}
	must(t, s.Commit())
	read := func(from uint64) (got []uint64) {
		must(t, s.Entries(from, func(lsn uint64, _ []byte) bool { got = append(got, lsn); return true }))
		return got
	}
	for from, want := range map[uint64][]uint64{
		0:  {10, 20, 0xFFFF_FFFF_0000_0000, ^uint64(0)},
		20: {20, 0xFFFF_FFFF_0000_0000, ^uint64(0)},
		21: {0xFFFF_FFFF_0000_0000, ^uint64(0)},
	} {
		if diff := cmp.Diff(read(from), want); diff != "" {
			t.Errorf("entries from %d (-got +want):\n%s", from, diff)
		}
	}
}

func TestASecondEngineIsToldThatTheFolderIsInUse(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	if _, err := Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice in one process: %v", err)
	}
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(os.Environ(), childVar+"="+dir)
	out, err := other.CombinedOutput()
	if err == nil || !strings.Contains(string(out), ErrInUse.Error()) {
		t.Errorf("another process says %q (%v)", out, err)
	}
	if got := aside(t, dir); len(got) > 0 {
		t.Errorf("the folder of a running engine was set aside as %v", got)
	}
	must(t, sell(s, 1))
	must(t, s.Commit())
}

func TestAFolderThatMayNotBeWrittenIsNotCalledInUse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	must(t, os.WriteFile(file, nil, 0o600))
	if _, err := Open(file, slog.New(slog.DiscardHandler)); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("a file as folder: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "state")
	must(t, os.MkdirAll(filepath.Join(dir, "LOCK"), 0o700)) // no file can be made there
	if _, err := Open(dir, slog.New(slog.DiscardHandler)); err == nil || errors.Is(err, ErrInUse) {
		t.Errorf("a folder without room for a lock: %v", err)
	}
}

func TestTheShapeIsKeptUntilAReset(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	must(t, s.PutShape([]byte(`{"7":{}}`)))
	must(t, s.Commit())
	must(t, s.PutShape([]byte("never committed")))
	must(t, s.Close())
	s = reopen(t, dir)
	if got, err := s.Shape(); string(got) != `{"7":{}}` || err != nil {
		t.Errorf("kept %q, %v", got, err)
	}
	must(t, s.Reset(json.RawMessage(`{}`), "hash", "epoch"))
	if got, err := s.Shape(); got != nil || err != nil {
		t.Errorf("kept %q after a reset, %v", got, err)
	}
}
