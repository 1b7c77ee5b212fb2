package push_test

import (
	"bufio"
	"bytes"
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

// hubViewer is a SignalR client in Go, on one of its transports, that does what Microsoft's does. Of what a hub tells it makes frames
// as the other transports have them: their names for targets of ours, the event's type for all others.
type hubViewer struct {
	b       *bundle
	url     string // of the hub, with the query that every request carries
	token   string
	wire    hubWire
	records []string
	said    time.Time
}

// hubWire is one transport of the client.
type hubWire interface {
	read() (string, error)
	write(payload string) error
	cut()
}

// hub connects to a hub and shakes hands; transport is one of WebSockets, ServerSentEvents and LongPolling.
func (b *bundle) hub(transport, hub, tenant, query, after string) (*hubViewer, error) {
	q := url.Values{"tenant": {tenant}, "after": {after}}
	v := &hubViewer{b: b, url: "http://localhost:8080/hubs/" + hub + "?" + q.Encode() + "&" + query}
	return v, v.connect(transport)
}

func (v *hubViewer) connect(transport string) (err error) {
	if v.token, err = v.negotiate(""); err != nil {
		return err
	}
	if err := v.open(transport); err != nil {
		return err
	}
	if err := v.write(`{"protocol":"json","version":1}` + "\x1e"); err != nil {
		return err
	}
	answer, err := v.record()
	if err == nil && answer != "{}" {
		err = fmt.Errorf("handshake: %s", answer)
	}
	return err
}

// at is the hub's URL with something behind its path.
func (v *hubViewer) at(behind string) string { return strings.Replace(v.url, "?", behind+"?", 1) }

func (v *hubViewer) negotiate(query string) (token string, err error) {
	body, status, err := v.b.ask(http.MethodPost, v.at("/negotiate")+"&negotiateVersion=1"+query, "")
	if err != nil || status != http.StatusOK {
		return "", fmt.Errorf("negotiate: %d %s %w", status, body, err)
	}
	var n struct{ ConnectionToken string }
	err = json.Unmarshal([]byte(body), &n)
	return n.ConnectionToken, err
}

func (b *bundle) ask(method, url, body string) (answer string, status int, err error) {
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = res.Body.Close() }()
	all, err := io.ReadAll(res.Body)
	return string(all), res.StatusCode, err
}

func (v *hubViewer) open(transport string) (err error) {
	url := v.url + "&id=" + v.token
	switch transport {
	case "WebSockets":
		conn, _, err := websocket.Dial(context.Background(), strings.Replace(url, "http", "ws", 1), &websocket.DialOptions{HTTPClient: v.b.client})
		if err != nil {
			return err
		}
		conn.SetReadLimit(-1)
		v.wire = hubSocket{conn}
	case "ServerSentEvents":
		v.wire, err = v.b.hubEvents(url)
	case "LongPolling":
		v.wire = hubPolls{v.b, url}
		_, err = v.wire.read()
	}
	return err
}

type hubSocket struct{ conn *websocket.Conn }

func (w hubSocket) read() (string, error) {
	_, b, err := w.conn.Read(context.Background())
	return string(b), err
}

func (w hubSocket) write(payload string) error {
	return w.conn.Write(context.Background(), websocket.MessageText, []byte(payload))
}

func (w hubSocket) cut() { _ = w.conn.CloseNow() }

type hubEvents struct {
	b      *bundle
	url    string
	res    *http.Response
	lines  *bufio.Reader
	cancel context.CancelFunc
}

func (b *bundle) hubEvents(url string) (*hubEvents, error) {
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := b.client.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		cancel()
		return nil, fmt.Errorf("event stream: %v %w", res, err)
	}
	return &hubEvents{b, url, res, bufio.NewReader(res.Body), cancel}, nil
}

func (w *hubEvents) read() (string, error) {
	for {
		line, err := w.lines.ReadString('\n')
		if err != nil {
			return "", err
		}
		if data, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "data: "); ok {
			return data, nil
		}
	}
}

func (w *hubEvents) write(payload string) error { return w.b.post(w.url, payload) }

func (w *hubEvents) cut() {
	w.cancel()
	_ = w.res.Body.Close()
}

func (b *bundle) post(url, payload string) error {
	answer, status, err := b.ask(http.MethodPost, url, payload)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("post: %d %s", status, answer)
	}
	return err
}

type hubPolls struct {
	b   *bundle
	url string
}

func (w hubPolls) read() (string, error) {
	answer, status, err := w.b.ask(http.MethodGet, w.url, "")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("poll: %d: %w", status, io.EOF)
	}
	return answer, err
}

func (w hubPolls) write(payload string) error { return w.b.post(w.url, payload) }

func (w hubPolls) cut() { _, _, _ = w.b.ask(http.MethodDelete, w.url, "") }

func (v *hubViewer) cut() { v.wire.cut() }

func (v *hubViewer) write(payload string) error {
	v.said = time.Now()
	return v.wire.write(payload)
}

func (v *hubViewer) invoke(id, target string, arguments ...any) error {
	return v.write(say(id, target, arguments...))
}

// say is an invocation as the client spells it.
func say(id, target string, arguments ...any) string {
	m := map[string]any{"type": 1, "target": target, "arguments": arguments}
	if id != "" {
		m["invocationId"] = id
	}
	var b bytes.Buffer
	_ = json.NewEncoder(&b).Encode(m) // maps of strings and numbers
	return strings.TrimSpace(b.String()) + "\x1e"
}

// record gives the next hub message.
func (v *hubViewer) record() (string, error) {
	for len(v.records) == 0 {
		payload, err := v.wire.read()
		if err != nil {
			return "", err
		}
		if payload != "" && !strings.HasSuffix(payload, "\x1e") {
			return "", fmt.Errorf("a payload is incomplete: %q", payload)
		}
		v.records = strings.FieldsFunc(payload, func(r rune) bool { return r == 0x1e })
	}
	first := v.records[0]
	v.records = v.records[1:]
	return first, nil
}

func (v *hubViewer) next() (frame, error) {
	record, err := v.record()
	ended := strings.Contains(record, `"target":"Bye"`) || strings.HasPrefix(record, `{"type":7`)
	if err == nil && !ended && time.Since(v.said) >= 15*time.Second {
		err = v.write(`{"type":6}` + "\x1e")
	}
	if err != nil {
		return frame{}, err
	}
	var m struct {
		Type      int
		Target    string
		Arguments []map[string]any
	}
	if err := json.Unmarshal([]byte(record), &m); err != nil {
		return frame{}, fmt.Errorf("%s: %w", record, err)
	}
	f := frame{raw: record}
	switch {
	case m.Type == 3:
		f.kind = "ok"
	case m.Type == 6:
		f.kind = "ping"
	case m.Type == 7:
		f.kind = "closed"
	case m.Target == "Bye":
		f.kind, f.retry = "bye", fmt.Sprint(m.Arguments[0]["retry_after_ms"])
		if end, err := v.record(); end != `{"type":7,"allowReconnect":true}` {
			return f, fmt.Errorf("after bye: %s %w", end, err)
		}
	case len(m.Arguments) == 1:
		f.kind, f.data = controlName(m.Target), m.Arguments[0]
		f.id, _ = f.data["cursor"].(string)
	default:
		f.event, f.data = true, m.Arguments[0]
		f.kind, _ = m.Arguments[1]["type"].(string)
		f.id, _ = m.Arguments[1]["id"].(string)
	}
	return f, nil
}

// controlName is what other transports call a target of ours.
func controlName(target string) string {
	if target == "ConnectionEstablished" {
		return "connection_established"
	}
	return strings.ToLower(target)
}
