package push_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

const site = "http://localhost:8080"

// hubTransports are what carries a connection to a hub.
func hubTransports() []string { return []string{"WebSockets", "ServerSentEvents", "LongPolling"} }

func onEachHubTransport(t *testing.T, test func(t *testing.T, b *bundle, transport string)) {
	t.Helper()
	for _, transport := range hubTransports() {
		t.Run(transport, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) { test(t, b, transport) })
		})
	}
}

func (b *bundle) mustHub(transport, hub, query string) *hubViewer {
	b.t.Helper()
	v, err := b.hub(transport, hub, "testpharmacy", query, "")
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func TestNegotiationAnswersInTheVersionAsked(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		for query, want := range map[string]string{
			"": `"negotiateVersion":0`, "&negotiateVersion=1": `"negotiateVersion":1`,
			"&negotiateVersion=1&useStatefulReconnect=true": `"useStatefulReconnect":true`,
		} {
			answer, status, err := b.ask(http.MethodPost, site+"/hubs/sales/negotiate?tenant=nile"+query, "")
			if err != nil || status != http.StatusOK || !strings.Contains(answer, want) {
				t.Errorf("%s: %d %s %v", query, status, answer, err)
			}
			var n struct{ ConnectionID, ConnectionToken string }
			if err := json.Unmarshal([]byte(answer), &n); err != nil || n.ConnectionID == "" ||
				(n.ConnectionToken == "") != (query == "") || n.ConnectionID == n.ConnectionToken {
				t.Errorf("%s: %s", query, answer)
			}
		}
	})
}

func TestDeployedPathsAreHubs(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		for _, path := range []string{"/notificationHub", "/inventoryHub", "/pharmacyHub", "/salesHub", "/testHub", "/hubs/patients"} {
			if answer, status, err := b.ask(http.MethodPost, site+path+"/negotiate?tenant=nile", ""); err != nil || status != http.StatusOK {
				t.Errorf("%s: %d %s %v", path, status, answer, err)
			}
		}
	})
}

func TestHubsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for path, hub := range map[string]string{
		"/liveHub": "weather", "hub": "sales", "/": "sales", "/a b": "sales", "/x/": "sales", "/api/hub": "sales", "/hubs": "sales", "/{x}": "sales",
	} {
		if err := push.CheckHubs(map[string]string{path: hub}, nil); err == nil || !strings.Contains(err.Error(), "push.hub_paths") {
			t.Errorf("%s: %s gave %v", path, hub, err)
		}
	}
	if err := push.CheckHubs(nil, []string{"websockets"}); err == nil || !strings.Contains(err.Error(), "WebSockets") {
		t.Errorf("gave %v", err)
	}
	if err := push.CheckHubs(push.DeployedHubPaths(), push.HubTransports()); err != nil {
		t.Error(err)
	}
}

