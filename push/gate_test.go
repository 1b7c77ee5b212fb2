package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
)

// guarded runs a test with a server that asks who calls.
func guarded(t *testing.T, test func(t *testing.T, b *bundle, g *auth.Gate)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g, err := auth.NewGate(t.Context(), auth.Config{Secret: strings.Repeat("s", 32), Audience: "rxvigil"})
		if err != nil {
			t.Fatal(err)
		}
		b := setup(t, 1<<20, func(o *push.Options) { o.Gate = g })
		b.start()
		defer b.close()
		test(t, b, g)
	})
}

// signed is a token of somebody with a role in abyssinia, in the branches named.
func signed(t *testing.T, g *auth.Gate, role string, life time.Duration, branches ...rxvigil.Branch) string {
	t.Helper()
	return signedBy(t, g, auth.Caller{User: "almaz", Tenant: string(abyssinia), Role: role, Branches: branches}, life)
}

func signedBy(t *testing.T, g *auth.Gate, c auth.Caller, life time.Duration) string {
	t.Helper()
	token, err := g.Sign(c, life, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// doors are all ways into one tenant, as method and path.
func doors(tenant string) []string {
	t := "/api/tenant/" + tenant
	all := []string{
		"GET " + t, "GET " + t + "/stream", "GET " + t + "/ws", "GET " + t + "/medicines/live-monitor", "GET " + t + "/alerts", "GET " + t + "/alerts/a1",
		"POST " + t + "/alerts/a1/acknowledge", "POST " + t + "/alerts/a1/snooze", "POST " + t + "/alerts/a1/unsnooze", "GET " + t + "/stock",
		"GET " + t + "/expiring", "GET " + t + "/stats", "POST " + t + "/events", "GET " + t + "/analytics", "GET " + t + "/thresholds", "GET " + t + "/thresholds/m1", "PUT " + t + "/thresholds/m1",
		"DELETE " + t + "/thresholds/m1", "GET " + t + "/prescriptions", "GET " + t + "/rules", "POST " + t + "/rules/backtest",
	}
	for _, hub := range []string{"/hubs/inventory", "/notificationHub"} {
		all = append(all, "POST "+hub+"/negotiate?tenant="+tenant, "GET "+hub+"?tenant="+tenant, "POST "+hub+"?id=x&tenant="+tenant,
			"DELETE "+hub+"?id=x&tenant="+tenant, "POST "+hub+"/refresh?id=x&tenant="+tenant)
	}
	return all
}

// TestEveryDoorIsKnockedAt: what the API's document describes of a tenant is in the list that the tests of rights go through.
func TestEveryDoorIsKnockedAt(t *testing.T) {
	t.Parallel()
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		var document struct{ Paths map[string]map[string]any }
		if err := b.get("/api/openapi.json", &document); err != nil {
			t.Fatal(err)
		}
		seen := 0
		for path, methods := range document.Paths {
			path, ours := strings.CutPrefix(path, "/api/tenant/{tenant}")
			if !ours {
				continue
			}
			path = strings.NewReplacer("{id}", "a1", "{medicine}", "m1").Replace(path)
			for method := range methods {
				if door := strings.ToUpper(method) + " /api/tenant/testpharmacy" + path; !slices.Contains(doors("testpharmacy"), door) && method != "parameters" {
					t.Errorf("%s is not in doors", door)
				}
				seen++
			}
		}
		if seen < 20 {
			t.Errorf("the document describes %d doors", seen)
		}
	})
}

