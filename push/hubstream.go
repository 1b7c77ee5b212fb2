package push

import (
	"context"
	"net/http"
	"time"
)

// hubEvents carries a connection over server-sent events: unnamed ones, whose data are hub messages.
func (s *Server) hubEvents(w http.ResponseWriter, r *http.Request, v visit) {
	token, live, ok := s.hubConnection(w, r, v)
	switch {
	case !ok:
		return
	case live != nil && live.member.transport != transportHubEvents:
		s.reject(w, "request", problemBadRequest.with("a connection keeps the transport that it began with"))
		return
	case live != nil:
		writeProblem(w, problemConflict)
		return
	}
	n, ctx, ok := s.newHubSession(v, transportHubEvents, token.id)
	if !ok {
		writeProblem(w, problemEnding)
		return
	}
	defer s.connections.part(n.member)
	defer context.AfterFunc(r.Context(), n.end)()
	c := &eventCarrier{&sseOut{w: w, rc: http.NewResponseController(w)}, n}
	n.wire.carrier = c
	s.hubs.add(n)
	c.out.open(w.Header())
	if c.out.flush() != nil { // the first bytes open the stream
		s.hubs.remove(n.member.id)
		n.end()
		return
	}
	_ = n.serve(ctx)
}

type eventCarrier struct {
	out     *sseOut
	session *hubSession
}

func (c *eventCarrier) send(b *[]byte, _ int) error {
	defer release(b)
	event := c.out.bytes()
	*event = append(append(append(*event, "data: "...), *b...), "\n\n"...)
	return c.out.flush()
}

func (c *eventCarrier) alive(now time.Time) bool { return c.session.spokeLately(now) }
