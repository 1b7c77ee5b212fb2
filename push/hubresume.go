package push

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil/push/signalr"
)

// Limits of stateful reconnect, as .NET's server has them.
const (
	resumeWindow = 15 * time.Second // for which a connection outlives its socket
	resumeBytes  = 100_000          // of messages that are kept until the client has acknowledged them
)

// intake counts what a client says, so that what it says again after a reconnect is not carried out twice. Its zero value is
// that of a new connection.
type intake struct {
	next     int64 // number of the message that comes next, less one
	received int64 // the highest one received
	awaits   bool  // after a reconnect: nothing counts before the client has said where it goes on
}

// admits tells whether a message is to be carried out.
func (i *intake) admits(m signalr.Message) bool {
	if i.awaits {
		return m.Type == signalr.Sequence
	}
	if !m.Type.Counted() {
		return true
	}
	i.next++
	if i.next <= i.received {
		return false
	}
	i.received = i.next
	return true
}

// restart takes up the client's count.
func (i *intake) restart(sequence int64) error {
	if sequence < 1 || sequence > i.received+1 {
		return errors.New("the sequence id is none of what was said")
	}
	i.next, i.awaits = sequence-1, false
	return nil
}

// resumable carries a session over one socket after another. What is counted is kept until the client acknowledges it; when too much
// is kept, send waits, and with it the feed.
type resumable struct {
	session *hubSession
	readers sync.WaitGroup

	writing sync.Mutex // orders writes: held across them, which have a deadline

	mu     sync.Mutex // guards what follows
	moved  *sync.Cond // something was acknowledged, or the session has ended
	socket *socket    // nil: lost
	window *time.Timer
	kept   []keptMessages
	size   int   // bytes of kept
	total  int64 // counted messages so far
	over   bool
}

// keptMessages were sent in one write.
type keptMessages struct {
	first, last int64
	bytes       []byte
}

func newResumable(n *hubSession, k *socket) *resumable {
	c := &resumable{session: n, socket: k}
	c.moved = sync.NewCond(&c.mu)
	return c
}

func (c *resumable) send(b *[]byte, counted int) error {
	defer release(b)
	if counted > 0 {
		if err := c.room(); err != nil {
			return err
		}
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if k := c.keep(*b, counted); k != nil && k.write(*b) != nil {
		c.lose(k)
	}
	return nil
}

// room waits until more may be kept. A client that acknowledges nothing for as long as it may be silent is a slow one.
func (c *resumable) room() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= resumeBytes {
		late := false
		patience := time.AfterFunc(silenceTimeout, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			late = true
			c.moved.Broadcast()
		})
		defer patience.Stop()
		for c.size >= resumeBytes && !c.over {
			if late {
				return os.ErrDeadlineExceeded
			}
			c.moved.Wait()
		}
	}
	if c.over {
		return errGone
	}
	return nil
}

// keep keeps what is counted, and gives the socket to write to.
func (c *resumable) keep(b []byte, counted int) *socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if counted > 0 {
		c.kept = append(c.kept, keptMessages{c.total + 1, c.total + int64(counted), bytes.Clone(b)})
		c.total += int64(counted)
		c.size += len(b)
	}
	return c.socket
}

// alive leaves a lost socket to the window.
func (c *resumable) alive(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.socket == nil || c.session.spokeLately(now)
}

// acknowledge forgets what the client has.
func (c *resumable) acknowledge(received int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.kept) > 0 && c.kept[0].last <= received {
		c.size -= len(c.kept[0].bytes)
		c.kept = c.kept[1:]
	}
	c.moved.Broadcast()
}

// attach goes on over another socket: first the number of the first message that was not acknowledged, then all of those again. What
// of them the client has it knows by their numbers.
func (c *resumable) attach(k *socket) {
	c.writing.Lock()
	defer c.writing.Unlock()
	again, ok := c.replace(k)
	if !ok {
		_ = k.conn.CloseNow()
		return
	}
	if k.write(again) != nil {
		c.lose(k)
	}
}

// replace makes k the socket, begins to read it, and gives what must be said on it first; false when the session has ended.
func (c *resumable) replace(k *socket) (again []byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil, false
	}
	if c.socket != nil {
		c.drop()
	}
	if c.window != nil {
		c.window.Stop()
	}
	c.socket = k
	c.readers.Go(func() { c.read(context.Background(), k) }) // ended by finish, which closes the socket
	first := c.total + 1
	if len(c.kept) > 0 {
		first = c.kept[0].first
	}
	again = signalr.AppendSequence(nil, first)
	for _, m := range c.kept {
		again = append(again, m.bytes...)
	}
	return again, true
}

// lose notes that a socket is gone, unless another one has taken its place.
func (c *resumable) lose(k *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == k {
		c.drop()
	}
}

// drop lets the socket go and gives the client the window to come back. The caller holds the lock.
func (c *resumable) drop() {
	_ = c.socket.conn.CloseNow()
	c.socket = nil
	c.window = time.AfterFunc(resumeWindow, c.session.end)
}

// wake lets a feed that waits for room see that the session has ended.
func (c *resumable) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	c.moved.Broadcast()
}

// finish closes the last socket.
func (c *resumable) finish(err error) {
	c.wake()
	c.mu.Lock()
	last, window := c.socket, c.window
	c.socket = nil
	c.mu.Unlock()
	if window != nil {
		window.Stop()
	}
	if last != nil {
		last.close(err)
	}
}

// serveResumable is the writer's goroutine of a connection that may be resumed. It ends the readers and waits for them.
func (n *hubSession) serveResumable(ctx context.Context, k *socket) {
	c := n.resumable
	defer n.server.connections.part(n.member)
	defer context.AfterFunc(ctx, c.wake)()
	c.readers.Go(func() { c.read(ctx, k) })
	c.finish(n.serve(ctx))
	c.readers.Wait()
}

// read reads one socket to its end. The session outlives it, unless the client has said that it leaves.
func (c *resumable) read(ctx context.Context, k *socket) {
	switch err := k.read(ctx, c.session); {
	case errors.Is(err, errGone):
		c.session.end()
	case !isClosing(err): // else the feed says why, and ends
		c.lose(k)
	}
}

// resumeHubSocket gives a live session another socket.
func (s *Server) resumeHubSocket(w http.ResponseWriter, r *http.Request, n *hubSession) {
	k, ok := openSocket(w, r)
	if !ok {
		return
	}
	n.mu.Lock()
	n.intake.awaits = true
	n.mu.Unlock()
	n.hear(time.Now())
	n.resumable.attach(k)
}