// knock asks at a door, and reads the answer where that has an end.
func (b *bundle) knock(door string) (status int, body string, h http.Header) {
	b.t.Helper()
	method, path, _ := strings.Cut(door, " ")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost:8080"+path, strings.NewReader(""))
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasSuffix(path, "/ws") {
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		} {
			req.Header.Set(name, value)
		}
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatalf("%s: %v", door, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 400 {
		all, err := io.ReadAll(res.Body)
		if err != nil {
			b.t.Errorf("%s: %v", door, err)
		}
		body = string(all)
	}
	return res.StatusCode, body, res.Header
}

func TestNobodyEntersWithoutAGoodToken(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		another, err := auth.NewGate(t.Context(), auth.Config{Secret: strings.Repeat("x", 32), Audience: "rxvigil"})
		if err != nil {
			t.Fatal(err)
		}
		elsewhere, err := auth.NewGate(t.Context(), auth.Config{Secret: strings.Repeat("s", 32), Audience: "others"})
		if err != nil {
			t.Fatal(err)
		}
		old := signed(t, g, "admin", time.Minute)
		time.Sleep(2 * time.Minute)
		bad := map[string]string{
			"missing": "", "expired": old, "signature": signed(t, another, "admin", time.Hour), "audience": signed(t, elsewhere, "admin", time.Hour),
			"malformed": "rubbish", "oversized": strings.Repeat("x", 9000),
		}
		for reason, token := range bad {
			b.token = token
			for _, door := range append(doors("testpharmacy"), doors("nowhere")...) {
				status, body, h := b.knock(door)
				if status != http.StatusUnauthorized || !strings.Contains(body, `"/problems/unauthorized"`) || !strings.Contains(h.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s, %s: %d %s %v", reason, door, status, body, h)
				}
			}
			for _, door := range []string{"GET /api/tenants", "POST /api/tickets"} {
				if status, _, _ := b.knock(door); status != http.StatusUnauthorized {
					t.Errorf("%s, %s: %d", reason, door, status)
				}
			}
		}
		counted, _, err := b.ask(http.MethodGet, "http://localhost:8080/metrics", "")
		if err != nil {
			t.Fatal(err)
		}
		for reason := range bad {
			if want := fmt.Sprintf(`rxvigil_auth_failures_total{reason=%q} %d`, reason, 2*len(doors(""))+2); !strings.Contains(counted, want) {
				t.Errorf("the metrics lack %s", want)
			}
		}
	})
}

// A tenant that is another's and one that there is not are answered alike, to the byte.
func TestForeignTenantsAreAsIfTheyWereNot(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		b.token = signed(t, g, "admin", time.Hour)
		for i, door := range doors("nile") {
			status, body, _ := b.knock(door)
			nowhere, nothing, _ := b.knock(doors("nowhere")[i])
			if status != http.StatusNotFound || nowhere != status || body != nothing {
				t.Errorf("%s: %d %s; of no tenant: %d %s", door, status, body, nowhere, nothing)
			}
			if status, body, _ := b.knock(doors("testpharmacy")[i]); status == http.StatusUnauthorized || status == http.StatusForbidden {
				t.Errorf("their own, %s: %d %s", door, status, body)
			}
		}
		var page struct{ Items []push.Tenant }
		if err := b.get("/api/tenants", &page); err != nil || len(page.Items) != 1 || page.Items[0].ID != abyssinia {
			t.Errorf("tenants: %+v, %v", page, err)
		}
		b.token = signedBy(t, g, auth.Caller{User: "root", Role: "super_admin"}, time.Hour)
		if err := b.get("/api/tenants", &page); err != nil || len(page.Items) != 2 {
			t.Errorf("tenants of a super_admin: %+v, %v", page, err)
		}
		if status, _, _ := b.knock("GET /api/tenant/nile/alerts"); status != http.StatusOK {
			t.Errorf("a super_admin at another tenant: %d", status)
		}
	})
}

func (b *bundle) get(path string, into any) error {
	answer, status, err := b.ask(http.MethodGet, "http://localhost:8080"+path, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("status %d: %s", status, answer)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(answer), into)
}

func TestWhatIsNotGrantedIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		alert := lowStock("m1", 3)
		alert.ID, alert.Kind, alert.Branch = "a1", "low_stock", "b1"
		b.world.raise(abyssinia, alert)
		const t1 = "/api/tenant/testpharmacy"
		for _, c := range []struct {
			role   string
			door   string
			status int
		}{
			{"cashier", "GET " + t1 + "/stream?topics=prescriptions", 403},
			{"cashier", "GET " + t1 + "/stream?topics=sales", 200},
			{"cashier", "GET " + t1 + "/stream?branch=b2", 403},
			{"cashier", "GET " + t1 + "/stream?branch=b1", 200},
			{"cashier", "GET " + t1 + "/medicines/live-monitor", 403},
			{"cashier", "GET " + t1 + "/stock", 403},
			{"cashier", "GET " + t1 + "/expiring", 403},
			{"cashier", "GET " + t1 + "/alerts/a1", 404},
			{"cashier", "POST " + t1 + "/alerts/a1/acknowledge", 404},
			{"cashier", "POST " + t1 + "/events", 400}, // nothing was sent, which comes first
			{"cashier", "POST /hubs/inventory/negotiate", 403},
			{"cashier", "POST /hubs/sales/negotiate", 200},
			{"cashier", "POST /hubs/test/negotiate", 200},
			{"pharmacist", "GET " + t1 + "/stream?topics=sales", 403},
			{"pharmacist", "GET " + t1 + "/alerts/a1", 200},
			{"pharmacist", "GET " + t1 + "/alerts?branch=b2", 403},
			{"pharmacist", "GET " + t1 + "/stock?branch=b2", 403},
			{"pharmacist", "POST " + t1 + "/alerts/a1/acknowledge", 200},
			{"operations", "GET " + t1 + "/alerts/a1", 404},
			{"operations", "GET " + t1 + "/stock", 403},
			{"cashier", "GET " + t1 + "/thresholds", 403},
			{"cashier", "GET " + t1 + "/analytics?branch=b2", 403},
			{"cashier", "GET " + t1 + "/analytics", 200},
			{"pharmacist", "GET " + t1 + "/thresholds/m1", 200},
			{"pharmacist", "DELETE " + t1 + "/thresholds/m1?branch=b1", 200},
			{"pharmacist", "DELETE " + t1 + "/thresholds/m1?branch=b2", 403},
			{"pharmacist", "DELETE " + t1 + "/thresholds/m1", 403},
			{"admin", "DELETE " + t1 + "/thresholds/m1", 200},
			{"admin", "GET " + t1 + "/stream?topics=patients&branch=b2", 200},
			{"cashier", "GET " + t1 + "/prescriptions", 403},
			{"pharmacist", "GET " + t1 + "/prescriptions?branch=b2", 403},
			{"pharmacist", "GET " + t1 + "/prescriptions?branch=b1", 200},
			{"cashier", "GET " + t1 + "/rules", 200},
			{"pharmacist", "POST " + t1 + "/rules/backtest", 403},
			{"admin", "POST " + t1 + "/rules/backtest", 200},
		} {
			b.token = signed(t, g, c.role, time.Hour, "b1")
			if status, body, _ := b.knock(c.door); status != c.status || status == 403 && !strings.Contains(body, `"detail"`) {
				t.Errorf("%s, %s: %d %s, want %d", c.role, c.door, status, body, c.status)
			}
		}
		for role, shown := range map[string]bool{"pharmacist": false, "admin": true} {
			b.token = signed(t, g, role, time.Hour, "b1")
			var book struct{ Backtest *push.Backtest }
			if err := b.get(t1+"/rules", &book); err != nil || (book.Backtest != nil) != shown {
				t.Errorf("a backtest as %s: %+v, %v", role, book.Backtest, err)
			}
		}
		b.token = signed(t, g, "cashier", time.Hour, "b1")
		var a push.Analytics
		if err := b.get(t1+"/analytics", &a); err != nil || len(a.Days) != 1 || a.Days[0].Kind != "oversell" || len(a.Rules) != 0 || fmt.Sprint(b.world.asked.Branches) != "[b1]" {
			t.Errorf("a cashier's analytics: %+v, %v, asked of %v", a, err, b.world.asked.Branches)
		}
		if by := b.world.acted(); len(by) != 1 || by[0].By != "almaz" {
			t.Errorf("done: %+v", by)
		}
		b.token = signed(t, g, "pharmacist", time.Hour, "b1")
		var shown push.Tenant
		if err := b.get(t1, &shown); err != nil || len(shown.Branches) != 1 || shown.Branches[0].ID != "b1" {
			t.Errorf("branches: %+v, %v", shown, err)
		}
		answer, status, err := b.ask(http.MethodPost, "http://localhost:8080"+t1+"/events", `{"type":"hello","data":{}}`)
		if err != nil || status != http.StatusForbidden {
			t.Errorf("an event of a pharmacist's: %d %s, %v", status, answer, err)
		}
	})
}

