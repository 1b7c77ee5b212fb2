package push_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
)

// TestRubbishIsToldAndClosedWithAReason, and the others never notice.
func TestRubbishIsToldAndClosedWithAReason(t *testing.T) {
	for name, c := range map[string]struct {
		typ  websocket.MessageType
		text string
		code websocket.StatusCode
	}{
		"binary":           {websocket.MessageBinary, "\x00\x01", websocket.StatusUnsupportedData},
		"not JSON":         {websocket.MessageText, "hello", websocket.StatusInvalidFramePayloadData},
		"not UTF-8":        {websocket.MessageText, "{\"op\":\"\xff\"}", websocket.StatusInvalidFramePayloadData},
		"not an object":    {websocket.MessageText, "[1]", websocket.StatusPolicyViolation},
		"unknown op":       {websocket.MessageText, `{"op":"format_disk"}`, websocket.StatusPolicyViolation},
		"unknown field":    {websocket.MessageText, `{"op":"ping","tenant":"blue-nile"}`, websocket.StatusPolicyViolation},
		"larger than 64 k": {websocket.MessageText, `{"op":"` + strings.Repeat("a", 70_000) + `"}`, websocket.StatusMessageTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 0, func(t *testing.T, b *bundle) {
				v, err := b.rawWS("testpharmacy")
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				awaitKind(t, v, "connection_established")
				go func() { _ = v.conn.Write(context.Background(), c.typ, []byte(c.text)) }() // may be cut off halfway
				if f := awaitKind(t, v, "error"); f.data["type"] != "/problems/bad-request" {
					t.Errorf("got %s", f.raw)
				}
				if _, err = v.next(); websocket.CloseStatus(err) != c.code {
					t.Errorf("closed with %v", err)
				}
			})
		})
	}
}

func TestWebSocketAnswersEveryRequest(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.raise(abyssinia, lowStock("m1", 3))
		v, err := b.rawWS("testpharmacy")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		for _, c := range []struct{ say, kind, in string }{
			{`{"op":"ping","id":"1"}`, "pong", `"id":"1"`},
			{`{"op":"token","id":"2","token":"x"}`, "error", "no auth is configured"},
			{`{"op":"subscribe","id":"3","topics":["weather"]}`, "error", "weather"},
			{`{"op":"subscribe","id":"4","topics":["inventory"]}`, "ok", `"resumed":false`},
			{`{"op":"acknowledge","id":"5","alert":"low-m1","by":"Sara"}`, "ok", `"applied":true`},
			{`{"op":"snooze","id":"6","alert":"low-m1"}`, "error", "snooze needs until"},
			{`{"op":"snooze","id":"7","alert":"low-m1","for":"8h"}`, "ok", `"applied":true`},
			{`{"op":"acknowledge","id":"8","alert":"nothing"}`, "error", "/problems/not-found"},
			{`{"op":"unsubscribe","id":"9"}`, "ok", `"id":"9"`},
		} {
			if err := v.conn.Write(context.Background(), websocket.MessageText, []byte(c.say)); err != nil {
				t.Fatal(err)
			}
			if f := awaitKind(t, v, c.kind); !strings.Contains(f.raw, c.in) {
				t.Errorf("%s was answered %s", c.say, f.raw)
			}
		}
	})
}

// TestSubscribeChangesTheFilterWithoutAGap: a later subscribe without a cursor goes on where the connection stands.
func TestSubscribeChangesTheFilterWithoutAGap(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		v, err := b.ws("testpharmacy", "topics=sales", "")
		if err != nil {
			t.Fatal(err)
		}
		defer v.cut()
		awaitKind(t, v, "ok")
		b.tx(sold(abyssinia, "b1", "unheard", 2, 1))
		sale := b.tx(event(abyssinia, "b1", rxvigil.SaleCreated, `{"id":"s1"}`))[0]
		if f := awaitEvent(t, v); f.id != sale {
			t.Errorf("got %s", f.raw)
		}
		if err := v.(*wsViewer).say(map[string]any{"op": "subscribe", "topics": []string{"inventory"}}); err != nil {
			t.Fatal(err)
		}
		awaitKind(t, v, "ok")
		b.tx(event(abyssinia, "b1", rxvigil.SaleCreated, `{"id":"s2"}`))
		want := b.tx(sold(abyssinia, "b1", "heard", 2, 1))[0]
		if f := awaitEvent(t, v); f.id != want {
			t.Errorf("got %s", f.raw)
		}
	})
}

func TestWebSocketOfAForeignOriginIsRefused(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		for origin, want := range map[string]int{
			"https://evil.example": http.StatusForbidden, "https://portal.example": http.StatusSwitchingProtocols,
			"http://localhost:8080": http.StatusSwitchingProtocols,
		} {
			conn, res, err := websocket.Dial(context.Background(), "ws://localhost:8080/api/tenant/nile/ws", &websocket.DialOptions{
				HTTPClient: b.client, HTTPHeader: http.Header{"Origin": {origin}},
			})
			if res == nil || res.StatusCode != want {
				t.Errorf("%s: %v", origin, err)
			}
			if conn != nil {
				_ = conn.CloseNow()
			}
		}
	})
}
