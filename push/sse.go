package push

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/rxvigil/rxvigil"
)

// stream answers GET /api/tenant/{tenant}/stream: native server-sent events.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	t, who, ok := s.enterAny(w, r, noTenant(w))
	if !ok {
		return
	}
	q := r.URL.Query()
	f, err := newFilter(list(q.Get("topics")), list(q.Get("types")), q.Get("branch"))
	if err != nil {
		s.reject(w, "request", problemBadRequest.with(err.Error()))
		return
	}
	as, err := parseFormat(q.Get("format"))
	if err != nil {
		s.reject(w, "request", problemBadRequest.with(err.Error()))
		return
	}
	if !s.granted(w, who, f) {
		return
	}
	s.serveSSE(w, r, transportSSE, t, who, f, func(out *sseOut) wire { return &sseWire{out, as} })
}

// enter finds out who calls, and the tenant of a stream route. Before the engine has started nobody knows the tenants: the stream ends at once
// with a time to come back, for an EventSource gives up for good on a 5xx.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, miss func()) (Tenant, *rights, bool) {
	if _, started := s.Log.Head(); !started {
		comeBack(w)
		return Tenant{}, nil, false
	}
	return s.admit(w, r, r.PathValue("tenant"), miss)
}

// enterAny is enter, for a route that also has all tenants at once: *, for those who may see any.
func (s *Server) enterAny(w http.ResponseWriter, r *http.Request, miss func()) (Tenant, *rights, bool) {
	if r.PathValue("tenant") != string(AllTenants) {
		return s.enter(w, r, miss)
	}
	who, ok := s.who(w, r)
	if ok && (who == nil || !who.Grant.AnyTenant) {
		s.metrics.refused.WithLabelValues("foreign_tenant").Inc()
		miss()
		ok = false
	}
	return Tenant{ID: AllTenants, Name: "all"}, who, ok
}

// serveSSE is one connection, from its headers to its end.
func (s *Server) serveSSE(w http.ResponseWriter, r *http.Request, transport string, t Tenant, who *rights, f Filter, spell func(*sseOut) wire) {
	m, ok := s.connections.join(transport, t.ID, who, hostname(r.RemoteAddr))
	if !ok {
		comeBack(w)
		return
	}
	f.standing = stand(who)
	cursor := s.Log.open(t.ID, f, resumeFrom(r))
	if conn := takeOver(w, r); conn != nil {
		out := &sseOut{conn: conn}
		out.open(w.Header())
		go s.serveTaken(conn, &feed{server: s, wire: spell(out), member: m, cursor: cursor, standing: f.standing})
		return
	}
	defer s.connections.part(m)
	out := &sseOut{w: w, rc: http.NewResponseController(w)}
	out.open(w.Header())
	feed := feed{server: s, wire: spell(out), member: m, cursor: cursor, standing: f.standing}
	s.ended(m, feed.run(r.Context()))
}

// serveTaken serves a connection that net/http has left to us, to its end. The register waits for it.
func (s *Server) serveTaken(conn net.Conn, f *feed) {
	defer s.connections.part(f.member)
	defer func() { _ = conn.Close() }()
	ctx, cancel := s.hangups.watch(conn)
	defer cancel()
	err := f.run(ctx)
	if !errors.Is(err, errGone) {
		_ = f.flush() // what was gathered before the fault, and the head of the response if that was there at once
	}
	s.ended(f.member, err)
}

// resumeFrom is the cursor that an SSE client asks for. Last-Event-ID wins: a reconnecting EventSource repeats its first URL.
func resumeFrom(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("after")
}

// ended notes why a connection ended.
func (s *Server) ended(m *member, err error) {
	switch {
	case errors.Is(err, errGone) || errors.Is(err, errBye) || errors.Is(err, errExpired) || errors.Is(err, context.Canceled):
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.metrics.slow.Inc()
		s.Logger.Warn("slow client cut off", "transport", m.transport, "tenant", m.tenant, "connection", m.id)
	default:
		s.Logger.Debug("connection ended", "transport", m.transport, "tenant", m.tenant, "connection", m.id, "error", err)
	}
}

