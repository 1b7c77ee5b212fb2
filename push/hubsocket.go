package push

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// socket is one WebSocket under a session.
type socket struct {
	conn *websocket.Conn
	cork *corkedConn
}

// openSocket upgrades. When it cannot, the client has been answered.
func openSocket(w http.ResponseWriter, r *http.Request) (*socket, bool) {
	cork := &corkWriter{ResponseWriter: w}
	conn, err := websocket.Accept(cork, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // the guard has judged the Origin
	if err != nil {
		return nil, false
	}
	conn.SetReadLimit(maxMessage)
	return &socket{conn, cork.conn}, true
}

// write sends hub messages as one text message, in one call.
func (k *socket) write(b []byte) error {
	k.cork.cork()
	err := k.conn.Write(context.Background(), websocket.MessageText, b)
	return errors.Join(err, k.cork.flush())
}

// read hands what the client says to the session until the socket or the session ends.
func (k *socket) read(ctx context.Context, n *hubSession) error {
	for {
		typ, r, err := k.conn.Reader(context.Background()) // ended by whoever closes the connection
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if typ != websocket.MessageText {
			b = []byte{0} // no record: the session says so and ends
		}
		if err := n.receive(ctx, b); err != nil {
			return err
		}
	}
}

// close ends the socket: gently when the session has ended well.
func (k *socket) close(err error) {
	switch {
	case isClosing(err), errors.Is(err, errBye), errors.Is(err, errExpired), errors.Is(err, errRefused), errors.Is(err, errGone):
		_ = k.conn.Close(websocket.StatusNormalClosure, "")
	default:
		_ = k.conn.CloseNow()
	}
}

// socketCarrier carries a session that ends with its socket.
type socketCarrier struct {
	*socket
	session *hubSession
}

func (c *socketCarrier) send(b *[]byte, _ int) error {
	defer release(b)
	return c.write(*b)
}

func (c *socketCarrier) alive(now time.Time) bool { return c.session.spokeLately(now) }

// hubSocket opens a session on a WebSocket, or resumes one. The handler returns once it is upgraded, so that net/http's own buffers
// and stack are freed; two goroutines live on, a reader and the feed, and the register waits for them.
func (s *Server) hubSocket(w http.ResponseWriter, r *http.Request, v visit) {
	token, live, ok := s.hubConnection(w, r, v)
	switch {
	case !ok:
	case live == nil:
		s.openHubSocket(w, r, v, token)
	case live.member.transport != transportHubSocket:
		s.reject(w, "request", problemBadRequest.with("a connection keeps the transport that it began with"))
	case live.resumable == nil:
		writeProblem(w, problemConflict)
	default:
		s.resumeHubSocket(w, r, live)
	}
}

func (s *Server) openHubSocket(w http.ResponseWriter, r *http.Request, v visit, token negotiated) {
	n, ctx, ok := s.newHubSession(v, transportHubSocket, token.id)
	if !ok {
		writeProblem(w, problemEnding)
		return
	}
	k, ok := openSocket(w, r)
	if !ok {
		n.end()
		s.connections.part(n.member)
		return
	}
	if token.stateful {
		n.resumable, n.spoke = newResumable(n, k), make(chan struct{})
		n.wire.carrier = n.resumable
		s.hubs.add(n)
		go n.serveResumable(ctx, k)
		return
	}
	n.wire.carrier = &socketCarrier{k, n}
	s.hubs.add(n)
	go n.serveSocket(ctx, k)
}

// serveSocket is the writer's goroutine. It starts the reader's, ends it and waits for it.
func (n *hubSession) serveSocket(ctx context.Context, k *socket) {
	defer n.server.connections.part(n.member)
	read := make(chan struct{})
	go func() {
		defer close(read)
		if err := k.read(ctx, n); !isClosing(err) { // else the feed says why, and ends
			n.end()
		}
	}()
	k.close(n.serve(ctx))
	<-read
}

func isClosing(err error) bool {
	var c closing
	return errors.As(err, &c)
}
