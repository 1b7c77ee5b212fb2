package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
)

// envelope is an event as a client reads it.
type envelope struct {
	ID     string         `json:"id"`
	Type   string         `json:"type"`
	Tenant string         `json:"tenant"`
	Branch string         `json:"branch"`
	Last   bool           `json:"last"`
	Data   map[string]any `json:"data"`
	raw    string
}

// viewer is a client that follows one tenant for ever and resumes by its cursor.
type viewer struct {
	tenant string
	follow func(ctx context.Context, v *viewer) error

	mu      sync.Mutex
	addr    string
	changed chan struct{} // closed and replaced whenever something came
	cursor  string
	events  []envelope
	resyncs []string // reasons
	live    bool
}

// watch starts a viewer over a transport; it ends with the test.
func watch(t testing.TB, s *service, transport, tenant string) *viewer {
	t.Helper()
	v := &viewer{tenant: tenant, addr: s.addr, changed: make(chan struct{})}
	switch transport {
	case "sse":
		v.follow = func(ctx context.Context, v *viewer) error { return followSSE(ctx, v.where(), v) }
	case "websocket":
		v.follow = func(ctx context.Context, v *viewer) error { return followWebSocket(ctx, v.where(), v) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with the test
		defer close(done)
		for ctx.Err() == nil {
			_ = v.follow(ctx, v)
			v.note(func() { v.live = false })
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return v
}

func (v *viewer) note(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
	close(v.changed)
	v.changed = make(chan struct{})
}

// take handles one frame: name is an SSE event's name or a WebSocket message's op.
func (v *viewer) take(name, id, data string) error {
	var e envelope
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return fmt.Errorf("%s frame: %w", name, err)
	}
	e.raw = data
	v.note(func() {
		switch name {
		case "connection_established":
			v.live = true
		case "heartbeat", "stale", "fresh", "bye", "ok", "pong":
		case "resync":
			var r struct{ Reason string }
			_ = json.Unmarshal([]byte(data), &r)
			v.resyncs = append(v.resyncs, r.Reason)
		default:
			v.events = append(v.events, e)
		}
		if id != "" {
			v.cursor = id
		}
	})
	return nil
}

// until waits for the first event, from index from on, that is wanted, and gives its index.
func (v *viewer) until(t testing.TB, from int, what string, wanted func(envelope) bool) int {
	t.Helper()
	return v.within(t, 4*time.Minute, from, what, wanted)
}

func (v *viewer) within(t testing.TB, patience time.Duration, from int, what string, wanted func(envelope) bool) int {
	t.Helper()
	timeout := time.After(patience)
	for i := from; ; {
		v.mu.Lock()
		for ; i < len(v.events); i++ { // each event is looked at once, however many come
			if wanted(v.events[i]) {
				v.mu.Unlock()
				return i
			}
		}
		changed := v.changed
		said := fmt.Sprintf("it has %d events, cursor %s, resyncs %v", len(v.events), v.cursor, v.resyncs)
		v.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("tenant %s never saw %s; %s", v.tenant, what, said)
		}
	}
}

// heard gives everything that came so far.
func (v *viewer) heard() (events []envelope, resyncs []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append(events, v.events...), append(resyncs, v.resyncs...)
}

// connected waits for the first frame.
func (v *viewer) connected(t testing.TB) {
	t.Helper()
	timeout := time.After(60 * time.Second)
	for {
		v.mu.Lock()
		live, changed := v.live, v.changed
		v.mu.Unlock()
		if live {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("tenant %s never connected", v.tenant)
		}
	}
}

// resynced waits until it was told to fetch anew.
func (v *viewer) resynced(t testing.TB) {
	t.Helper()
	timeout := time.After(60 * time.Second)
	for {
		v.mu.Lock()
		n, changed := len(v.resyncs), v.changed
		v.mu.Unlock()
		if n > 0 {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("tenant %s was never told to resync", v.tenant)
		}
	}
}

// seen copies the events from an index on.
func (v *viewer) seen(from, to int) []envelope {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]envelope(nil), v.events[from:to]...)
}

func (v *viewer) where() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.addr
}

// move sends the viewer to another service from its next connection on.
func (v *viewer) move(addr string) { v.note(func() { v.addr = addr }) }

func (v *viewer) position() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cursor
}

func followSSE(ctx context.Context, addr string, v *viewer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/tenant/"+v.tenant+"/stream", nil)
	if err != nil {
		return err
	}
	if c := v.position(); c != "" {
		req.Header.Set("Last-Event-ID", c)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("stream: %s", resp.Status)
	}
	lines := bufio.NewReader(resp.Body)
	var event, id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			event = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if event != "" {
				if err := v.take(event, id, data); err != nil {
					return err
				}
			}
			event, id, data = "", "", ""
		}
	}
}

func followWebSocket(ctx context.Context, addr string, v *viewer) error {
	c, resp, err := websocket.Dial(ctx, "ws://"+addr+"/api/tenant/"+v.tenant+"/ws", &websocket.DialOptions{Subprotocols: []string{"rxvigil.v1"}})
	if err != nil {
		return err
	}
	_ = resp
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(8 << 20)
	subscribe, err := json.Marshal(map[string]any{"op": "subscribe", "after": v.position()})
	if err != nil {
		return err
	}
	if err := c.Write(ctx, websocket.MessageText, subscribe); err != nil {
		return err
	}
	for {
		_, body, err := c.Read(ctx)
		if err != nil {
			return err
		}
		var head struct{ Op, ID, Cursor string }
		if err := json.Unmarshal(body, &head); err != nil {
			return err
		}
		name, id := head.Op, head.ID
		if name == "" {
			name = "event"
		} else {
			id = head.Cursor
		}
		if err := v.take(name, id, string(body)); err != nil {
			return err
		}
	}
}

// ordered tells the first place where events do not rise: a repeat, or a step back.
func ordered(events []envelope) error {
	var last rxvigil.Position
	for i, e := range events {
		p, err := rxvigil.ParsePosition(e.ID)
		if err != nil {
			return err
		}
		if i > 0 && p.Epoch == last.Epoch && p.Compare(last) <= 0 {
			return fmt.Errorf("event %d (%s %s) comes after %s", i, e.Type, e.ID, last)
		}
		last = p
	}
	return nil
}
