package push_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// line is a wire between clients and a server that can be cut in the middle of whatever passes.
type line struct {
	ln   net.Listener
	ends sync.WaitGroup

	mu      sync.Mutex // guards what follows
	server  string
	strands map[*strand]struct{}
	left    int // bytes from the server until the strand that carries them is cut; below zero none is
}

// strand is one connection over the line.
type strand struct{ client, server net.Conn }

func newLine(t *testing.T) *line {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{ln: ln, strands: map[*strand]struct{}{}, left: -1}
	l.ends.Go(l.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		l.each(func(s *strand) { s.cut() })
		l.ends.Wait()
	})
	return l
}

// to says where the server is.
func (l *line) to(server string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = server
}

// cutAfter cuts one connection: that which carries the byte after so many more.
func (l *line) cutAfter(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left = n
}

func (l *line) each(do func(*strand)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.strands {
		do(s)
	}
}

func (l *line) accept() {
	for {
		client, err := l.ln.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			_ = client.Close()
			l.mu.Unlock()
			continue
		}
		s := &strand{client, server}
		l.strands[s] = struct{}{}
		l.mu.Unlock()
		l.ends.Go(func() { _, _ = io.Copy(server, client); s.cut() })
		l.ends.Go(func() { _ = l.down(s); s.cut(); l.forget(s) })
	}
}

func (s *strand) cut() {
	_ = s.client.Close()
	_ = s.server.Close()
}

func (l *line) forget(s *strand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.strands, s)
}

// down passes on what the server says, up to the cut.
func (l *line) down(s *strand) error {
	b := make([]byte, 4096)
	for {
		n, err := s.server.Read(b)
		if err != nil {
			return err
		}
		pass := l.allowance(n)
		if _, err := s.client.Write(b[:pass]); err != nil || pass < n {
			return errors.Join(err, net.ErrClosed)
		}
	}
}

// allowance is how much of n bytes may pass.
func (l *line) allowance(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.left < 0 {
		return n
	}
	pass := min(n, l.left)
	if l.left -= pass; pass < n {
		l.left = -1
	}
	return pass
}
