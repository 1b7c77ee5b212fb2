package push_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

// TestResumeHasNoGapAndNoRepeat cuts viewers of each transport a thousand times at random while the engine publishes. What each has seen
// at the end, over all its connections, is the log: with a ring that holds everything, and with one so small that most is read from the
// archive. RXVIGIL_TEST_CUTS says how often, RXVIGIL_TEST_SEED repeats a run.
func TestResumeHasNoGapAndNoRepeat(t *testing.T) {
	t.Parallel()
	wanted, seed := drawn(t, "RXVIGIL_TEST_CUTS", 1000)
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 1))
			for cuts, rings := 0, []int{1 << 20, 3000}; cuts < wanted; {
				for _, ring := range rings {
					inBubble(t, ring, func(t *testing.T, b *bundle) { cuts += cutAndResume(b, tr, r) })
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

// drawn is how often something random is tried, and from which seed: as the environment says.
func drawn(t *testing.T, name string, usual int) (wanted int, seed uint64) {
	t.Helper()
	wanted, seed = usual, uint64(time.Now().UnixNano())
	if s := os.Getenv(name); s != "" {
		wanted, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("RXVIGIL_TEST_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("RXVIGIL_TEST_SEED=%d", seed)
	return wanted, seed
}

// cutAndResume gives how often it cut.
func cutAndResume(b *bundle, tr transport, r *rand.Rand) (cuts int) {
	from := rxvigil.EndOf("e1", b.lsn).String()
	published := make(chan []string)
	publisher := rand.New(rand.NewPCG(r.Uint64(), 2))
	go func() { published <- publishAtRandom(b, publisher) }()
	seen := []string{}
	done := false
	var want []string
	for ; !done || len(seen) < len(want); cuts++ {
		if cuts > 2000 {
			b.t.Fatalf("after %d connections only %d of %d events were seen", cuts, len(seen), len(want))
		}
		from = watchAWhile(b, tr, r, from, &seen)
		select {
		case want = <-published:
			done = true
		default:
		}
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		b.t.Errorf("the log (-) and what was seen (+):\n%s", diff)
	}
	return cuts
}

// watchAWhile reads a random number of frames, cuts the connection and gives the cursor an EventSource would resume from.
func watchAWhile(b *bundle, tr transport, r *rand.Rand, from string, seen *[]string) string {
	v, err := tr.connect(b, "testpharmacy", "", from)
	if err != nil {
		b.t.Fatal(err)
	}
	defer v.cut()
	for range 1 + r.IntN(20) {
		f, err := v.next()
		if err != nil {
			b.t.Fatal(err)
		}
		if f.kind == "resync" {
			b.t.Fatalf("resync: %s", f.raw)
		}
		if f.event {
			*seen = append(*seen, f.id)
		}
		if f.id != "" {
			from = f.id
		}
	}
	return from
}

// publishAtRandom publishes transactions of several tenants and gives the ids of one tenant's events.
func publishAtRandom(b *bundle, r *rand.Rand) (want []string) {
	for i := range 150 {
		var events []rxvigil.Event
		for j := range r.IntN(5) {
			tenant := []rxvigil.Tenant{abyssinia, blueNile}[r.IntN(2)]
			events = append(events, sold(tenant, "b1", fmt.Sprintf("m%d-%d", i, j), 10, 9))
		}
		for j, id := range b.tx(events...) {
			if events[j].Tenant == abyssinia {
				want = append(want, id)
			}
		}
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
	}
	return want
}

// TestQuietTenantResumesByHeartbeat: a viewer that saw no event resumes exactly, for the heartbeat told it how far it is
// complete, although the log has since let go of all that was there when it connected.
func TestQuietTenantResumesByHeartbeat(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 3000, func(t *testing.T, b *bundle) {
				v, err := tr.connect(b, "nile", "", "")
				if err != nil {
					t.Fatal(err)
				}
				awaitKind(t, v, "heartbeat")
				for i := range 100 {
					b.tx(sold(abyssinia, "b1", fmt.Sprint(i), 2, 1))
				}
				from := awaitKind(t, v, "heartbeat").id
				v.cut()
				b.archive.forget(1)
				want := b.tx(sold(blueNile, "b1", "m", 2, 1))[0]
				if v, err = tr.connect(b, "nile", "", from); err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				if f := awaitEvent(t, v); f.id != want {
					t.Errorf("first event is %s, want %s", f.id, want)
				}
			})
		})
	}
}

// awaitKind reads up to the next frame of a kind.
func awaitKind(t *testing.T, v viewer, kind string) frame {
	t.Helper()
	for {
		f, err := v.next()
		if err != nil {
			t.Fatalf("waiting for %s: %v", kind, err)
		}
		if f.kind == kind {
			return f
		}
	}
}

// awaitEvent reads up to the next event; a resync before it is a failure.
func awaitEvent(t *testing.T, v viewer) frame {
	t.Helper()
	for {
		f, err := v.next()
		if err != nil || f.kind == "resync" {
			t.Fatalf("waiting for an event: %v %s", err, f.raw)
		}
		if f.event {
			return f
		}
	}
}

// TestGiantTransactionLeavesInManyWrites: whole, in order, and never with one write that a slow line could not take in time.
func TestGiantTransactionLeavesInManyWrites(t *testing.T) {
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				v, err := tr.connect(b, "testpharmacy", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				awaitSubscribed(t, tr, v)
				var events []rxvigil.Event
				for i := range 3000 {
					events = append(events, sold(abyssinia, "b1", fmt.Sprint(i), 2, 1))
				}
				for _, want := range b.tx(events...) {
					if f := awaitEvent(t, v); f.id != want {
						t.Fatalf("got %s, want %s", f.id, want)
					}
				}
				if n := b.wire.largest.Load(); n > 72<<10 {
					t.Errorf("the largest write has %d bytes", n)
				}
			})
		})
	}
}
