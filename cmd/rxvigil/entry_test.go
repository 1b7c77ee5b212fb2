package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/state"
)

func entryOf(ordinal uint32, envelopes ...string) push.Entry {
	e := push.Entry{LSN: 42}
	for i, envelope := range envelopes {
		pos := rxvigil.Position{Epoch: "e1", LSN: 42, Ordinal: ordinal + uint32(i)}
		e.Events = append(e.Events, &push.Event{
			Pos: pos, Tenant: "t1", Branch: "b1", Type: rxvigil.StockChanged, Topic: rxvigil.Inventory,
			Last: i == len(envelopes)-1, At: time.UnixMicro(1_700_000_000_000_001).UTC(), JSON: []byte(envelope),
		})
	}
	return e
}

// withClear gives an entry's i-th event personal values.
func withClear(e push.Entry, i int, envelope string) push.Entry {
	e.Events[i].Clear = []byte(envelope)
	return e
}

func TestAnEntryComesBackFromDiskAsItWas(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(`{"on_hand":12,"reserved":0}`, 40)
	for _, want := range []push.Entry{
		entryOf(0, `{}`),
		entryOf(16, long, long, long),
		entryOf(rxvigil.FirstTransition, strings.Repeat(long, 9_000)),
		withClear(entryOf(3, `{"id":"p"}`, `{"id":"q"}`, `{"id":"r"}`), 1, `{"id":"q","first_name":"Sara"}`),
	} {
		got, err := decodeEntry("e1", 42, appendEntry(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, want, cmp.Comparer(bytes.Equal), cmpopts.IgnoreUnexported(push.Event{})); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
	}
}

func TestATornEntryIsAnError(t *testing.T) {
	t.Parallel()
	var envelopes []string
	for i := range 20 {
		envelopes = append(envelopes, fmt.Sprintf(`{"on_hand":%d}`, i))
	}
	stored, whole := appendEntry(nil, entryOf(0, envelopes...)), map[int]bool{}
	for i := range envelopes {
		whole[len(appendEntry(nil, entryOf(0, envelopes[:i]...)))] = true
	}
	for n := 1; n < len(stored); n++ {
		if _, err := decodeEntry("e1", 42, stored[:n]); !whole[n] && !errors.Is(err, errTornEntry) {
			t.Errorf("%d of %d bytes give %v", n, len(stored), err)
		}
	}
}

func FuzzEntry(f *testing.F) {
	f.Add(appendEntry(nil, entryOf(0, `{}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decodeEntry("e1", 42, b)
		if err != nil {
			return
		}
		again, err := decodeEntry("e1", 42, appendEntry(nil, e))
		if err != nil || len(again.Events) != len(e.Events) {
			t.Errorf("%d events come back as %d: %v", len(e.Events), len(again.Events), err)
		}
	})
}

// TestAnEntryThatIsKeptInPiecesIsOneAgain to whoever reads the log: a cursor never stands in the middle of what it has not seen.
func TestAnEntryThatIsKeptInPiecesIsOneAgain(t *testing.T) {
	t.Parallel()
	disk, err := state.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = disk.Close() }()
	long := make([]string, 40)
	for i := range long {
		long[i] = fmt.Sprintf(`{"n":%d,"text":%q}`, i, strings.Repeat("on hand ", 2_000))
	}
	want := []push.Entry{at(30, entryOf(0, `{}`)), at(42, entryOf(0, long...)), at(50, entryOf(0, `{}`, `{}`))}
	e := &engine{disk: disk}
	for _, entry := range want {
		if err := e.keepEntry(entry, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := disk.Commit(); err != nil {
		t.Fatal(err)
	}
	pieces := 0
	if err := disk.Entries(42, func(lsn uint64, _ []byte) bool { pieces++; return lsn == 42 }); err != nil || pieces < 4 {
		t.Fatalf("the entry is kept in %d pieces (%v): nothing is shown", pieces-1, err)
	}
	log := archive{disk, slog.New(slog.DiscardHandler)}
	for _, after := range []rxvigil.Position{{Epoch: "e1"}, {Epoch: "e1", LSN: 42, Ordinal: 7}, rxvigil.EndOf("e1", 42)} {
		var got []push.Entry
		if err := log.Scan(t.Context(), after, func(e push.Entry) bool { got = append(got, e); return true }); err != nil {
			t.Fatal(err)
		}
		left := slices.DeleteFunc(slices.Clone(want), func(e push.Entry) bool { return e.Events[len(e.Events)-1].Pos.Compare(after) <= 0 })
		if diff := cmp.Diff(got, left, cmp.Comparer(bytes.Equal), cmpopts.IgnoreUnexported(push.Event{})); diff != "" {
			t.Errorf("after %s (-got +want):\n%.2000s", after, diff)
		}
	}
	seen := 0
	if err := log.Scan(t.Context(), rxvigil.Position{Epoch: "e1"}, func(push.Entry) bool { seen++; return seen < 2 }); err != nil || seen != 2 {
		t.Errorf("%d entries came where two were enough (%v)", seen, err)
	}
}

// at puts an entry at another place.
func at(lsn uint64, e push.Entry) push.Entry {
	e.LSN = lsn
	for _, ev := range e.Events {
		ev.Pos.LSN = lsn
	}
	return e
}
