package push_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

func TestHeartbeatsAreRegular(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				v, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				start := time.Now()
				for i := range 3 {
					f := awaitKind(t, v, "heartbeat")
					if got, want := time.Since(start), time.Duration(i+1)*tr.beat(); got != want {
						t.Errorf("heartbeat %d came after %s", i, got)
					}
					if f.id != rxvigil.EndOf("e1", b.lsn).String() {
						t.Errorf("heartbeat carries %q", f.id)
					}
					b.tx(sold(blueNile, "", "m", 2, 1)) // moves the head, not this tenant's lane
				}
			})
		})
	}
}

func TestSourceOutOfSightIsToldAndSoIsItsReturn(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				early, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer early.cut()
				awaitSubscribed(t, tr, early)
				b.log.Stale(time.Now(), "source_unreachable")
				late, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer late.cut()
				told, fresh := make(chan bool), make(chan bool)
				for _, v := range []viewer{early, late} {
					go func() { // each reads all the while: who does not is slow
						if f := awaitKind(t, v, "stale"); reasonOf(f) != "source_unreachable" {
							t.Errorf("got %s", f.raw)
						}
						awaitKind(t, v, "heartbeat") // all there was is told
						told <- true
						awaitKind(t, v, "fresh")
						fresh <- true
					}()
				}
				<-told
				<-told
				b.log.Fresh()
				<-fresh
				<-fresh
			})
		})
	}
}

// TestSlowClientIsCutOffAlone: who does not read is closed after five seconds, and costs the others nothing meanwhile.
func TestSlowClientIsCutOffAlone(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				slow, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer slow.cut()
				quick, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer quick.cut()
				awaitSubscribed(t, tr, slow)
				awaitSubscribed(t, tr, quick)
				for range 400 {
					start := time.Now()
					want := b.tx(sold(abyssinia, "b1", strings.Repeat("m", 200), 2, 1))[0]
					if f := awaitEvent(t, quick); f.id != want || time.Since(start) > 0 {
						t.Fatalf("got %s after %s, want %s", f.id, time.Since(start), want)
					}
				}
				time.Sleep(6 * time.Second)
				for range 500 {
					if _, err = slow.next(); err != nil {
						break
					}
				}
				if err == nil {
					t.Error("the slow client was not cut off")
				}
				if got := b.metric("rxvigil_slow_clients_total"); got != "1" {
					t.Errorf("rxvigil_slow_clients_total is %s", got)
				}
			})
		})
	}
}

func TestShutdownSaysByeToEveryone(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				var all []viewer
				for range 5 {
					v, err := tr.connect(b, "testpharmacy", "", "")
					if err != nil {
						t.Fatal(err)
					}
					defer v.cut()
					awaitSubscribed(t, tr, v)
					all = append(all, v)
				}
				start, last := time.Now(), time.Time{}
				stopped := make(chan struct{})
				go func() { b.stop(); close(stopped) }()
				byes := make(chan time.Time)
				for _, v := range all {
					go func() {
						f := awaitKind(t, v, "bye")
						at := time.Now()
						if tr.name != "websocket" && f.retry == "" {
							t.Errorf("no retry: %s", f.raw)
						}
						if _, err := v.next(); err == nil {
							t.Error("something came after bye")
						}
						byes <- at
					}()
				}
				for range all {
					if at := <-byes; at.After(last) {
						last = at
					}
				}
				<-stopped
				if spread := last.Sub(start); spread < time.Second || spread > 2*time.Second {
					t.Errorf("the last bye came after %s", spread)
				}
			})
		})
	}
}

// TestBeforeStartStreamsEndWithATimeToComeBack: an EventSource gives up for good on anything but 200.
func TestBeforeStartStreamsEndWithATimeToComeBack(t *testing.T) {
	for _, path := range []string{"stream", "medicines/live-monitor"} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t, 0)
			defer b.close()
			v, err := b.sse("/api/tenant/testpharmacy/"+path, "")
			if err != nil {
				t.Fatal(err)
			}
			defer v.cut()
			body, err := io.ReadAll(v.lines)
			if !strings.HasPrefix(string(body), "retry: ") || err != nil {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

func TestADamagedArchiveIsNeverSilent(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bundle) {
		from := rxvigil.EndOf("e1", b.lsn).String()
		b.tx(sold(abyssinia, "b1", "a", 2, 1))
		b.tx(sold(abyssinia, "b1", "b", 2, 1))
		b.archive.err = fmt.Errorf("entry 7: %w", push.ErrDamaged)
		v, err := b.sse("/api/tenant/abyssinia/stream", from)
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		if f := awaitKind(t, v, "resync"); reasonOf(f) != push.LogDamaged || f.id != rxvigil.EndOf("e1", b.lsn).String() {
			t.Errorf("told %s", f.raw)
		}
	})
}

func TestArchiveErrorEndsTheStreamOnly(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b *bundle) {
		from := rxvigil.EndOf("e1", b.lsn).String()
		b.tx(sold(abyssinia, "b1", "a", 2, 1))
		b.tx(sold(abyssinia, "b1", "b", 2, 1))
		b.archive.err = net.ErrClosed
		v, err := b.sse("/api/tenant/abyssinia/stream", from)
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		for err == nil {
			var f frame
			if f, err = v.next(); f.event {
				t.Errorf("told %s", f.raw)
			}
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("ended with %v", err)
		}
	})
}
