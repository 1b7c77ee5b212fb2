package cdc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheNarrowXIDIsWidenedToTheNearest(t *testing.T) {
	t.Parallel()
	const round = 1 << 32
	for _, c := range []struct {
		xid  uint32
		near uint64
		want uint64
	}{
		{5, 5, 5},
		{4, 5, 4},
		{5, round + 4, round + 5},
		{0xFFFF_FFFE, round + 4, 0xFFFF_FFFE},
		{3, 3*round - 2, 3*round + 3},
		{0xFFFF_FFFE, 3*round - 2, 3*round - 2},
		{0xFFFF_FFFE, 7, 0xFFFF_FFFE}, // there is no round before the first
		{3, 5*round + 1<<31, 5*round + 3},
		{1 << 31, 5 * round, 5*round + 1<<31},
	} {
		if got := widen(c.xid, c.near); got != c.want {
			t.Errorf("%d near %d is %d, want %d", c.xid, c.near, got, c.want)
		}
	}
}

func TestASnapshotShowsWhatHadCommitted(t *testing.T) {
	t.Parallel()
	s, err := parseSnapshot("10:20:12,15")
	must(t, err)
	for xid, want := range map[uint64]bool{9: true, 10: true, 11: true, 12: false, 13: true, 15: false, 19: true, 20: false, 21: false} {
		if got := s.shows(xid); got != want {
			t.Errorf("shows %d: %v, want %v", xid, got, want)
		}
	}
	s, err = parseSnapshot("10:10:")
	must(t, err)
	if !s.shows(9) || s.shows(10) {
		t.Error("a quiet snapshot shows the wrong side")
	}
	for _, text := range []string{"", "1:2", "a:2:", "1:b:", "1:3:x", "1:2:3:4"} {
		if _, err := parseSnapshot(text); err == nil {
			t.Errorf("%q is no snapshot", text)
		}
	}
}

func TestRetriesAreSpreadUnderACeilingThatDoubles(t *testing.T) {
	t.Parallel()
	most := func(n int64) int64 { return n - 1 }
	least := func(int64) int64 { return 0 }
	for n, ceiling := range map[int]time.Duration{0: 100 * time.Millisecond, 1: 200 * time.Millisecond, 5: 3200 * time.Millisecond, 7: 10 * time.Second, 1000: 10 * time.Second} {
		if got := jittered(n, most); got != 20*time.Millisecond+ceiling-1 {
			t.Errorf("try %d waits at most %v", n, got)
		}
		if got := jittered(n, least); got != 20*time.Millisecond {
			t.Errorf("try %d waits at least %v", n, got)
		}
	}
}

func TestThePipeGivesEverythingInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(100)
		go func() {
			for i := range 1000 {
				for !p.put(fmt.Appendf(nil, "message %d", i)) {
					<-p.space
				}
			}
			p.close(errStop)
		}()
		next := 0
		var buf []byte
		for {
			var err error
			if buf, err = p.take(t.Context(), buf); err != nil {
				if !errors.Is(err, errStop) || next != 1000 {
					t.Errorf("after %d messages: %v", next, err)
				}
				return
			}
			if len(buf) > 100+4+len("message 1000") {
				t.Errorf("%d bytes in a pipe of 100", len(buf))
			}
			for rest := buf; len(rest) > 0; next++ {
				var m []byte
				if m, rest = nextMessage(rest); string(m) != fmt.Sprintf("message %d", next) {
					t.Fatalf("message %d is %q", next, m)
				}
			}
		}
	})
}

func TestAFullPipeTakesNoMoreAndAnEmptyOneWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(10)
		if !p.empty() || !p.put(bytes.Repeat([]byte("x"), 1000)) {
			t.Error("one message always fits: else a long one would never pass")
		}
		if p.put([]byte("y")) || p.empty() {
			t.Error("a full pipe took another message")
		}
		_, err := p.take(t.Context(), nil)
		must(t, err)
		if !p.put([]byte("y")) {
			t.Error("an emptied pipe takes nothing")
		}
		_, err = p.take(t.Context(), nil)
		must(t, err)

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := p.take(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an empty pipe gave %v", err)
		}
		p.close(errStop)
		p.close(errors.New("the first reason counts"))
		if _, err := p.take(t.Context(), nil); !errors.Is(err, errStop) {
			t.Errorf("a closed pipe gave %v", err)
		}
	})
}
