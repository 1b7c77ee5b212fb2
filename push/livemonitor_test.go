package push_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

const monitorPath = "/api/tenant/testpharmacy/medicines/live-monitor"

func TestLiveMonitorOfAnUnknownSubdomainIsPortalBsOwn404(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		status, _, body := b.call(http.MethodGet, "/api/tenant/nobody/medicines/live-monitor", "")
		if status != http.StatusNotFound || body != `{"error":"Tenant not found"}`+"\n" {
			t.Errorf("got %d %q", status, body)
		}
	})
}

// TestAggregatesComeAtMostOnceASecond: whatever happens, and only when their content has changed.
func TestAggregatesComeAtMostOnceASecond(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v, err := b.sse(monitorPath, "")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		start := time.Now()
		awaitKind(t, v, "expiry_alert")
		go func() {
			for i := range int64(25) {
				b.world.raise(abyssinia, lowStock("m1", i))
				b.tx(event(abyssinia, "b1", rxvigil.AlertChanged, `{}`))
				time.Sleep(100 * time.Millisecond)
			}
		}()
		var at []time.Duration
		var last float64
		for {
			f, err := v.next()
			if err != nil || f.kind == "expiry_alert" {
				t.Fatalf("%v %s", err, f.raw)
			}
			if f.kind == "heartbeat" {
				break
			}
			at = append(at, time.Since(start))
			data := f.data["data"].(map[string]any)
			last = data["medicines"].([]any)[0].(map[string]any)["currentStock"].(float64)
			if f.id != "" {
				t.Errorf("an aggregate carries a cursor: %s", f.raw)
			}
		}
		if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, at); diff != "" {
			t.Errorf("aggregates came at (-want +got):\n%s", diff)
		}
		if last != 24 {
			t.Errorf("the last aggregate shows %v", last)
		}
	})
}

// TestDayThatPassesChangesTheAggregate without any event.
func TestDayThatPassesChangesTheAggregate(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.raise(abyssinia, expiring("l1", "2000-01-09")) // bubbles begin on 2000-01-01, 03:00 in Addis Ababa
		v, err := b.sse(monitorPath, "")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		days := func() (float64, string) {
			f := awaitKind(t, v, "expiry_alert")
			m := f.data["data"].(map[string]any)["medicines"].([]any)[0].(map[string]any)
			return m["daysUntilExpiry"].(float64), m["urgency"].(string)
		}
		if n, urgency := days(); n != 8 || urgency != "warning" {
			t.Errorf("on the first day: %v %s", n, urgency)
		}
		if n, urgency := days(); n != 7 || urgency != "critical" {
			t.Errorf("on the second day: %v %s", n, urgency)
		}
		if now := time.Now().UTC(); now.Day() != 1 || now.Hour() != 21 {
			t.Errorf("the second day began at %s", now)
		}
	})
}

// TestResumeInsideATransactionLosesNoMessage: a cursor of another transport may point between the events that one message
// is made of. Messages are told by their last event.
func TestResumeInsideATransactionLosesNoMessage(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		ids := b.tx(
			event(abyssinia, "", rxvigil.MedicineUpdated, `{"id":"a","name":"A","changed":["price"],"before":{"price":1},"after":{"price":2}}`),
			event(abyssinia, "", rxvigil.MedicineUpdated, `{"id":"b","name":"B","changed":["price"],"before":{"price":1},"after":{"price":2}}`),
			sold(abyssinia, "b1", "a", 2, 1),
			sold(abyssinia, "b1", "b", 2, 1),
		)
		for i, want := range [][]string{{ids[2], ids[3]}, {ids[2], ids[3]}, {ids[3]}} {
			v, err := b.sse(monitorPath, ids[i])
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range want {
				got = append(got, awaitEvent(t, v).id)
			}
			v.cut()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after event %d (-want +got):\n%s", i, diff)
			}
		}
	})
}
