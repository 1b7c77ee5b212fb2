package push_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// TestDeskAnswersAsPromised tells one story over REST and compares every byte.
func TestDeskAnswersAsPromised(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.raise(abyssinia, lowStock("m1", 3), expiring("l1", "2000-01-20"))
		b.tx(sold(abyssinia, "b1", "m1", 10, 3))
		const base = "/api/tenant/testpharmacy"
		var told strings.Builder
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/healthz", ""},
			{"GET", "/readyz", ""},
			{"GET", "/api/tenants", ""},
			{"GET", "/api/tenant/nile", ""},
			{"GET", base + "/alerts?limit=1&severity=warning", ""},
			{"GET", base + "/alerts/low-m1", ""},
			{"POST", base + "/alerts/low-m1/acknowledge", `{"note":"ordered","by":"Sara"}`},
			{"POST", base + "/alerts/low-m1/snooze", `{"for":"3d"}`},
			{"POST", base + "/alerts/low-m1/unsnooze", ``},
			{"GET", base + "/stock?q=zi&branch=b1", ""},
			{"GET", base + "/expiring?within=60d", ""},
			{"GET", base + "/prescriptions?branch=b1", ""},
			{"GET", base + "/prescriptions?status=all", ""},
			{"GET", base + "/rules", ""},
			{"POST", base + "/rules/backtest?days=90d", ""},
			{"POST", base + "/rules/backtest", ""},
			{"POST", base + "/rules/backtest?days=301", ""},
			{"POST", base + "/rules/backtest?days=0", ""},
			{"GET", base + "/rules", ""},
			{"GET", base + "/alerts/low-m1?lang=am", ""},
			{"GET", base + "/alerts?limit=1&lang=fr", ""},
			{"GET", base + "/stats", ""},
			{"GET", base + "/analytics?since=7d", ""},
			{"GET", base + "/analytics?since=2y", ""},
			{"GET", base + "/analytics?since=400d", ""},
			{"GET", base + "/thresholds", ""},
			{"GET", base + "/thresholds/m1", ""},
			{"PUT", base + "/thresholds/m1", `{"branch":"b1","value":60,"by":"Sara"}`},
			{"DELETE", base + "/thresholds/m1?branch=b1", ""},
			{"PUT", base + "/thresholds/m1", `{"rule":"blind","value":1}`},
			{"PUT", base + "/thresholds/m1", `{"value":-1}`},
			{"PUT", base + "/thresholds/m1", `{"value":"many"}`},
			{"PUT", base + "/thresholds/m1", `{}`},
			{"PUT", base + "/thresholds/nothing", `{"value":1}`},
			{"GET", base + "/thresholds/nothing", ""},
			{"POST", base + "/events", `{"type":"fridge_open","branch":"b1","data":{"minutes": 7}}`},
			{"POST", base + "/events", `{"events":[{"type":"a","data":{}},{"type":"notification","data":{"message":"hi"}}]}`},
			{"GET", "/api/tenant/nobody/alerts", ""},
			{"GET", base + "/alerts/nothing", ""},
			{"GET", base + "/nothing", ""},
			{"GET", base + "/alerts?status=shut", ""},
			{"GET", base + "/alerts?after=rubbish", ""},
			{"GET", base + "/alerts?limit=1000", ""},
			{"GET", base + "/stock?brnch=b1", ""},
			{"GET", base + "/stock?sort=price", ""},
			{"GET", base + "/expiring?within=soon", ""},
			{"GET", base + "/stream?topics=weather", ""},
			{"POST", base + "/alerts/low-m1/snooze", `{}`},
			{"POST", base + "/alerts/low-m1/acknowledge", `{"notes":"x"}`},
			{"POST", base + "/events", `{"type":"sale_created","data":{}}`},
			{"POST", base + "/events", `{"type":"Fridge","data":{}}`},
			{"POST", base + "/events", `{"type":"fridge_open","data":[1]}`},
			{"POST", base + "/events", `{"type":"fridge_open","data":{}} {}`},
			{"POST", base + "/events", `{"events":[]}`},
		} {
			status, _, answer := b.call(c.method, c.path, c.body)
			fmt.Fprintf(&told, "%s %s %s\n%d %s\n", c.method, c.path, c.body, status, answer)
		}
		checkGolden(t, "rest.golden", told.String())
		if want := "2000-01-04 00:00:00 +0000 UTC"; b.world.actions[1].Until.String() != want {
			t.Errorf("snoozed until %s, want %s", b.world.actions[1].Until, want)
		}
	})
}