func TestHubsAnswerWithTheStatusThatClientsExpect(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		live := map[string]string{}
		for _, transport := range hubTransports() {
			v := b.mustHub(transport, "sales", "")
			defer v.cut()
			live[transport] = "&id=" + v.token
		}
		const hub = "/hubs/sales?tenant=testpharmacy&after="
		for _, c := range []struct {
			method, path string
			want         int
		}{
			{http.MethodPost, "/hubs/weather/negotiate?tenant=nile", http.StatusNotFound},
			{http.MethodPost, "/hubs/sales/negotiate?tenant=nobody", http.StatusNotFound},
			{http.MethodPost, "/hubs/sales/negotiate?tenant=nile&topics=patients", http.StatusBadRequest},
			{http.MethodGet, "/hubs/sales/negotiate", http.StatusNotFound},
			{http.MethodGet, hub, http.StatusBadRequest},
			{http.MethodPost, hub, http.StatusBadRequest},
			{http.MethodDelete, hub, http.StatusBadRequest},
			{http.MethodGet, hub + "&id=unknown", http.StatusNotFound},
			{http.MethodPost, hub + "&id=unknown", http.StatusNotFound},
			{http.MethodDelete, hub + "&id=unknown", http.StatusNotFound},
			{http.MethodPost, hub + live["WebSockets"], http.StatusMethodNotAllowed},
			{http.MethodGet, hub + live["WebSockets"], http.StatusBadRequest},
			{http.MethodGet, hub + live["ServerSentEvents"], http.StatusBadRequest},
			{http.MethodDelete, hub + live["ServerSentEvents"], http.StatusBadRequest},
			{http.MethodPost, "/hubs/inventory?tenant=testpharmacy" + live["LongPolling"], http.StatusNotFound},
			{http.MethodPost, "/hubs/sales?tenant=nile" + live["LongPolling"], http.StatusNotFound},
			{http.MethodDelete, hub + live["LongPolling"], http.StatusAccepted},
			{http.MethodPut, hub, http.StatusNotFound},
		} {
			answer, status, err := b.ask(c.method, site+c.path, "")
			if err != nil || status != c.want {
				t.Errorf("%s %s: %d %s %v, want %d", c.method, c.path, status, answer, err, c.want)
			}
		}
		for transport, want := range map[string]string{"WebSockets": "409", "ServerSentEvents": "409"} {
			again := &hubViewer{b: b, url: site + hub, token: strings.TrimPrefix(live[transport], "&id=")}
			if err := again.open(transport); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a second connection over %s: %v", transport, err)
			}
		}
	})
}

func TestHubMethodsAreAnswered(t *testing.T) {
	onEachHubTransport(t, func(t *testing.T, b *bundle, transport string) {
		b.world.raise(abyssinia, lowStock("m1", 3))
		v := b.mustHub(transport, "notifications", "")
		defer v.cut()
		awaitKind(t, v, "connection_established")
		for _, c := range []struct {
			target    string
			arguments []any
			want      string
		}{
			{"Ping", []any{"now"}, `"result":"now"`},
			{"ping", []any{map[string]any{"a": 1}}, `"result":{"a":1}`},
			{"Ping", nil, `"result":null`},
			{"JoinTenantGroup", []any{"nile"}, `"result":null`},
			{"joinRoleGroup", []any{"admin"}, `"result":null`},
			{"Acknowledge", []any{"low-m1", "ordered"}, `"applied":true`},
			{"Acknowledge", []any{"nothing", ""}, "There is no such thing"},
			{"Acknowledge", []any{7}, "argument 1 of Acknowledge"},
			{"Snooze", []any{"low-m1", "8h"}, `"applied":true`},
			{"Snooze", []any{"low-m1", time.Now().Add(time.Hour).Format(time.RFC3339)}, `"applied":true`},
			{"Snooze", []any{"low-m1", "yesterday"}, `"error":"snooze ends`},
			{"Subscribe", []any{map[string]any{"types": []string{"alert_raised"}}}, `"resumed":false`},
			{"Subscribe", []any{map[string]any{"topics": []string{"sales"}}}, "not one of this hub's"},
			{"Resume", []any{rxvigil.EndOf("e1", 1000).String()}, `"resumed":true`},
			{"FormatDisk", nil, "Unknown hub method 'FormatDisk'"},
		} {
			if err := v.invoke("7", c.target, c.arguments...); err != nil {
				t.Fatal(err)
			}
			f := awaitKind(t, v, "ok")
			if !strings.Contains(f.raw, `"invocationId":"7"`) || !strings.Contains(f.raw, c.want) {
				t.Errorf("%s %v was answered %s", c.target, c.arguments, f.raw)
			}
		}
		if err := v.write(say("", "Ping", 1) + say("8", "Ping", 2)); err != nil {
			t.Fatal(err)
		}
		if f := awaitKind(t, v, "ok"); !strings.Contains(f.raw, `"invocationId":"8"`) {
			t.Errorf("who wants no answer got %s", f.raw)
		}
	})
}

