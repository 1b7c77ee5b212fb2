package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/signalr"
)

// FuzzParseRequest: whatever a client says is a known op or a reason to close, never a panic.
func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		`{"op":"subscribe","topics":["sales"],"after":"e.0000000000000001.00000000"}`, `{"op":"ping","id":"1"}`,
		`{"op":"nothing"}`, `[]`, `null`, `{"op":"ping"}{"op":"ping"}`, "\xff", `{"op":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parseRequest(b)
		var c closing
		if err != nil && !errors.As(err, &c) || err == nil && q.Op == "" {
			t.Errorf("%q gave %+v, %v", b, q, err)
		}
	})
}

// FuzzOpen: whatever cursor a client names, the log gives it a place to stand, and says so when it is another one.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{"", "e1.0000000000000010.00000000", "e1.FFFFFFFFFFFFFFFF.FFFFFFFF", "e0.0000000000000010.00000000", "e1..", "…"} {
		f.Add(s)
	}
	l := NewLog(LogOptions{}, nil)
	at := rxvigil.EndOf("e1", 8)
	l.Start("e1", at, at)
	l.Publish(Entry{LSN: 16, Events: []*Event{{Pos: rxvigil.Position{Epoch: "e1", LSN: 16}, Tenant: "t"}}})
	f.Fuzz(func(t *testing.T, after string) {
		c := l.open("t", Filter{}, after)
		s, err := c.take(context.Background())
		if p, bad := rxvigil.ParsePosition(after); err != nil || after != "" && (bad != nil || p.Epoch != "e1") && s.resync == "" {
			t.Errorf("%q: %+v, %v", after, s, err)
		}
		if _, err := rxvigil.ParsePosition(c.pos.String()); err != nil {
			t.Errorf("%q stands at %s", after, c.pos)
		}
	})
}

// FuzzMonitorMessages: no envelope, however odd, panics or leaves its line.
func FuzzMonitorMessages(f *testing.F) {
	f.Add("medicine_updated", `{"data":{"id":"a","changed":["price"],"before":{},"after":{"price":1}}}`)
	f.Add("stock_level_changed", `{"data":{"id":"a","before":null}}`)
	f.Add("lot_updated", `{"data":[]}`)
	f.Fuzz(func(t *testing.T, typ, body string) {
		e := &Event{Pos: rxvigil.EndOf("e", 1), Topic: rxvigil.Inventory, Type: rxvigil.EventType(typ), JSON: []byte(body)}
		for _, m := range monitorMessages([]*Event{e, e}) {
			lines := 0
			for _, c := range m.frame {
				if c == '\n' {
					lines++
				}
			}
			if lines > 3 {
				t.Errorf("%q", m.frame)
			}
		}
	})
}

// FuzzHubCalls: no envelope, however odd, panics; each call is one record.
func FuzzHubCalls(f *testing.F) {
	f.Add("medicine_updated", `{"id":"c","data":{"id":"a","changed":["price"],"before":{},"after":{"price":1}}}`)
	f.Add("stock_level_changed", `{"id":"c","data":{"id":"a","before":null}}`)
	f.Add("sale_created", `{"id":"c","data":{"lines":[{"medicine":"m"}],"number":null}}`)
	f.Add("alert_raised", `{"id":"c","data":{"kind":"expiry","status":"firing","values":{"days":5}}}`)
	f.Add("fridge_open", `{"id":"c","data":{"message":7}}`)
	f.Fuzz(func(t *testing.T, typ, body string) {
		e := &Event{Pos: rxvigil.EndOf("e", 1), Topic: rxvigil.EventType(typ).Topic(), Type: rxvigil.EventType(typ), JSON: []byte(body)}
		for _, c := range hubCallsOf([]*Event{e}) {
			records := 0
			if err := signalr.Records(c.frame, func([]byte) error { records++; return nil }); json.Valid(e.JSON) && (err != nil || records != 1) {
				t.Errorf("%q has %d records: %v", c.frame, records, err)
			}
		}
	})
}

// TestConnectionTokensOpenOneConnection each, of their own purpose, in time, and on every node that has the key.
func TestConnectionTokensOpenOneConnection(t *testing.T) {
	t.Parallel()
	here, there, elsewhere := newTokens([]byte("key")), newTokens([]byte("key")), newTokens([]byte("another key"))
	now := time.Now()
	token, want := here.issue("sales of a", true, now)
	got, ok := there.read("sales of a", token)
	if !ok || got.id != want.id || !got.stateful || strings.Contains(token, want.id) {
		t.Errorf("read %+v, %t", got, ok)
	}
	if _, ok := there.read("sales of b", token); ok {
		t.Error("a token is good for another tenant")
	}
	if _, ok := elsewhere.read("sales of a", token); ok {
		t.Error("a token is good where the key is another")
	}
	if there.spend(got, now.Add(tokenLife+time.Second)) {
		t.Error("a token is good after its life")
	}
	if !there.spend(got, now) || there.spend(got, now) {
		t.Error("a token does not open one connection")
	}
	other, _ := there.read("sales of a", token[:len(token)-1])
	if other.id != "" {
		t.Error("half a token is good")
	}
}

// TestNegotiatingKeepsNothing: ids that nobody ever uses cost nothing, and those used are forgotten.
func TestNegotiatingKeepsNothing(t *testing.T) {
	t.Parallel()
	tokens, now := newTokens([]byte("key")), time.Now()
	for range 1000 {
		_, n := tokens.issue("p", false, now)
		tokens.spend(n, now)
		now = now.Add(time.Second)
	}
	if n := len(tokens.spent); n > 100 {
		t.Errorf("%d tokens are kept", n)
	}
}

func TestTallyForgetsAfterAMinute(t *testing.T) {
	t.Parallel()
	var tally tally
	start := time.Unix(1_000_000_000, 0)
	for i := range 12 {
		tally.count(start.Add(time.Duration(i) * 10 * time.Second))
	}
	for after, want := range map[time.Duration]uint64{110: 6, 120: 5, 160: 1, 170: 0, 1000: 0} {
		if got := tally.perMinute(start.Add(after * time.Second)); got != want {
			t.Errorf("after %d s: %d, want %d", after, got, want)
		}
	}
	if tally.total != 12 {
		t.Errorf("total is %d", tally.total)
	}
}

func TestQuantilesAreOfTheLastDeliveries(t *testing.T) {
	t.Parallel()
	var l latencies
	if l.quantiles(0.5) != nil {
		t.Error("there are quantiles of nothing")
	}
	for i := range 3000 {
		l.add(time.Duration(i))
	}
	if q := l.quantiles(0, 0.5, 0.99); q[0] != 3000-1024 || q[1] != 3000-512 || q[2] != 2989 {
		t.Errorf("got %v", q)
	}
}

// BenchmarkTake is one delivery without its write: what a connection costs when its tenant's lane grows.
func BenchmarkTake(b *testing.B) {
	for _, burst := range []int{1, 10} {
		b.Run(fmt.Sprintf("burst=%d", burst), func(b *testing.B) {
			l := NewLog(LogOptions{}, nil)
			at := rxvigil.EndOf("e1", 1)
			l.Start("e1", at, at)
			c := l.open("t", Filter{}, "")
			out := &sseOut{}
			w := &sseWire{out, native}
			lsn := uint64(1)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for range burst {
					lsn++
					e := &Event{Pos: rxvigil.Position{Epoch: "e1", LSN: lsn}, Tenant: "t", Type: "x", JSON: make([]byte, 240)}
					l.Publish(Entry{LSN: lsn, Events: []*Event{e}})
				}
				b.StartTimer()
				s, _ := c.take(context.Background())
				for _, batch := range s.batches {
					_, _ = w.batch(batch, s.after, &c.filter, func() error { return nil })
				}
				*out.buf = (*out.buf)[:0]
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*burst), "ns/event")
		})
	}
}
