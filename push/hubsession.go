package push

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil/push/signalr"
)

// Timing of SignalR, as its clients expect it.
const (
	handshakeTimeout = 15 * time.Second
	silenceTimeout   = 30 * time.Second // the client says something every 15 s
)

var (
	errSilent  = errors.New("the client has fallen silent")
	errRefused = errors.New("the handshake was refused")
)

// hubSession is one SignalR connection, whatever carries it: a socket, an event stream, or polls. Its feed is its one writer; what
// the client says comes in by receive and is answered by the feed.
type hubSession struct {
	server *Server
	hub    hub
	tenant Tenant
	member *member
	wire   *hubWire
	feed   *feed
	ops    chan func(*feed) error // when it is full whoever reads from the client stops reading
	ended  <-chan struct{}
	end    context.CancelFunc
	heard  atomic.Int64 // when the client last said something, in ns since 1970

	shook chan error    // what is wrong with the handshake, once
	spoke chan struct{} // closed when the client says something after it; nil where nobody waits for that

	resumable *resumable // the carrier of a connection that may be resumed; else nil

	mu     sync.Mutex // guards what follows, and orders what the client says: held while that is carried out
	said   int        // records so far
	intake intake     // counts what is said on a connection that may be resumed
}

// newHubSession makes a session that has joined; false once the server is ending. The context lives as long as the session.
func (s *Server) newHubSession(v visit, transport, id string) (*hubSession, context.Context, bool) {
	at := stand(v.who)
	v.filter.standing = at
	m, ok := s.connections.join(transport, v.tenant.ID, v.who, v.address)
	if !ok {
		return nil, nil, false
	}
	if id != "" {
		m.id = id
	}
	ctx, cancel := context.WithCancel(context.Background())
	n := &hubSession{
		server: s, hub: v.hub, tenant: v.tenant, member: m, wire: &hubWire{topics: v.hub.topics}, ops: make(chan func(*feed) error, 8),
		ended: ctx.Done(), end: cancel, shook: make(chan error, 1),
	}
	n.wire.fluent = v.fluent
	n.feed = &feed{
		server: s, wire: n.wire, member: m, ops: n.ops, hub: true, cursor: s.Log.open(v.tenant.ID, v.filter, v.after),
		standing: at,
	}
	n.hear(time.Now())
	return n, ctx, true
}

func (n *hubSession) hear(now time.Time) { n.heard.Store(now.UnixNano()) }

// spokeLately is what most carriers go by.
func (n *hubSession) spokeLately(now time.Time) bool {
	return now.Sub(time.Unix(0, n.heard.Load())) < silenceTimeout
}

// serve is the connection's writer, from the handshake to the end, which it tells the client if that can still be told. The caller
// parts.
func (n *hubSession) serve(ctx context.Context) error {
	defer n.server.hubs.remove(n.member.id)
	defer n.end()
	err := n.shake(ctx)
	if err == nil {
		n.shook = nil // an idle connection holds nothing that is over
		err = n.feed.run(ctx)
	}
	n.server.ended(n.member, err)
	var c closing
	if errors.As(err, &c) {
		*n.wire.bytes() = signalr.AppendClose(*n.wire.bytes(), c.reason, false)
		_ = n.wire.flush() // the client may be gone: nobody is left to tell
	}
	return err
}

// shake awaits the handshake and answers it. A connection that may be resumed tells nothing more before the client has spoken
// again: its client begins to count our messages a moment after it has read the answer, and would not count those that came along.
func (n *hubSession) shake(ctx context.Context) error {
	timeout := time.NewTimer(handshakeTimeout)
	defer timeout.Stop()
	refusal, err := await(ctx, n.member, timeout, n.shook)
	if err != nil {
		return err
	}
	reason := ""
	if refusal != nil {
		reason, err = refusal.Error(), errRefused
	}
	*n.wire.bytes() = signalr.AppendHandshake(*n.wire.bytes(), reason)
	if n.resumable != nil || err != nil {
		err = errors.Join(n.wire.flush(), err)
	}
	if n.resumable != nil && err == nil {
		_, err = await(ctx, n.member, timeout, n.spoke)
	}
	return err
}

// await waits for the client, but not longer than for the server or the timer.
func await[T any](ctx context.Context, m *member, timeout *time.Timer, c <-chan T) (got T, err error) {
	select {
	case got = <-c:
	case <-ctx.Done():
		err = errGone
	case <-m.leave:
		err = errBye
	case <-timeout.C:
		err = errSilent
	}
	return got, err
}

// receive carries out what the client says, in order. Its error is why the connection must end; the feed has been told then.
func (n *hubSession) receive(ctx context.Context, payload []byte) error {
	n.hear(time.Now())
	n.mu.Lock()
	defer n.mu.Unlock()
	err := signalr.Records(payload, func(record []byte) error { return n.take(ctx, record) })
	if err == nil || errors.Is(err, errGone) {
		return err
	}
	n.server.metrics.bad.WithLabelValues("hub").Inc()
	c := closing{websocket.StatusPolicyViolation, err.Error()}
	n.do(func(*feed) error { return c })
	return c
}

// take carries out one record; the first is the handshake. The caller holds the lock.
func (n *hubSession) take(ctx context.Context, record []byte) error {
	if n.said++; n.said == 1 {
		n.shook <- aside(func() error { return signalr.CheckHandshake(record) })
		return nil
	}
	if n.said == 2 && n.spoke != nil {
		close(n.spoke)
	}
	var m signalr.Message
	if err := aside(func() (err error) { m, err = signalr.Parse(record); return err }); err != nil {
		return err
	}
	if n.resumable != nil && !n.intake.admits(m) {
		return nil
	}
	return n.carryOut(ctx, m)
}

// carryOut does what a message asks for.
func (n *hubSession) carryOut(ctx context.Context, m signalr.Message) error {
	switch m.Type {
	case signalr.Invocation:
		n.do(n.invoke(ctx, m))
	case signalr.StreamInvocation:
		n.do(n.reply(m, nil, "no method of this hub gives a stream"))
	case signalr.Close:
		n.end()
		return errGone
	case signalr.Ack:
		if n.resumable != nil {
			n.resumable.acknowledge(m.SequenceID)
		}
	case signalr.Sequence:
		return n.intake.restart(m.SequenceID)
	}
	if n.resumable != nil && m.Type.Counted() {
		received := n.intake.received
		n.do(func(*feed) error {
			*n.wire.bytes() = signalr.AppendAck(*n.wire.bytes(), received)
			return nil
		})
	}
	return nil
}

// do hands something to the feed, unless that has ended.
func (n *hubSession) do(what func(*feed) error) {
	select {
	case n.ops <- what:
	case <-n.ended:
	}
}

// reply answers an invocation.
func (n *hubSession) reply(m signalr.Message, result any, failure string) func(*feed) error {
	return func(*feed) error {
		n.wire.answer(m.InvocationID, result, failure)
		return nil
	}
}