func TestRubbishEndsAHubConnectionWithAReason(t *testing.T) {
	onEachHubTransport(t, func(t *testing.T, b *bundle, transport string) {
		for payload, want := range map[string]string{
			"hello\x1e": "not a hub message", `{"type":6}`: "incomplete", `{"type":1}` + "\x1e": "lacks target", `{"type":9,"sequenceId":5}` + "\x1e": "sequence id",
		} {
			v := b.mustHub(transport, "notifications", "")
			defer v.cut()
			awaitKind(t, v, "connection_established")
			if err := v.write(payload); err != nil {
				t.Fatal(err)
			}
			if f := awaitKind(t, v, "closed"); !strings.Contains(f.raw, want) || strings.Contains(f.raw, "allowReconnect") {
				t.Errorf("%q closed with %s", payload, f.raw)
			}
			if _, err := v.next(); err == nil {
				t.Error("something came after the end")
			}
		}
	})
}

func TestHandshakeIsRefusedWithAReason(t *testing.T) {
	onEachHubTransport(t, func(t *testing.T, b *bundle, transport string) {
		v := &hubViewer{b: b, url: site + "/hubs/sales?tenant=nile"}
		var err error
		if v.token, err = v.negotiate(""); err != nil {
			t.Fatal(err)
		}
		if err = v.open(transport); err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		if err = v.write(`{"protocol":"messagepack","version":1}` + "\x1e"); err != nil {
			t.Fatal(err)
		}
		if got, err := v.record(); err != nil || got != `{"error":"the protocol \"messagepack\" is not supported: use json"}` {
			t.Errorf("answered %s, %v", got, err)
		}
		if got, err := v.record(); err == nil {
			t.Errorf("then came %s", got)
		}
	})
}

// TestWhoNeverShakesHandsIsGone after fifteen seconds, and so is who falls silent for thirty.
func TestWhoNeverShakesHandsIsGone(t *testing.T) {
	onEachHubTransport(t, func(t *testing.T, b *bundle, transport string) {
		v := &hubViewer{b: b, url: site + "/hubs/sales?tenant=nile"}
		var err error
		if v.token, err = v.negotiate(""); err != nil {
			t.Fatal(err)
		}
		if err := v.open(transport); err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		start := time.Now()
		if _, err := v.record(); err == nil || time.Since(start) != 15*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
	})
}

func TestSilentHubClientIsGone(t *testing.T) {
	for _, transport := range []string{"WebSockets", "ServerSentEvents"} {
		inBubble(t, 0, func(t *testing.T, b *bundle) {
			v := b.mustHub(transport, "sales", "")
			defer v.cut()
			start := time.Now()
			for err := error(nil); err == nil; {
				_, err = v.record()
			}
			if time.Since(start) != 30*time.Second {
				t.Errorf("%s: gone after %s", transport, time.Since(start))
			}
		})
	}
}

// TestOnlyPagesMadeForUsHearOurHeartbeat: elsewhere each would be a warning in the page's console.
func TestOnlyPagesMadeForUsHearOurHeartbeat(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v := &hubViewer{b: b, url: site + "/salesHub?tenant=nile"}
		if err := v.connect("WebSockets"); err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		awaitKind(t, v, "ping")
		if err := v.invoke("1", "Subscribe", map[string]any{}); err != nil {
			t.Fatal(err)
		}
		awaitKind(t, v, "heartbeat")
	})
}