// comeBack answers 200 with a random time to come back, and the end.
func comeBack(w http.ResponseWriter) {
	sseHeaders(w.Header())
	fmt.Fprintf(w, "retry: %d\n\n", retryAfter())
}

func sseHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("Connection", "close") // the write deadline must not outlive the stream on a kept-alive connection
}

// sseOut gathers bytes and writes them in one call with its own deadline: by net/http, or on a connection that was taken over.
type sseOut struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	conn net.Conn
	buf  *[]byte
}

func (o *sseOut) open(h http.Header) {
	sseHeaders(h)
	b := o.bytes()
	if o.conn != nil {
		*b = appendHead(*b, h)
	}
	*b = append(*b, "retry: "...)
	*b = strconv.AppendInt(*b, retryAfter(), 10)
	*b = append(*b, "\n\n"...)
}

func (o *sseOut) bytes() *[]byte {
	if o.buf == nil {
		o.buf = buffers.Get().(*[]byte)
	}
	return o.buf
}

func (o *sseOut) pending() int {
	if o.buf == nil {
		return 0
	}
	return len(*o.buf)
}

func (o *sseOut) flush() error {
	b := o.buf
	o.buf = nil
	defer release(b)
	if o.conn != nil {
		if err := o.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("set write deadline: %w", err)
		}
		_, err := o.conn.Write(*b)
		return err
	}
	if err := o.rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("set write deadline: %w", err)
	}
	if _, err := o.w.Write(*b); err != nil {
		return err
	}
	return o.rc.Flush()
}

// sseWire spells native server-sent events: event is the type, id the cursor, data the envelope.
type sseWire struct {
	*sseOut
	format format
}

func (w *sseWire) established(e established) { w.control("connection_established", e.Cursor, e) }
func (w *sseWire) heartbeat(b beat)          { w.control("heartbeat", b.Cursor, b) }
func (w *sseWire) resync(r resync)           { w.control("resync", r.Cursor, r) }
func (w *sseWire) expiring(e expiring)       { w.control("expiring", nil, e) }
func (w *sseWire) bye(b bye)                 { w.retry(b.RetryAfterMS); w.control("bye", nil, b) }

func (w *sseWire) sight(s sight) {
	if s.lost {
		w.control("stale", nil, stale{s.since.UTC(), s.reason})
		return
	}
	w.control("fresh", nil, fresh{})
}

func (w *sseWire) batch(b *batch, after rxvigil.Position, f *Filter, room func() error) (n int, err error) {
	for i, e := range b.events {
		if e.Pos.Compare(after) <= 0 || !f.admits(e) {
			continue
		}
		if err := room(); err != nil {
			return n, err
		}
		n++
		if e.Type == rxvigil.Resync {
			w.resync(resyncOf(e))
			continue
		}
		w.event(e, b.spelled(i, w.format))
	}
	return n, nil
}

func (w *sseWire) event(e *Event, spelled []byte) {
	b := append(*w.bytes(), "event: "...)
	b = append(b, e.Type...)
	b = append(b, "\nid: "...)
	b = append(e.Pos.Append(b), "\ndata: "...)
	b = append(b, spelled...)
	*w.buf = append(b, "\n\n"...)
}

func (*sseWire) settle(context.Context, time.Time) time.Time { return time.Time{} }

func (o *sseOut) retry(ms int64) {
	b := append(*o.bytes(), "retry: "...)
	*o.buf = append(strconv.AppendInt(b, ms, 10), '\n')
}

func (o *sseOut) control(name string, id *string, data any) {
	(*sseText)(o.bytes()).control(name, id, data)
}

// sseText is text of an event stream.
type sseText []byte

// control appends a frame of ours; without a name it is an unnamed message.
func (t *sseText) control(name string, id *string, data any) {
	b := *t
	if name != "" {
		b = append(append(append(b, "event: "...), name...), '\n')
	}
	if id != nil {
		b = append(append(append(b, "id: "...), *id...), '\n')
	}
	*t = append(append(append(b, "data: "...), mustJSON(data)...), "\n\n"...)
}
