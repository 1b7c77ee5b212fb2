package push

import (
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Timing of long polling.
const (
	pollTimeout = 90 * time.Second // of one poll; the client's own is 100 s
	pollGap     = 15 * time.Second // between two polls; a client that stays away longer is gone
)

// hubPoll carries a connection over polls. The first one opens it and is answered at once, with nothing.
func (s *Server) hubPoll(w http.ResponseWriter, r *http.Request, v visit) {
	token, live, ok := s.hubConnection(w, r, v)
	switch {
	case !ok:
	case live == nil:
		s.openHubPolling(w, v, token)
	case live.member.transport != transportHubPolling:
		s.reject(w, "request", problemBadRequest.with("a connection keeps the transport that it began with"))
	default:
		live.wire.carrier.(*pollCarrier).answer(w, r)
	}
}

func (s *Server) openHubPolling(w http.ResponseWriter, v visit, token negotiated) {
	n, ctx, ok := s.newHubSession(v, transportHubPolling, token.id)
	if !ok {
		writeProblem(w, problemEnding)
		return
	}
	n.wire.carrier = &pollCarrier{bodies: make(chan *[]byte), session: n, seen: time.Now(), superseded: make(chan struct{})}
	n.wire.polled = true
	s.hubs.add(n)
	go func() { // ends with the session; the register waits for it
		defer s.connections.part(n.member)
		_ = n.serve(ctx)
	}()
	w.Header().Set("Content-Type", "text/plain")
}

// pollCarrier hands each write to the poll that waits for it, or to the next one.
type pollCarrier struct {
	bodies  chan *[]byte
	session *hubSession

	mu         sync.Mutex // guards what follows
	waiting    int        // polls
	seen       time.Time  // when the last poll ended
	superseded chan struct{}
}

// send waits for a poll no longer than a write may take.
func (c *pollCarrier) send(b *[]byte, _ int) error {
	timeout := time.NewTimer(writeTimeout)
	defer timeout.Stop()
	select {
	case c.bodies <- b:
		return nil
	case <-c.session.ended:
		release(b)
		return errGone
	case <-timeout.C:
		release(b)
		return os.ErrDeadlineExceeded
	}
}

func (c *pollCarrier) alive(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting > 0 || now.Sub(c.seen) < pollGap
}

// begin ends the poll before, if it still waits.
func (c *pollCarrier) begin() (superseded <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.superseded)
	c.superseded = make(chan struct{})
	c.waiting++
	return c.superseded
}

func (c *pollCarrier) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting--
	c.seen = time.Now()
}

// answer answers one poll: with messages, with nothing after a while, or with 204 when there will be no more.
func (c *pollCarrier) answer(w http.ResponseWriter, r *http.Request) {
	superseded := c.begin()
	defer c.finish()
	timeout := time.NewTimer(pollTimeout)
	defer timeout.Stop()
	w.Header().Set("Content-Type", "text/plain")
	select {
	case b := <-c.bodies:
		defer release(b)
		if err := writeBody(w, *b); err != nil {
			c.session.end() // what was in it is lost: the client must come back with its cursor
		}
	case <-c.session.ended:
		w.WriteHeader(http.StatusNoContent)
	case <-superseded:
		w.WriteHeader(http.StatusNoContent)
	case <-timeout.C:
	case <-r.Context().Done():
	}
}

// writeBody writes an answer with a deadline, which does not outlive it on a kept-alive connection.
func writeBody(w http.ResponseWriter, b []byte) error {
	rc := http.NewResponseController(w)
	if err := rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	if _, err := w.Write(b); err != nil {
		return err
	}
	err := rc.Flush()
	_ = rc.SetWriteDeadline(time.Time{}) // a client that has read all may be gone already
	return err
}
