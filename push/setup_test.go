package push_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	abyssinia = rxvigil.Tenant("abyssinia")
	blueNile  = rxvigil.Tenant("blue-nile")
)

// bundle is one server on a wire in memory, and the world around it.
type bundle struct {
	t       *testing.T
	log     *push.Log
	server  *push.Server
	archive *shelfOfEntries
	world   *world
	wire    *pipeListener
	client  *http.Client
	lsn     uint64
	token   string // that the client sends
	query   string // of a WebSocket's URL
	stop    func() // ends the server and waits for it
}

// inBubble runs a test with a server inside a bubble, where time passes only when everything waits.
func inBubble(t *testing.T, ringBytes int, test func(*testing.T, *bundle)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, ringBytes)
		b.start()
		defer b.close()
		test(t, b)
	})
}

func setup(t *testing.T, ringBytes int, change ...func(*push.Options)) *bundle {
	t.Helper()
	b := &bundle{t: t, archive: &shelfOfEntries{}, world: newWorld(), wire: newPipeListener(), lsn: 1000}
	b.log = push.NewLog(push.LogOptions{RingBytes: ringBytes}, b.archive)
	options := push.Options{
		Log: b.log, Directory: b.world, Shelf: b.world, Dispensary: b.world, RuleBook: b.world, Alerts: b.world, Thresholds: b.world, Commander: b.world, Vitals: b.world,
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), CORSOrigins: []string{"https://portal.example"},
	}
	for _, c := range change {
		c(&options)
	}
	var err error
	b.server, err = push.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	b.client = &http.Client{Transport: bearer{b, &http.Transport{DialContext: b.wire.dial, DisableKeepAlives: true}}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := b.server.Run(ctx, b.wire); err != nil {
			t.Errorf("Run ended with %v", err)
		}
	}()
	b.stop = func() {
		cancel()
		<-ended
	}
	return b
}

// bearer sends the bundle's token with each request.
type bearer struct {
	b *bundle
	*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.b.token != "" && r.Header.Get("Authorization") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+t.b.token)
	}
	return t.Transport.RoundTrip(r)
}

func (b *bundle) start() {
	at := rxvigil.EndOf("e1", b.lsn)
	b.log.Start("e1", at, at)
}

func (b *bundle) close() {
	b.client.CloseIdleConnections()
	b.stop()
}

// tx publishes one transaction, in the archive first, as the engine does.
func (b *bundle) tx(events ...rxvigil.Event) []string {
	b.lsn += 16
	entry, ids := push.Entry{LSN: b.lsn}, []string(nil)
	for i := range events {
		e := events[i]
		e.Pos = rxvigil.Position{Epoch: "e1", LSN: b.lsn, Ordinal: uint32(i)}
		e.Last = i == len(events)-1
		if e.At.IsZero() {
			e.At = time.Now()
		}
		entry.Events = append(entry.Events, push.NewEvent(&e))
		ids = append(ids, e.Pos.String())
	}
	b.archive.add(entry)
	b.log.Publish(entry)
	return ids
}

// sold is a stock level that fell, of one medicine.
func sold(t rxvigil.Tenant, branch rxvigil.Branch, medicine string, was, now int) rxvigil.Event {
	data := fmt.Sprintf(`{"id":%q,"name":"Amoxicillin","reorder_level":40,"available":%d,"changed":["on_hand","available"],`+
		`"before":{"on_hand":%d,"reserved":0,"available":%d},"after":{"on_hand":%d,"reserved":0,"available":%d}}`,
		medicine, now, was, was, now, now)
	return event(t, branch, rxvigil.StockChanged, data)
}

func event(t rxvigil.Tenant, branch rxvigil.Branch, typ rxvigil.EventType, data string) rxvigil.Event {
	return rxvigil.Event{Type: typ, Tenant: t, Branch: branch, XID: 7, Data: rxvigil.Custom{JSON: []byte(data)}}
}

// shelfOfEntries is an Archive in memory.
type shelfOfEntries struct {
	mu      sync.Mutex
	entries []push.Entry
	err     error
}

func (s *shelfOfEntries) add(e push.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(e.Events) > 0 {
		s.entries = append(s.entries, e)
	}
}

// forget lets go of all but the newest n entries.
func (s *shelfOfEntries) forget(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries = s.entries[len(s.entries)-n:]
}

// Scan implements push.Archive.
func (s *shelfOfEntries) Scan(_ context.Context, after rxvigil.Position, fn func(push.Entry) bool) error {
	s.mu.Lock()
	entries, err := s.entries, s.err
	s.mu.Unlock()
	for _, e := range entries {
		if last := e.Events[len(e.Events)-1].Pos; last.Epoch == after.Epoch && last.Compare(after) > 0 && !fn(e) {
			break
		}
	}
	return err
}

// Oldest implements push.Archive.
func (s *shelfOfEntries) Oldest() rxvigil.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.entries) == 0 {
		return rxvigil.Position{}
	}
	return s.entries[0].Events[0].Pos
}

// pipeListener accepts connections in memory. They have no buffer: what is not read is not written.
type pipeListener struct {
	conns   chan net.Conn
	largest atomic.Int64 // of what the server wrote in one call
	once    sync.Once
	done    chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- &measuredConn{there, &l.largest}:
		return here, nil
	case <-l.done:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type measuredConn struct {
	net.Conn
	largest *atomic.Int64
}

// Write implements net.Conn.
func (c *measuredConn) Write(p []byte) (int, error) {
	c.largest.Store(max(c.largest.Load(), int64(len(p))))
	return c.Conn.Write(p)
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }
