//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// event is an event as a client reads it.
type event struct {
	ID     string          `json:"id"`
	Type   string          `json:"type"`
	Tenant string          `json:"tenant"`
	Branch string          `json:"branch"`
	Last   bool            `json:"last"`
	Data   json.RawMessage `json:"data"`
}

// viewer follows one tenant over server-sent events for ever, and resumes by its cursor as an EventSource does.
type viewer struct {
	t      *testing.T
	addr   string
	tenant string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something came
	cursor  string
	live    bool
	events  []event
	notices []notice
}

// notice is a frame that is no event: resync, stale, fresh.
type notice struct{ name, reason string }

// watch starts a viewer and waits for its first frame; it ends with the test.
func watch(t *testing.T, e *engine, tenant string) *viewer {
	t.Helper()
	v, leave := watchFrom(t, e, tenant, "")
	t.Cleanup(leave)
	return v
}

// watchFrom starts a viewer behind a cursor; it ends with leave.
func watchFrom(t *testing.T, e *engine, tenant, cursor string) (v *viewer, leave func()) {
	t.Helper()
	v = &viewer{t: t, addr: e.addr, tenant: tenant, cursor: cursor, changed: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with leave
		defer close(done)
		for ctx.Err() == nil {
			_ = v.follow(ctx)
			v.note(func() { v.live = false })
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	leave = func() { cancel(); <-done; http.DefaultClient.CloseIdleConnections() }
	v.await("its first frame", func() bool { return v.live })
	return v, leave
}

func (v *viewer) follow(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+v.addr+"/api/tenant/"+v.tenant+"/stream", nil)
	if err != nil {
		return err
	}
	v.mu.Lock()
	if v.cursor != "" {
		req.Header.Set("Last-Event-ID", v.cursor)
	}
	v.mu.Unlock()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("stream: %s", resp.Status)
	}
	lines := bufio.NewReader(resp.Body)
	var name, id, data string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if err := v.take(name, id, data); err != nil {
				return err
			}
			name, id, data = "", "", ""
		}
	}
}

// take handles one frame.
func (v *viewer) take(name, id, data string) error {
	if name == "" {
		return nil
	}
	var e struct {
		event
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return fmt.Errorf("%s frame: %w", name, err)
	}
	v.note(func() {
		switch name {
		case "connection_established":
			v.live = true
		case "heartbeat", "bye":
		case "resync", "stale", "fresh":
			v.notices = append(v.notices, notice{name, e.Reason})
		default:
			v.events = append(v.events, e.event)
		}
		if id != "" {
			v.cursor = id
		}
	})
	return nil
}

func (v *viewer) note(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
	close(v.changed)
	v.changed = make(chan struct{})
}

// await waits until something is so; is is called with the viewer locked.
func (v *viewer) await(what string, is func() bool) {
	v.t.Helper()
	timeout := time.After(patience)
	for {
		v.mu.Lock()
		so, changed, n := is(), v.changed, len(v.events)
		v.mu.Unlock()
		if so {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			v.t.Fatalf("the viewer of %s never saw %s; it has %d events and %v", v.tenant, what, n, v.told())
		}
	}
}

// sees waits for an event.
func (v *viewer) sees(what string, wanted func(event) bool) {
	v.t.Helper()
	v.await(what, func() bool { return slices.ContainsFunc(v.events, wanted) })
}

// hears waits until the newest notice has a name, and gives its reason.
func (v *viewer) hears(name string) (reason string) {
	v.t.Helper()
	v.await(name, func() bool {
		if len(v.notices) == 0 {
			return false
		}
		last := v.notices[len(v.notices)-1]
		reason = last.reason
		return last.name == name
	})
	return reason
}

func count(notices []notice, name string) (n int) {
	for _, x := range notices {
		if x.name == name {
			n++
		}
	}
	return n
}

// seen copies the events.
func (v *viewer) seen() []event {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.events)
}

// told copies the notices.
func (v *viewer) told() []notice {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.notices)
}

// ordered tells the first place where events do not rise: a repeat, or a step back.
func ordered(events []event) error {
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
