package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// connection is a live one: what it hears, until its end.
type connection struct {
	name  string
	heard chan string // closed at the end
}

func (s *service) streaming(token, path string) *connection {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %v %v", path, res, err)
	}
	return s.hearing(path, res.Body, func(b []byte) (int, error) { return res.Body.Read(b) })
}

func (s *service) socket(token, path string, first ...string) *connection {
	s.t.Helper()
	ws, res, err := websocket.Dial(s.t.Context(), "ws://"+s.addr+path, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
	if err != nil {
		s.t.Fatalf("%s: %v %v", path, res, err)
	}
	for _, frame := range first {
		if err := ws.Write(s.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.hearing(path, closer(ws.CloseNow), func(b []byte) (int, error) {
		_, frame, err := ws.Read(context.Background())
		return copy(b, frame), err
	})
}

type closer func() error

func (c closer) Close() error { return c() }

func (s *service) hearing(name string, end io.Closer, read func([]byte) (int, error)) *connection {
	c := &connection{name, make(chan string, 1000)}
	go func() { // ends with the connection, at the latest with the test
		defer close(c.heard)
		for buf := make([]byte, 64<<10); ; {
			n, err := read(buf)
			if n > 0 {
				c.heard <- string(buf[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	s.t.Cleanup(func() { _ = end.Close() })
	return c
}

// until reads up to a text.
func (c *connection) until(t *testing.T, text string) {
	t.Helper()
	patience := time.After(time.Minute)
	for {
		select {
		case heard, open := <-c.heard:
			if strings.Contains(heard, text) {
				return
			}
			if !open {
				t.Fatalf("%s ended without %s", c.name, text)
			}
		case <-patience:
			t.Fatalf("%s never heard %s", c.name, text)
		}
	}
}

// ends reads up to the end.
func (c *connection) ends(t *testing.T) {
	t.Helper()
	patience := time.After(time.Minute)
	for {
		select {
		case _, open := <-c.heard:
			if !open {
				return
			}
		case <-patience:
			t.Fatalf("%s stays open", c.name)
		}
	}
}

// What is taken back ends at once on every transport, is refused from then on, also by an engine that starts later, and nobody else
// notices.
func TestTokensThatAreTakenBackEndTheirConnections(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.asking()
	s.start()
	s.ready()
	ann := s.token("--tenant", "testpharmacy", "--user", "ann")
	ben := s.token("--tenant", "testpharmacy", "--user", "ben")
	lost := s.token("--tenant", "testpharmacy", "--user", "ben", "--id", "t-1")
	const api = "/api/tenant/testpharmacy"
	status := func(token string) int {
		code, _ := s.askAs(token, http.MethodGet, api+"/alerts?limit=1")
		return code
	}

	var hers []*connection
	hers = append(hers, s.streaming(ann, api+"/stream"), s.streaming(ann, api+"/medicines/live-monitor"), s.socket(ann, api+"/ws", `{"op":"subscribe"}`))
	_, negotiated := s.askAs(ann, http.MethodPost, "/hubs/inventory/negotiate?negotiateVersion=1")
	var hub struct{ ConnectionToken string }
	if err := json.Unmarshal([]byte(negotiated), &hub); err != nil {
		t.Fatal(err)
	}
	hers = append(hers, s.socket(ann, "/hubs/inventory?id="+url.QueryEscape(hub.ConnectionToken), `{"protocol":"json","version":1}`+"\x1e"))
	his := s.streaming(ben, api+"/stream")
	for i, first := range []string{"connection_established", "connection_established", `"op":"ok"`, "ConnectionEstablished"} {
		hers[i].until(t, first)
	}
	his.until(t, "connection_established")

	if code, said := command(t, "revoke", "--config", s.config, "--user", "ann"); code != 0 {
		t.Fatalf("it gives %d: %s", code, said)
	}
	for _, c := range hers {
		c.ends(t)
	}
	if got := status(ann); got != http.StatusUnauthorized {
		t.Errorf("ann's token is answered with %d", got)
	}
	if code, body := s.askAs(ann, http.MethodPost, "/hubs/inventory/negotiate?negotiateVersion=1"); code != http.StatusUnauthorized {
		t.Errorf("ann negotiates: %d %s", code, body)
	}
	pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 1 WHERE product_id = 1003")
	his.until(t, "stock_level_changed")

	if code, said := command(t, "revoke", "--config", s.config, "--token", "t-1", "--by", "the pharmacist"); code != 0 {
		t.Fatalf("it gives %d: %s", code, said)
	}
	pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 2 WHERE product_id = 1003")
	his.until(t, "stock_level_changed") // behind it in the log
	if one, other := status(lost), status(ben); one != http.StatusUnauthorized || other != http.StatusOK {
		t.Errorf("the token that was lost is answered with %d, ben's other one with %d", one, other)
	}

	s.stop()
	s.start()
	s.ready()
	if one, other := status(ann), status(lost); one != http.StatusUnauthorized || other != http.StatusUnauthorized {
		t.Errorf("after a restart they are answered with %d and %d", one, other)
	}
	deadline := time.Now().Add(time.Minute)
	for status(s.token("--tenant", "testpharmacy", "--user", "ann")) != http.StatusOK { // iat counts in seconds
		if time.Now().After(deadline) {
			t.Fatal("a token of later is refused, too")
		}
	}
	if code, said := command(t, "revoke", "--config", s.config, "--tenant", "testpharmacy"); code != 0 {
		t.Fatalf("it gives %d: %s", code, said)
	}
	for status(ben) != http.StatusUnauthorized {
		if time.Now().After(deadline) {
			t.Fatal("a tenant's tokens are not taken back")
		}
	}
	if _, body := s.askAs("", http.MethodGet, "/metrics"); !strings.Contains(body, `rxvigil_auth_failures_total{reason="revoked"}`) {
		t.Error("the refusals were not counted")
	}
	for _, line := range [][]string{{}, {"--user", "a", "--tenant", "b"}, {"--user", strings.Repeat("x", 300)}} {
		if code, said := command(t, append([]string{"revoke", "--config", s.config}, line...)...); code == 0 {
			t.Errorf("%v gives %s", line, said)
		}
	}
}
