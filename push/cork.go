package push

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"sync"
	"time"
)

// corkWriter hands out, when hijacked, a connection that can gather writes, with buffers small enough to be kept by
// thousands of idle connections.
type corkWriter struct {
	http.ResponseWriter
	conn *corkedConn
}

// Hijack implements http.Hijacker.
func (w *corkWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w.conn = &corkedConn{Conn: conn}
	if early, _ := rw.Reader.Peek(rw.Reader.Buffered()); len(early) > 0 { // net/http's reader is four thousand bytes large
		w.conn.early = bytes.Clone(early)
	}
	// What is larger than the reader is read past it; the cork gathers what leaves.
	return w.conn, bufio.NewReadWriter(bufio.NewReaderSize(w.conn, 128), bufio.NewWriterSize(w.conn, 128)), nil
}

// corkedConn gathers what is written until flush, so that many WebSocket frames leave in one call. Only what another
// goroutine writes while nothing is gathered (the answer to a ping) goes out directly.
type corkedConn struct {
	net.Conn
	early []byte // came along with the request, and is still to be read

	mu  sync.Mutex // guards buf, and orders writes: held across them, so that frames never interleave
	buf *[]byte    // nil: not corked
}

// Read implements net.Conn.
func (c *corkedConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// cork begins gathering.
func (c *corkedConn) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		c.buf = buffers.Get().(*[]byte)
	}
}

func (c *corkedConn) pending() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		return 0
	}
	return len(*c.buf)
}

// Write implements net.Conn.
func (c *corkedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf != nil {
		*c.buf = append(*c.buf, p...)
		return len(p), nil
	}
	return c.write(p)
}

// flush writes what was gathered, in one call, and ends gathering.
func (c *corkedConn) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buf == nil {
		return nil
	}
	b := c.buf
	c.buf = nil
	_, err := c.write(*b)
	release(b)
	return err
}

func (c *corkedConn) write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
