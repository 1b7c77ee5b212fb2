package push_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// frame is what a viewer got, on any transport: the kind of frame, the cursor it carries, and the JSON.
type frame struct {
	kind, id string
	retry    string
	event    bool // an event, not a control frame
	data     map[string]any
	raw      string
}

// viewer is one connection of one transport. next gives io.EOF, or another error, at its end.
type viewer interface {
	next() (frame, error)
	cut()
}

// transport connects a viewer that is complete up to after.
type transport struct {
	name    string
	connect func(b *bundle, tenant, query, after string) (viewer, error)
}

func transports() []transport {
	return []transport{
		{"sse", func(b *bundle, tenant, query, after string) (viewer, error) {
			return b.sse("/api/tenant/"+tenant+"/stream?"+query, after)
		}},
		{"websocket", func(b *bundle, tenant, query, after string) (viewer, error) { return b.ws(tenant, query, after) }},
		{"live_monitor", func(b *bundle, tenant, query, after string) (viewer, error) {
			return b.sse("/api/tenant/"+tenant+"/medicines/live-monitor?"+query, after)
		}},
		{"signalr_websocket", onHub("WebSockets")},
		{"signalr_sse", onHub("ServerSentEvents")},
		{"signalr_long_polling", onHub("LongPolling")},
	}
}

// onHub connects to the hub that has every topic.
func onHub(transport string) func(b *bundle, tenant, query, after string) (viewer, error) {
	return func(b *bundle, tenant, query, after string) (viewer, error) {
		return b.hub(transport, "test", tenant, query, after)
	}
}

// beat is how often a transport has a heartbeat.
func (tr transport) beat() time.Duration {
	if strings.HasPrefix(tr.name, "signalr") {
		return 15 * time.Second
	}
	return 10 * time.Second
}

type sseViewer struct {
	res    *http.Response
	lines  *bufio.Reader
	cancel context.CancelFunc
}

func (b *bundle) sse(path, after string) (*sseViewer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost:8080"+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := b.client.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		defer cancel()
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		return nil, fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return &sseViewer{res, bufio.NewReader(res.Body), cancel}, nil
}

func (v *sseViewer) cut() {
	v.cancel()
	_ = v.res.Body.Close()
}

func (v *sseViewer) next() (frame, error) {
	f := frame{}
	var raw strings.Builder
	for {
		line, err := v.lines.ReadString('\n')
		if err != nil {
			return f, err
		}
		raw.WriteString(line)
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			f.kind = value
		case "id":
			f.id = value
		case "retry":
			f.retry = value
		case "data":
			if err := json.Unmarshal([]byte(value), &f.data); err != nil {
				return f, fmt.Errorf("data %q: %w", value, err)
			}
		case "":
			if f.data == nil { // nothing but a retry
				continue
			}
			f.raw = raw.String()
			return f.typed(), nil
		default:
			return f, fmt.Errorf("unexpected line %q", line)
		}
	}
}

// typed fills kind from an unnamed message and tells events from control frames.
func (f frame) typed() frame {
	if f.kind == "" {
		f.kind, _ = f.data["type"].(string)
	}
	if f.kind == "" {
		f.kind, _ = f.data["op"].(string)
	}
	switch f.kind {
	case "connection_established", "heartbeat", "resync", "stale", "fresh", "bye", "stock_alert", "expiry_alert", "ok", "error", "pong", "expiring":
	default:
		f.event = true
	}
	return f
}

type wsViewer struct{ conn *websocket.Conn }

// ws connects and subscribes; query is topics=, types= and branch= as on SSE.
func (b *bundle) ws(tenant, query, after string) (viewer, error) {
	v, err := b.rawWS(tenant)
	if err != nil {
		return nil, err
	}
	q, _ := url.ParseQuery(query)
	sub := map[string]any{"op": "subscribe", "after": after, "branch": q.Get("branch")}
	for _, key := range []string{"topics", "types"} {
		if s := q.Get(key); s != "" {
			sub[key] = strings.Split(s, ",")
		}
	}
	return v, v.say(sub)
}

func (b *bundle) rawWS(tenant string) (*wsViewer, error) {
	conn, _, err := websocket.Dial(context.Background(), "ws://localhost:8080/api/tenant/"+tenant+"/ws"+b.query, &websocket.DialOptions{
		HTTPClient: b.client, Subprotocols: []string{"rxvigil.v1"},
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return &wsViewer{conn}, nil
}

func (v *wsViewer) say(what any) error {
	b, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return v.conn.Write(context.Background(), websocket.MessageText, b)
}

func (v *wsViewer) cut() { _ = v.conn.CloseNow() }

func (v *wsViewer) next() (frame, error) {
	f := frame{}
	_, b, err := v.conn.Read(context.Background())
	if err != nil {
		return f, err
	}
	f.raw = string(b)
	if err := json.Unmarshal(b, &f.data); err != nil {
		return f, err
	}
	key := "id"
	if f.kind, _ = f.data["op"].(string); f.kind != "" {
		key = "cursor"
	}
	f.id, _ = f.data[key].(string)
	return f.typed(), nil
}
