package push_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// A viewer on a real socket who hangs up is gone long before the next heartbeat could find out; who half hangs up, too; the others
// listen on. The answer is one that any HTTP client understands.
func TestWhoHangsUpIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	log, url := serveLoopback(t)
	var conns []*net.TCPConn
	var bodies []*bufio.Reader
	for range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_, err = fmt.Fprintf(c, "GET /api/tenant/abyssinia/stream HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(c)
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		h := res.Header
		if res.StatusCode != http.StatusOK || h.Get("Content-Type") != "text/event-stream" || !res.Close || h.Get("Access-Control-Allow-Origin") != "http://localhost" {
			t.Fatalf("answered %s %v", res.Status, h)
		}
		conns, bodies = append(conns, c.(*net.TCPConn)), append(bodies, bufio.NewReader(res.Body))
		await(t, bodies[len(bodies)-1], "event: connection_established")
	}
	_ = conns[0].Close()
	_ = conns[1].CloseWrite()
	began := time.Now()
	for left := 3; left != 1; left = streams(t, url) {
		if time.Since(began) > 5*time.Second {
			t.Fatalf("%d viewers are there 5 s after two have gone", left)
		}
	}
	e := sold(abyssinia, "b1", "still-here", 10, 9)
	e.Pos, e.At = rxvigil.Position{Epoch: "e1", LSN: 1008}, time.Now()
	log.Publish(push.Entry{LSN: 1008, Events: []*push.Event{push.NewEvent(&e)}})
	await(t, bodies[2], "still-here")
}

// await reads lines until one has a text.
func await(t *testing.T, in *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("%v before %q", err, text)
		}
		if strings.Contains(line, text) {
			return
		}
	}
}

// streams is the number of viewers by SSE.
func streams(t *testing.T, url string) int {
	t.Helper()
	res, err := http.Get(url + "/api/tenant/abyssinia/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var stats struct{ Connections map[string]int }
	if err := json.NewDecoder(res.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	return stats.Connections["sse"]
}
