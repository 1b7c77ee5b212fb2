package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
)

// Subprotocol names the native WebSocket protocol.
const Subprotocol = "rxvigil.v1"

// maxMessage is how much a client may say at once.
const maxMessage = 64 << 10

// websocket answers GET /api/tenant/{tenant}/ws. The handler returns once the connection is upgraded, so that net/http's own
// buffers and stack are freed; two goroutines live on, a reader and the feed, and the register waits for them. The guard has
// judged the Origin already.
func (s *Server) websocket(w http.ResponseWriter, r *http.Request) {
	_, started := s.Log.Head()
	var (
		t   Tenant
		who *rights
		ok  bool
	)
	if started {
		if t, who, ok = s.enterAny(w, r, noTenant(w)); !ok {
			return
		}
	}
	as, err := parseFormat(r.URL.Query().Get("format"))
	if err != nil {
		s.reject(w, "request", problemBadRequest.with(err.Error()))
		return
	}
	cork := &corkWriter{ResponseWriter: w}
	conn, err := websocket.Accept(cork, r, &websocket.AcceptOptions{Subprotocols: []string{Subprotocol}, InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(-1) // read looks itself, to say why before it closes
	var m *member
	if started {
		m, ok = s.connections.join(transportWebSocket, t.ID, who, hostname(r.RemoteAddr))
	}
	if !started || !ok {
		_ = conn.Close(websocket.StatusTryAgainLater, "starting, ending or full, come back in a moment")
		return
	}
	ops := make(chan func(*feed) error, 8) // when it is full the reader stops reading
	out := &wsWire{conn: conn, cork: cork.conn, format: as}
	go s.serveWebSocket(t, out, &feed{server: s, wire: out, member: m, ops: ops, standing: stand(who)}, ops)
}

// serveWebSocket is the writer's goroutine. It starts the reader's, ends it and waits for it.
func (s *Server) serveWebSocket(t Tenant, out *wsWire, f *feed, ops chan<- func(*feed) error) {
	defer s.connections.part(f.member)
	ctx, cancel := context.WithCancel(context.Background())
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer cancel()
		(&wsReader{server: s, tenant: t, wire: out, ops: ops, born: time.Now(), standing: f.standing}).run(ctx)
	}()
	err := f.run(ctx)
	cancel()
	s.ended(f.member, err)
	out.end(err)
	<-read
}

// statusUnauthorized closes a connection whose token has ended: 401 in the range of codes that are everybody's own.
const statusUnauthorized websocket.StatusCode = 4401

// closing is the end of a connection, with the reason that the client is given.
type closing struct {
	code   websocket.StatusCode
	reason string
}

// Error implements error.
func (c closing) Error() string { return "closed: " + c.reason }

// wsWire spells JSON text frames: envelopes as they are, ours with an op.
type wsWire struct {
	conn   *websocket.Conn
	cork   *corkedConn
	format format
	err    error // the first failure, told by flush
}

// end closes with the reason that err gives, if the client can still be told.
func (w *wsWire) end(err error) {
	var c closing
	switch {
	case errors.As(err, &c):
		_ = w.conn.Close(c.code, c.reason)
	case errors.Is(err, errBye):
		_ = w.conn.Close(websocket.StatusServiceRestart, "shutdown")
	case errors.Is(err, errExpired):
		_ = w.conn.Close(statusUnauthorized, "token expired")
	default:
		_ = w.conn.CloseNow()
	}
}

func (w *wsWire) send(frame []byte) {
	w.cork.cork()
	if err := w.conn.Write(context.Background(), websocket.MessageText, frame); err != nil && w.err == nil {
		w.err = err
	}
}

func (w *wsWire) pending() int {
	if w.err != nil {
		return 1
	}
	return w.cork.pending()
}

func (w *wsWire) flush() error {
	if err := w.cork.flush(); err != nil {
		return err
	}
	return w.err
}

// op is what marks a frame as ours.
type op struct {
	Op string `json:"op"`
}

func (w *wsWire) established(e established) {
	w.send(mustJSON(struct {
		op
		established
	}{op{"connection_established"}, e}))
}

func (w *wsWire) heartbeat(b beat) {
	w.send(mustJSON(struct {
		op
		beat
	}{op{"heartbeat"}, b}))
}

func (w *wsWire) resync(r resync) {
	w.send(mustJSON(struct {
		op
		resync
	}{op{"resync"}, r}))
}

func (w *wsWire) expiring(e expiring) {
	w.send(mustJSON(struct {
		op
		expiring
	}{op{"expiring"}, e}))
}

func (w *wsWire) bye(b bye) {
	w.send(mustJSON(struct {
		op
		bye
	}{op{"bye"}, b}))
}

func (w *wsWire) sight(s sight) {
	if !s.lost {
		w.send(mustJSON(op{"fresh"}))
		return
	}
	w.send(mustJSON(struct {
		op
		stale
	}{op{"stale"}, stale{s.since.UTC(), s.reason}}))
}

func (w *wsWire) batch(b *batch, after rxvigil.Position, f *Filter, room func() error) (n int, err error) {
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
		w.send(b.spelled(i, w.format))
	}
	return n, nil
}

func (*wsWire) settle(context.Context, time.Time) time.Time { return time.Time{} }

// read gives the client's next message; a closing error when it is none that we would read.
func (w *wsWire) read(ctx context.Context) ([]byte, error) {
	typ, r, err := w.conn.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if typ != websocket.MessageText {
		return nil, closing{websocket.StatusUnsupportedData, "only JSON text is understood"}
	}
	b, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	if err == nil && len(b) > maxMessage {
		err = closing{websocket.StatusMessageTooBig, "a message may have 64 kB"}
	}
	return b, err
}
