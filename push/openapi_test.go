package push_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rxvigil/rxvigil"
)

// contract is a document of ours in which no object may have what it does not say.
type contract struct {
	t        *testing.T
	document map[string]any
	compiler *jsonschema.Compiler
}

func (b *bundle) contract(path string) *contract {
	b.t.Helper()
	text, status, err := b.ask(http.MethodGet, "http://localhost:8080"+path, "")
	if err != nil || status != http.StatusOK {
		b.t.Fatalf("%s: %d, %v", path, status, err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	c := &contract{t: b.t, document: closed(parsed).(map[string]any), compiler: jsonschema.NewCompiler()}
	if err := c.compiler.AddResource("doc.json", c.document); err != nil {
		b.t.Fatal(err)
	}
	return c
}

// closed forbids each object to have more than its properties.
func closed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = closed(value)
		}
		if _, open := v["additionalProperties"]; v["properties"] != nil && v["type"] == "object" && !open {
			v["additionalProperties"] = false
		}
	case []any:
		for i := range v {
			v[i] = closed(v[i])
		}
	}
	return v
}

// holds checks a text against the schema at a place of the document.
func (c *contract) holds(what, text string, place ...string) {
	c.t.Helper()
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var pointer strings.Builder
	pointer.WriteString("doc.json#")
	for _, p := range place {
		pointer.WriteString("/" + url.PathEscape(escape.Replace(p)))
	}
	s, err := c.compiler.Compile(pointer.String())
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		c.t.Errorf("%s: %s\n%v", what, text, err)
	}
}

// door finds the path of the document that a URL's path is.
func (c *contract) door(path string) string {
	c.t.Helper()
	path, _, _ = strings.Cut(path, "?")
	paths := c.document["paths"].(map[string]any)
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if regexp.MustCompile("^" + regexp.MustCompile(`\\\{\w+\\\}`).ReplaceAllString(regexp.QuoteMeta(p), "[^/]+") + "$").MatchString(path) {
			return p
		}
	}
	c.t.Fatalf("the document has no %s", path)
	return ""
}

// What the desk answers is what its document says, and nothing more.
func TestTheDeskIsAsItsDocumentSays(t *testing.T) {
	t.Parallel()
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		b.world.raise(abyssinia, lowStock("m1", 3), expiring("l1", "2000-01-20"))
		b.tx(sold(abyssinia, "b1", "m1", 10, 3))
		c := b.contract("/api/openapi.json")
		const t1 = "/api/tenant/testpharmacy"
		seen := map[string]bool{}
		for _, q := range []struct{ method, path, body string }{
			{"GET", "/healthz", ""},
			{"GET", "/readyz", ""},
			{"GET", "/metrics", ""},
			{"GET", "/api/openapi.json", ""},
			{"GET", "/api/asyncapi.json", ""},
			{"GET", "/api/tenants", ""},
			{"GET", t1, ""},
			{"GET", t1 + "/alerts", ""},
			{"GET", t1 + "/alerts/low-m1", ""},
			{"GET", t1 + "/alerts/nothing", ""},
			{"POST", t1 + "/alerts/low-m1/acknowledge", `{"note":"ordered","by":"Sara"}`},
			{"POST", t1 + "/alerts/low-m1/snooze", `{"for":"3d"}`},
			{"POST", t1 + "/alerts/low-m1/snooze", `{}`},
			{"POST", t1 + "/alerts/low-m1/unsnooze", ``},
			{"GET", t1 + "/analytics", ""},
			{"GET", t1 + "/stock", ""},
			{"GET", t1 + "/stock?brnch=b1", ""},
			{"GET", t1 + "/expiring", ""},
			{"GET", t1 + "/thresholds", ""},
			{"GET", t1 + "/thresholds/m1", ""},
			{"PUT", t1 + "/thresholds/m1", `{"value":60}`},
			{"DELETE", t1 + "/thresholds/m1", ""},
			{"GET", t1 + "/prescriptions", ""},
			{"GET", t1 + "/rules", ""},
			{"POST", t1 + "/rules/backtest?days=9", ""},
			{"POST", t1 + "/rules/backtest", ""},
			{"GET", t1 + "/stats", ""},
			{"POST", t1 + "/events", `{"type":"fridge_open","branch":"b1","data":{"minutes":7}}`},
			{"POST", "/api/tickets", ""},
			{"POST", "/api/session", ""},
			{"DELETE", "/api/session", ""},
		} {
			door := c.door(q.path)
			operation, ok := c.document["paths"].(map[string]any)[door].(map[string]any)[strings.ToLower(q.method)].(map[string]any)
			if !ok {
				t.Errorf("the document has no %s %s", q.method, door)
				continue
			}
			seen[q.method+" "+door] = true
			place := []string{"paths", door, strings.ToLower(q.method)}
			if q.body != "" {
				c.holds("the body of "+q.method+" "+q.path, q.body, append(place, "requestBody", "content", "application/json", "schema")...)
			}
			status, h, answer := b.call(q.method, q.path, q.body)
			as, typ := fmt.Sprint(status), "application/json"
			if status >= 400 {
				as, typ = "default", "application/problem+json"
			}
			said, ok := operation["responses"].(map[string]any)[as].(map[string]any)
			if !ok {
				t.Errorf("%s %s answers %d, which the document does not say", q.method, q.path, status)
				continue
			}
			if said["content"] != nil && h.Get("Content-Type") == typ {
				c.holds(q.method+" "+q.path, answer, append(place, "responses", as, "content", typ, "schema")...)
			} else if said["content"] != nil || answer != "" && status < 400 && strings.HasPrefix(answer, "{") && !strings.HasPrefix(q.path, "/api/openapi") && !strings.HasPrefix(q.path, "/api/asyncapi") {
				t.Errorf("%s %s answers with %s: %.80s", q.method, q.path, h.Get("Content-Type"), answer)
			}
		}
		for door, of := range c.document["paths"].(map[string]any) {
			for method := range of.(map[string]any) {
				if name := strings.ToUpper(method) + " " + door; !seen[name] && !strings.Contains(name, "/stream") && !strings.Contains(name, "/ws") && !strings.Contains(name, "live-monitor") {
					t.Errorf("%s was not tried", name)
				}
			}
		}
	})
}

