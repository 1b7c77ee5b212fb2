package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
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
