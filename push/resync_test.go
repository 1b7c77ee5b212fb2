package push_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// TestCursorThatCannotResumeIsToldWhy, with a cursor to go on from, on every transport; and the first frame's cursor is not
// one that the client has not earned.
func TestCursorThatCannotResumeIsToldWhy(t *testing.T) {
	for _, tr := range transports() {
		for reason, after := range map[string]string{
			"epoch_changed":  rxvigil.EndOf("e0", 900).String(),
			"cursor_too_old": rxvigil.EndOf("e1", 999).String(),
			"cursor_invalid": "rubbish",
		} {
			t.Run(tr.name+"/"+reason, func(t *testing.T) {
				inBubble(t, 0, func(t *testing.T, b *bundle) {
					v, err := tr.connect(b, "testpharmacy", "", after)
					if err != nil {
						t.Fatal(err)
					}
					defer v.cut()
					first := awaitKind(t, v, "connection_established")
					if tr.name != "websocket" && first.id != "" {
						t.Errorf("the first frame carries %q", first.id)
					}
					f := awaitKind(t, v, "resync")
					if got := reasonOf(f); got != reason || f.id != rxvigil.EndOf("e1", 1000).String() {
						t.Errorf("got reason %q and cursor %q", got, f.id)
					}
				})
			})
		}
	}
}

// TestEarliestBeginsWithWhatTheLogStillHas, be that in memory or on disk, on every transport.
func TestEarliestBeginsWithWhatTheLogStillHas(t *testing.T) {
	for _, tr := range transports() {
		for where, ring := range map[string]int{"memory": 0, "disk": 1} {
			t.Run(tr.name+"/"+where, func(t *testing.T) {
				inBubble(t, ring, func(t *testing.T, b *bundle) {
					var want []string
					for range 3 {
						want = append(want, b.tx(sold(abyssinia, "b1", "m1", 9, 8))...)
						b.tx(sold(blueNile, "", "m9", 9, 8))
					}
					v, err := tr.connect(b, "testpharmacy", "", push.Earliest)
					if err != nil {
						t.Fatal(err)
					}
					defer v.cut()
					for _, id := range want {
						if f := awaitEvent(t, v); f.id != id {
							t.Fatalf("got %s, want %s", f.id, id)
						}
					}
				})
			})
		}
	}
}

func reasonOf(f frame) string {
	if inner, ok := f.data["data"].(map[string]any); ok {
		f.data = inner
	}
	s, _ := f.data["reason"].(string)
	return s
}

func TestCursorAheadOfTheHeadWaitsForIt(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				v, err := tr.connect(b, "testpharmacy", "", rxvigil.EndOf("e1", b.lsn+16).String())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				time.Sleep(time.Second)
				b.tx(sold(abyssinia, "b1", "seen before", 2, 1))
				want := b.tx(sold(abyssinia, "b1", "new", 2, 1))[0]
				if f := awaitEvent(t, v); f.id != want {
					t.Errorf("first event is %s, want %s", f.id, want)
				}
			})
		})
	}
}

func TestCursorAheadOfTheHeadWaitsNoLongerThanAMinute(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				start := time.Now()
				v, err := tr.connect(b, "testpharmacy", "", rxvigil.EndOf("e1", b.lsn+16).String())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				f := awaitKind(t, v, "resync")
				if waited := time.Since(start); reasonOf(f) != "cursor_ahead" || waited != time.Minute {
					t.Errorf("after %s: %s", waited, f.raw)
				}
			})
		})
	}
}

func TestNewEpochResyncsEveryConnection(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				v, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				awaitSubscribed(t, tr, v)
				at := rxvigil.EndOf("e2", 5000)
				b.log.Start("e2", at, at)
				if f := awaitKind(t, v, "resync"); reasonOf(f) != "epoch_changed" || f.id != at.String() {
					t.Errorf("got %s", f.raw)
				}
			})
		})
	}
}

// awaitSubscribed reads until the viewer stands at the head.
func awaitSubscribed(t *testing.T, tr transport, v viewer) {
	t.Helper()
	awaitKind(t, v, "connection_established")
	if tr.name == "websocket" {
		awaitKind(t, v, "ok")
	}
	if tr.name == "live_monitor" {
		awaitKind(t, v, "expiry_alert")
	}
}

func TestTransactionTooLargeIsToldAsResync(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				v, err := tr.connect(b, "testpharmacy", "", rxvigil.EndOf("e1", b.lsn).String())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				want := b.tx(event(abyssinia, "", rxvigil.Resync, `{}`))[0]
				if f := awaitKind(t, v, "resync"); reasonOf(f) != "transaction_too_large" || f.id != want {
					t.Errorf("got %s", f.raw)
				}
			})
		})
	}
}

// TestArchiveThatForgetsIsNeverSilent: whatever the archive let go of, a cursor before it gets a resync, one after it none.
func TestArchiveThatForgetsIsNeverSilent(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bundle) {
		var ids []string
		for i := range 20 {
			ids = append(ids, b.tx(sold(abyssinia, "b1", fmt.Sprint(i), 2, 1))...)
		}
		b.archive.forget(5)
		for i, id := range ids[:19] {
			v, err := b.sse("/api/tenant/abyssinia/stream", id)
			if err != nil {
				t.Fatal(err)
			}
			awaitKind(t, v, "connection_established")
			f, err := v.next()
			v.cut()
			if err != nil {
				t.Fatal(err)
			}
			if lost := i < 15-1 || i == 14 && f.kind == "resync"; (f.kind == "resync") != lost || !lost && f.id != ids[i+1] {
				t.Errorf("after event %d: %s", i, f.raw)
			}
		}
	})
}
