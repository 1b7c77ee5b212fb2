package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

// statefulViewer is a client that resumes one connection over one socket after another, as Microsoft's does.
type statefulViewer struct {
	*hubViewer
	next, seen int64 // number of the next message of the server, less one, and the highest seen
	awaits     bool  // the server has not yet said where it goes on
	said       []string
}

func (b *bundle) stateful(after string) *statefulViewer {
	b.t.Helper()
	v := &statefulViewer{hubViewer: &hubViewer{b: b, url: site + "/hubs/test?tenant=testpharmacy&after=" + after}}
	var err error
	if v.token, err = v.negotiate("&useStatefulReconnect=true"); err == nil {
		err = v.open("WebSockets")
	}
	if err == nil {
		err = v.write(`{"protocol":"json","version":2}` + "\x1e")
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if payload, err := v.wire.read(); err != nil || payload != "{}\x1e" {
		b.t.Fatalf("the handshake was answered %q, %v: its answer must come alone", payload, err)
	}
	if err := v.write(`{"type":6}` + "\x1e"); err != nil {
		b.t.Fatal(err)
	}
	return v
}

// again opens another socket and says everything again that was not acknowledged, which here is everything.
func (v *statefulViewer) again() {
	v.wire.cut()
	v.records, v.awaits = nil, true
	if err := v.open("WebSockets"); err != nil {
		v.b.t.Fatal(err)
	}
	if err := v.write(`{"type":9,"sequenceId":1}` + "\x1e" + strings.Join(v.said, "")); err != nil {
		v.b.t.Fatal(err)
	}
}

// message gives the next message that counts and was not seen before; an empty one when the socket is gone.
func (v *statefulViewer) message() string {
	for {
		record, err := v.record()
		if err != nil {
			return ""
		}
		var m struct {
			Type       int
			SequenceID int64
		}
		if err := json.Unmarshal([]byte(record), &m); err != nil {
			v.b.t.Fatalf("%s: %v", record, err)
		}
		switch {
		case m.Type == 9:
			if m.SequenceID > v.next+1 {
				v.b.t.Fatalf("the server goes on at %d, but %d is next", m.SequenceID, v.next+1)
			}
			v.next, v.awaits = m.SequenceID-1, false
		case v.awaits:
			v.b.t.Fatalf("before the sequence came %s", record)
		case m.Type <= 5:
			if v.next++; v.next > v.seen {
				v.seen = v.next
				return record
			}
		}
	}
}

func (v *statefulViewer) acknowledge() {
	if err := v.write(fmt.Sprintf(`{"type":8,"sequenceId":%d}`+"\x1e", v.seen)); err != nil {
		v.b.t.Fatal(err)
	}
}

// TestResumedConnectionTellsEachEventOnce, although its socket is cut at random places, most of them within a message, and
// what the client said is carried out once although it says everything again each time.
func TestResumedConnectionTellsEachEventOnce(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				b.world.raise(abyssinia, lowStock("m1", 3))
				r := rand.New(rand.NewPCG(seed, 9))
				v := b.stateful(rxvigil.EndOf("e1", b.lsn).String())
				defer v.cut()
				published := make(chan []string, 1)
				go func() { published <- publishAtRandom(b, rand.New(rand.NewPCG(seed, 2))) }()
				v.said = append(v.said, say("0", "Acknowledge", "low-m1", "once"))
				if err := v.write(v.said[0]); err != nil {
					t.Fatal(err)
				}
				var want, seen []string
				for want == nil || len(seen) < len(want) {
					cutAt := r.IntN(30)
					for range cutAt {
						if id := idOf(v.message()); id != "" {
							seen = append(seen, id)
						}
						select {
						case want = <-published:
						default:
						}
						if want != nil && len(seen) >= len(want) {
							break
						}
					}
					if r.IntN(2) == 0 {
						v.acknowledge()
					}
					v.again()
				}
				if diff := cmp.Diff(want, seen); diff != "" {
					t.Errorf("the log (-) and what was seen (+):\n%s", diff)
				}
				if n := len(b.world.acted()); n != 1 {
					t.Errorf("the alert was acknowledged %d times", n)
				}
			})
		})
	}
}

// idOf is the cursor in an event's second argument; empty for anything else.
func idOf(record string) string {
	var m struct{ Arguments []struct{ ID string } }
	if json.Unmarshal([]byte(record), &m) != nil || len(m.Arguments) != 2 {
		return ""
	}
	return m.Arguments[1].ID
}

// TestLostConnectionWaitsFifteenSeconds and is gone then: its id opens nothing more.
func TestLostConnectionWaitsFifteenSeconds(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v := b.stateful("")
		v.cut()
		time.Sleep(14 * time.Second)
		v.again()
		v.cut()
		time.Sleep(16 * time.Second)
		if err := v.open("WebSockets"); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("opened again with %v", err)
		}
	})
}

// TestClientThatAcknowledgesNothingIsNotTold more than fits what is kept for it, and costs no more memory.
func TestClientThatAcknowledgesNothingIsNotTold(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v := b.stateful(rxvigil.EndOf("e1", b.lsn).String())
		defer v.cut()
		var want []string
		for i := range 1000 {
			want = append(want, b.tx(sold(abyssinia, "b1", fmt.Sprint(i), 2, 1))...)
		}
		bytes, seen := 0, []string(nil)
		for bytes < 100_000 {
			record := v.message()
			if bytes += len(record); idOf(record) != "" {
				seen = append(seen, idOf(record))
			}
		}
		for len(seen) < len(want) {
			v.acknowledge()
			if id := idOf(v.message()); id != "" {
				seen = append(seen, id)
			}
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestServerEndsWhileAResumableClientIsAway without waiting for it longer than for the others.
func TestServerEndsWhileAResumableClientIsAway(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v := b.stateful("")
		v.cut()
		start := time.Now()
		b.stop()
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the end took %s", took)
		}
		if conn, err := b.wire.dial(context.Background(), "", ""); err == nil {
			_ = conn.Close()
			t.Error("the server still accepts")
		}
	})
}