func TestSkippedNegotiationOpensAConnection(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		conn, _, err := websocket.Dial(t.Context(), "ws://localhost:8080/inventoryHub?tenant=testpharmacy", &websocket.DialOptions{HTTPClient: b.client})
		if err != nil {
			t.Fatal(err)
		}
		v := &hubViewer{b: b, wire: hubSocket{conn}}
		defer v.cut()
		if err := v.write(`{"protocol":"json","version":1}` + "\x1e"); err != nil {
			t.Fatal(err)
		}
		if got, err := v.record(); got != "{}" {
			t.Fatalf("answered %s, %v", got, err)
		}
		awaitKind(t, v, "connection_established")
		want := b.tx(sold(abyssinia, "b1", "m1", 2, 1))[0]
		if f := awaitEvent(t, v); f.id != want {
			t.Errorf("got %s", f.raw)
		}
	})
}

// TestInventoryHubHearsWhatGotWorse, and the notifications hub every transition.
func TestInventoryHubHearsWhatGotWorse(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		inventory, notifications := b.mustHub("WebSockets", "inventory", ""), b.mustHub("WebSockets", "notifications", "")
		defer inventory.cut()
		defer notifications.cut()
		awaitKind(t, inventory, "connection_established")
		awaitKind(t, notifications, "connection_established")
		low, dated := lowStock("m1", 0), expiring("l1", "2000-01-06")
		low.Message, low.Severity = "Amoxicillin is out of stock", rxvigil.Critical
		dated.Values.Set("days", rxvigil.NumberValue(rxvigil.NumberOf(5)))
		settled := lowStock("m1", 90)
		settled.Status = rxvigil.Resolved
		change := func(typ rxvigil.EventType, a rxvigil.Alert) rxvigil.Event {
			return rxvigil.Event{Type: typ, Tenant: abyssinia, Branch: a.Branch, Data: rxvigil.AlertChange{Alert: &a}}
		}
		b.tx(change(rxvigil.AlertRaised, low), change(rxvigil.AlertRaised, dated), change(rxvigil.AlertResolved, settled),
			event(abyssinia, "", "fridge_open", `{"message":"The fridge is open","type":"error","minutes":7}`),
			sold(abyssinia, "b1", "m1", 0, 90))
		var told strings.Builder
		for v, n := range map[*hubViewer]int{inventory: 3, notifications: 4} {
			fmt.Fprintf(&told, "%s\n\n", strings.SplitN(strings.TrimPrefix(v.url, site), "?", 2)[0])
			for range n {
				told.WriteString(awaitEvent(t, v).raw + "\n\n")
			}
		}
		parts := strings.SplitAfter(told.String(), "\n\n/hubs")
		if strings.HasPrefix(parts[0], "/hubs/notifications") { // maps have no order
			told.Reset()
			told.WriteString("/hubs" + parts[1] + strings.TrimSuffix(parts[0], "/hubs"))
		}
		checkGolden(t, "hub_alerts.golden", told.String())
	})
}

func TestPollsEndAsTheClientExpects(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v := &hubViewer{b: b, url: site + "/salesHub?tenant=testpharmacy"} // of a page that is told no heartbeat
		if err := v.connect("LongPolling"); err != nil {
			t.Fatal(err)
		}
		awaitKind(t, v, "connection_established")
		start := time.Now()
		older := make(chan int)
		poll := func() (string, int) {
			answer, status, err := b.ask(http.MethodGet, v.url+"&id="+v.token, "")
			if err != nil {
				t.Error(err)
			}
			return answer, status
		}
		go func() { _, status := poll(); older <- status }()
		time.Sleep(time.Second)
		newer := make(chan int)
		go func() { _, status := poll(); newer <- status }()
		if status := <-older; status != http.StatusNoContent || time.Since(start) > time.Second {
			t.Errorf("the older poll ended with %d after %s", status, time.Since(start))
		}
		if status := <-newer; status != http.StatusOK || time.Since(start) != 91*time.Second {
			t.Errorf("a poll with nothing to tell ended with %d after %s", status, time.Since(start))
		}
		time.Sleep(30 * time.Second)
		if answer, status := poll(); status != http.StatusNotFound && status != http.StatusNoContent {
			t.Errorf("a client that stayed away got %d %s", status, answer)
		}
	})
}