// What streams tell is what their document says.
func TestTheStreamsAreAsTheirDocumentSays(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		c := b.contract("/api/asyncapi.json")
		start := b.head()
		b.tx(sold(abyssinia, "b1", "m1", 10, 9), event(abyssinia, "", "fridge_open", `{"minutes":7}`))
		b.log.Stale(time.Now(), "source out of sight")
		told := map[string]bool{}
		for _, tr := range transports()[:2] {
			v, err := tr.connect(b, "testpharmacy", "", start)
			if err != nil {
				t.Fatal(err)
			}
			defer v.cut()
			for kind := ""; kind != "heartbeat"; {
				f, err := v.next()
				if err != nil {
					t.Fatal(err)
				}
				kind = f.kind
				told[tr.name+" "+kind] = true
				text := f.raw
				if tr.name == "sse" {
					text = regexp.MustCompile(`(?m)^data: (.*)$`).FindStringSubmatch(f.raw)[1]
				} else if kind == "connection_established" || kind == "heartbeat" || kind == "stale" {
					var frame map[string]any
					if err := json.Unmarshal([]byte(text), &frame); err != nil {
						t.Fatal(err)
					}
					delete(frame, "op") // which names the message
					again, err := json.Marshal(frame)
					if err != nil {
						t.Fatal(err)
					}
					text = string(again)
				}
				name := kind
				switch {
				case f.event:
					name = "event"
				case kind == "ok":
					name = "answer"
				}
				c.holds(tr.name+" "+kind, text, "components", "messages", name, "payload")
			}
		}
		for _, want := range []string{"sse connection_established", "sse stock_level_changed", "sse fridge_open", "sse stale", "sse heartbeat", "websocket ok", "websocket stock_level_changed"} {
			if !told[want] {
				t.Errorf("%s was not told: %v", want, told)
			}
		}
		c.holds("a request", `{"op":"subscribe","topics":["sales"],"after":"x"}`, "components", "messages", "request", "payload")
	})
}

// CloudEvents carry the same: every attribute that the specification demands, and the envelope's own as extensions.
func TestCloudEventsCarryTheSame(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"sse", "websocket"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
				start := b.head()
				ids := b.tx(sold(abyssinia, "b1", "m1", 10, 9), event(abyssinia, "", "fridge_open", `{"minutes":7,"xid":"no"}`))
				var v viewer
				var err error
				if transport == "sse" {
					v, err = b.sse("/api/tenant/testpharmacy/stream?format=cloudevents", start)
				} else {
					b.query = "?format=cloudevents"
					v, err = b.ws("testpharmacy", "", start)
				}
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				var got []map[string]any
				for len(got) < 2 {
					f, err := v.next()
					if err != nil {
						t.Fatal(err)
					}
					if f.event {
						got = append(got, f.data)
					}
				}
				at := time.Now().UTC().Format(time.RFC3339Nano)
				want := []map[string]any{
					{
						"specversion": "1.0", "id": ids[0], "source": "/api/tenant/abyssinia", "type": "stock_level_changed", "time": at, "topic": "inventory", "branch": "b1", "xid": "7",
						"datacontenttype": "application/json", "data": got[0]["data"],
					},
					{
						"specversion": "1.0", "id": ids[1], "source": "/api/tenant/abyssinia", "type": "fridge_open", "time": at, "topic": "notifications", "xid": "7", "last": true,
						"datacontenttype": "application/json", "data": map[string]any{"minutes": 7.0, "xid": "no"},
					},
				}
				if diff := cmp.Diff(want, got); diff != "" || got[0]["data"].(map[string]any)["available"] != 9.0 {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if status, _, _ := b.call("GET", "/api/tenant/testpharmacy/stream?format=avro", ""); status != http.StatusBadRequest {
					t.Errorf("an unknown format: %d", status)
				}
			})
		})
	}
}

// Every built-in type of event has a topic of its own, or is an alert or a notification.
func TestEventTypesAreListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[rxvigil.EventType]bool{}
	for _, typ := range rxvigil.EventTypes() {
		if seen[typ] {
			t.Errorf("%s is listed twice", typ)
		}
		seen[typ] = true
		if typ.Topic() == rxvigil.Notifications && !strings.HasPrefix(string(typ), "alert_") && typ != rxvigil.Notification {
			t.Errorf("%s has no topic", typ)
		}
	}
}

// The types that portals import are made from ours, and are not older.
func TestWireTypesAreNew(t *testing.T) {
	t.Parallel()
	inBubble(t, 0, func(t *testing.T, b *bundle) {
		const file = "../portal/client/wire.d.ts"
		made := b.server.WireTypes()
		if *update {
			if err := os.WriteFile(file, []byte(made), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(made, string(kept)); diff != "" {
			t.Errorf("%s is old: run go test ./push -run WireTypes -update\n%s", file, diff)
		}
	})
}