// TestCommandThatIsNotReadBackIsAccepted after five seconds, with its operation and a lower bound.
func TestCommandThatIsNotReadBackIsAccepted(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.raise(abyssinia, lowStock("m1", 3))
		b.world.deaf = true
		status, _, body := b.call("POST", "/api/tenant/abyssinia/alerts/low-m1/acknowledge", `{}`)
		if want := `{"operation":"op-1","cursor":"e1.0000000000001388.00000000"}`; status != 202 || strings.TrimSpace(body) != want {
			t.Errorf("got %d %s, want %s", status, body, want)
		}
	})
}

func TestBodyOver64kBIsRefused(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		body := `{"type":"a","data":{"x":"` + strings.Repeat("a", 66_000) + `"}}`
		status, _, answer := b.call("POST", "/api/tenant/abyssinia/events", body)
		if status != http.StatusRequestEntityTooLarge || len(b.world.emitted) > 0 {
			t.Errorf("got %d %s", status, answer)
		}
	})
}

func TestDeskSaysStartingBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, 0)
		defer b.close()
		for path, want := range map[string]int{
			"/api/tenants": 503, "/api/tenant/abyssinia/stats": 503, "/readyz": 503, "/healthz": 200, "/metrics": 200,
		} {
			if status, _, body := b.call("GET", path, ""); status != want {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	})
}

func TestWhatFailsBehindUsIsNotTold(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.err = errors.New("password authentication failed for user rxvigil")
		status, _, body := b.call("GET", "/api/tenant/abyssinia/alerts", "")
		if status != http.StatusServiceUnavailable || strings.Contains(body, "password") {
			t.Errorf("got %d %s", status, body)
		}
	})
}

// TestOnlyLoopbackNamesAndOwnPagesAreAnswered: there is no auth, so a page of another site must not reach us through the
// visitor's browser, neither by a name of its own nor by a cross-origin POST.
func TestOnlyLoopbackNamesAndOwnPagesAreAnswered(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.raise(abyssinia, lowStock("m1", 3))
		const read, write = "/api/tenants", "/api/tenant/abyssinia/alerts/low-m1/acknowledge"
		for _, c := range []struct {
			method, path, host, origin string
			status                     int
			allowed                    string
		}{
			{"GET", read, "evil.example:8080", "", 403, ""},
			{"GET", read, "127.0.0.1.evil.example", "", 403, ""},
			{"GET", read, "localhost:8080", "", 200, ""},
			{"GET", read, "127.0.0.1:8080", "", 200, ""},
			{"GET", read, "[::1]:8080", "", 200, ""},
			{"GET", read, "localhost:8080", "https://evil.example", 200, ""},
			{"GET", read, "localhost:8080", "https://portal.example", 200, "https://portal.example"},
			{"POST", write, "localhost:8080", "https://evil.example", 403, ""},
			{"POST", write, "localhost:8080", "null", 403, ""},
			{"POST", write, "localhost:8080", "https://portal.example", 200, "https://portal.example"},
			{"POST", write, "localhost:8080", "http://localhost:8080", 200, "http://localhost:8080"},
		} {
			headers := []string{"Host", c.host}
			if c.origin != "" {
				headers = append(headers, "Origin", c.origin)
			}
			status, h, body := b.call(c.method, c.path, "", headers...)
			if status != c.status || h.Get("Access-Control-Allow-Origin") != c.allowed {
				t.Errorf("%+v: got %d %q %s", c, status, h.Get("Access-Control-Allow-Origin"), body)
			}
		}
	})
}

func TestListeningBeyondLoopbackNeedsAuth(t *testing.T) {
	t.Parallel()
	for addr, ok := range map[string]bool{
		"127.0.0.1:8080": true, "localhost:0": true, "[::1]:80": true, ":8080": false, "0.0.0.0:8080": false,
		"192.168.1.4:8080": false, "pharmacy.example:8080": false, "8080": false,
	} {
		if err := push.CheckListen(addr, false); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if err := push.CheckListen(":8080", true); err != nil {
		t.Error(err)
	}
}

func TestMetricsCountWithoutNamingATenant(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v, err := b.sse("/api/tenant/testpharmacy/stream", "")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		awaitKind(t, v, "connection_established")
		synctest.Wait()
		b.tx(sold(abyssinia, "b1", "m1", 2, 1), event(abyssinia, "b1", rxvigil.SaleCreated, `{}`))
		awaitEvent(t, v)
		awaitEvent(t, v)
		synctest.Wait()
		_, _, text := b.call("GET", "/metrics", "")
		for _, want := range []string{
			`rxvigil_connections{role="none",transport="sse"} 1`, `rxvigil_delivered_total{transport="sse"} 2`,
			"rxvigil_slow_clients_total 0", "rxvigil_log_bytes ", "rxvigil_log_oldest_seconds 0", "rxvigil_delivery_seconds_count ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		if strings.Contains(text, "abyssinia") || strings.Contains(text, "testpharmacy") {
			t.Error("a tenant is named")
		}
	})
}
