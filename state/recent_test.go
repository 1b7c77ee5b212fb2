package state

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRecentImagesAreTheNewestOrNotKnown(t *testing.T) {
	t.Parallel()
	var r recent
	want, stored := map[string][]byte{}, map[string][]byte{} // as written, and as saved
	save := func() {
		last := ""
		must(t, r.save(func(key, value []byte) error {
			if string(key) <= last {
				t.Fatalf("%s is saved behind %s", key, last)
			}
			last = string(key)
			stored[last] = bytes.Clone(value)
			return nil
		}))
		for key, value := range want {
			if !bytes.Equal(stored[key], value) || (stored[key] == nil) != (value == nil) {
				t.Fatalf("%s is saved as %d bytes, want %d", key, len(stored[key]), len(value))
			}
		}
	}
	known, refused := 0, 0
	for n := range 60_000 {
		key := fmt.Appendf(nil, "lot/%d", rand.IntN(8_000))
		switch rand.IntN(10) {
		case 0, 1, 2, 3, 4:
			value := bytes.Repeat([]byte{byte(n)}, rand.IntN(4_000))
			if rand.IntN(5) == 0 {
				value = nil
			}
			if !r.write(key, value) {
				refused++
				save()
				if !r.write(key, value) {
					t.Fatalf("step %d: %s is not taken when all is saved", n, key)
				}
			}
			want[string(key)] = value
		default:
			got, ok := r.get(key)
			if !ok {
				r.learn(key, slices.Concat([]byte{}, want[string(key)]))
				want[string(key)] = slices.Concat([]byte{}, want[string(key)])
				stored[string(key)] = want[string(key)]
				continue
			}
			known++
			if value := want[string(key)]; !bytes.Equal(got, value) || (got == nil) != (value == nil) {
				t.Fatalf("step %d: %s is %d bytes of %v, want %d", n, key, len(got), got[:min(len(got), 1)], len(value))
			}
		}
		if rand.IntN(20_000) == 0 {
			save()
		}
	}
	if known < 1_000 || refused == 0 {
		t.Errorf("only %d images were known; %d were refused", known, refused)
	}
	if n := len(r.young.records) + len(r.old.records); n > 2*generationBytes {
		t.Errorf("it holds %d bytes", n)
	}
	if r.write([]byte("long"), make([]byte, longestRecent)) {
		t.Error("a long image is taken")
	}
	save()
	for key := range want {
		r.forget([]byte(key))
		if _, ok := r.get([]byte(key)); ok {
			t.Fatal("something outlived being forgotten")
		}
	}
}

// A group of any size is seen whole while it is open, and committed whole.
func TestAGroupThatOutgrowsMemoryIsSeenByItsWriter(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	want := map[string][]byte{}
	check := func(s *Store) {
		t.Helper()
		for key, value := range want {
			got, ok, err := s.Image([]byte(key))
			must(t, err)
			if ok != (value != nil) || !bytes.Equal(got, value) {
				t.Fatalf("%s is %d bytes (%v), want %d", key, len(got), ok, len(value))
			}
		}
	}
	var walked []string
	for n := range 3_000 {
		key := fmt.Sprintf("lot/%d", rand.IntN(2_000))
		value := bytes.Repeat([]byte{byte(n)}, rand.IntN(20_000))
		switch {
		case n%7 == 0:
			value = nil
		case n%100 == 0:
			value = make([]byte, longestRecent+n)
		}
		must(t, s.PutImage([]byte(key), value))
		want[key] = value
		if n == 1_500 {
			check(s)
			must(t, s.Keys(nil, func(key []byte) bool { walked = append(walked, string(key)); return true }))
			for _, key := range walked {
				if want[key] == nil {
					t.Fatalf("the walk met %s", key)
				}
			}
		}
	}
	if len(walked) < 500 || s.GroupSize() < generationBytes {
		t.Errorf("walked over %d keys; the group has %d bytes", len(walked), s.GroupSize())
	}
	check(s)
	must(t, s.Commit())
	if got := s.GroupSize(); got != 0 {
		t.Errorf("a new group has %d bytes", got)
	}
	check(s)
	must(t, s.Close())
	check(reopen(t, dir))
}

// What is forgotten for its room is read from the disk again, the newest as the oldest.
func TestRecentImagesAreForgottenWhereNoGroupIsOpen(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	want := map[string]string{}
	write := func(key, value string) {
		must(t, s.PutImage([]byte(key), []byte(value)))
		want[key] = value
	}
	for round := range 4 {
		for n := range 2_000 {
			write(fmt.Sprintf("lot/%d", rand.IntN(20_000)), fmt.Sprintf("%d in round %d", n, round))
		}
		if s.ForgetRecent() == nil {
			t.Error("images of an open group are forgotten")
		}
		must(t, s.Commit())
		must(t, s.ForgetRecent())
		for key := range want {
			if _, known := s.recent.get([]byte(key)); known {
				t.Fatalf("round %d: %s is still known", round, key)
			}
		}
		for key, value := range want {
			got, ok, err := s.Image([]byte(key))
			must(t, err)
			if !ok || string(got) != value {
				t.Fatalf("round %d: %s is %q, want %q", round, key, got, value)
			}
		}
	}
}

// A start reads all images: where they fit they are known afterwards, where they do not none is.
func TestImagesThatDoNotAllFitAreNotRemembered(t *testing.T) {
	t.Parallel()
	note := func(r *recent, n int) {
		for i := range n {
			r.note(fmt.Appendf(nil, "lot/%d", i), make([]byte, 1000))
		}
	}
	var few, many recent
	note(&few, 1_000)
	note(&many, 20_000)
	if _, known := few.get([]byte("lot/7")); !known {
		t.Error("few images are not remembered")
	}
	if many.young.records != nil || many.old.records != nil {
		t.Errorf("many images take %d bytes", len(many.young.records)+len(many.old.records))
	}
	note(&many, 10)
	if _, known := many.get([]byte("lot/7")); known {
		t.Error("after too many, some are remembered")
	}
	many.write([]byte("lot/7"), []byte("new"))
	if v, _ := many.get([]byte("lot/7")); string(v) != "new" {
		t.Errorf("what is written afterwards is %q", v)
	}
	many.write([]byte("lot/8"), []byte("unsaved"))
	note(&many, 20_000)
	if v, _ := many.get([]byte("lot/8")); string(v) != "unsaved" {
		t.Errorf("what was not saved is %q after too many were read", v)
	}
}