// A token's end is announced a minute before, and the connection ends with it, on every transport.
func TestAConnectionEndsWithItsToken(t *testing.T) {
	t.Parallel()
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
				born := time.Now()
				b.token = signed(t, g, "admin", 3*time.Minute)
				v, err := tr.connect(b, "testpharmacy", "", b.head())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				var told []string
				for {
					f, err := v.next()
					if err != nil {
						break
					}
					if f.kind == "expiring" || f.kind == "bye" {
						told = append(told, fmt.Sprint(f.kind, " ", time.Since(born).Round(time.Second)))
					}
					if f.kind == "bye" && strings.HasPrefix(tr.name, "signalr") {
						break
					}
				}
				if want := []string{"expiring 2m0s", "bye 3m0s"}; !slices.Equal(told, want) {
					t.Errorf("told %q, want %q", told, want)
				}
			})
		})
	}
}

func (b *bundle) head() string {
	head, _ := b.log.Head()
	return head.String()
}

func TestAWebSocketGoesOnWithANewToken(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		b.token = signed(t, g, "pharmacist", 3*time.Minute, "b1")
		v, err := b.rawWS("testpharmacy")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		other := signedBy(t, g, auth.Caller{User: "bekele", Tenant: string(abyssinia), Role: "admin"}, time.Hour)
		moved := signedBy(t, g, auth.Caller{User: "almaz", Tenant: string(blueNile), Role: "admin"}, time.Hour)
		for _, token := range []string{other, moved, "rubbish"} {
			if got := v.answerTo(t, map[string]any{"op": "token", "id": "1", "token": token}); got["op"] != "error" {
				t.Errorf("a token that is not theirs: %v", got)
			}
		}
		if got := v.answerTo(t, map[string]any{"op": "token", "token": signed(t, g, "pharmacist", 10*time.Minute, "b2")}); got["op"] != "ok" {
			t.Fatalf("a new token: %v", got)
		}
		if got := v.answerTo(t, map[string]any{"op": "subscribe", "branch": "b1"}); got["op"] != "error" {
			t.Errorf("the branch of the token before: %v", got)
		}
		if got := v.answerTo(t, map[string]any{"op": "subscribe"}); got["op"] != "ok" {
			t.Errorf("subscribe: %v", got)
		}
		b.tx(sold(abyssinia, "b1", "m1", 2, 1))
		b.tx(sold(abyssinia, "b2", "m2", 2, 1))
		var f frame
		for !f.event {
			if f, err = v.next(); err != nil {
				t.Fatal(err)
			}
		}
		if f.data["branch"] != "b2" {
			t.Errorf("told of %v", f.data["branch"])
		}
		born := time.Now()
		for err == nil {
			f, err = v.next()
		}
		if took := time.Since(born); websocket.CloseStatus(err) != 4401 || took != 10*time.Minute {
			t.Errorf("ended with %v after %s", err, took)
		}
	})
}

// answerTo says something and gives the answer, past what is told meanwhile.
func (v *wsViewer) answerTo(t *testing.T, what any) map[string]any {
	t.Helper()
	if err := v.say(what); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := v.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.kind == "ok" || f.kind == "error" {
			return f.data
		}
	}
}

// A SignalR connection goes on with a refreshed token, and by polls with that of the latest poll.
func TestAHubConnectionGoesOnWithANewToken(t *testing.T) {
	t.Parallel()
	for _, transport := range hubTransports() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
				b.token = signed(t, g, "admin", 3*time.Minute)
				v, err := b.hub(transport, "inventory", "testpharmacy", "", b.head())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				born := time.Now()
				refresh := strings.Replace(v.at("/refresh"), "?", "?id="+v.token+"&", 1)
				b.token = signedBy(t, g, auth.Caller{User: "bekele", Tenant: string(abyssinia), Role: "admin"}, time.Hour)
				if answer, status, err := b.ask(http.MethodPost, refresh, ""); err != nil || status != http.StatusNotFound {
					t.Errorf("another person's connection: %d %s, %v", status, answer, err)
				}
				b.token = signed(t, g, "admin", 10*time.Minute)
				answer, status, err := b.ask(http.MethodPost, refresh, "")
				if err != nil || status != http.StatusOK || !strings.Contains(answer, `"tokenLifetimeSeconds":600`) {
					t.Errorf("refresh: %d %s, %v", status, answer, err)
				}
				for {
					f, err := v.next()
					if err != nil {
						t.Fatalf("%v after %s", err, time.Since(born))
					}
					if f.kind == "bye" {
						break
					}
				}
				if lasted := time.Since(born).Round(time.Second); lasted != 10*time.Minute {
					t.Errorf("it lasted %s", lasted)
				}
			})
		})
	}
}
