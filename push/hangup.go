package push

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// takeOver takes a connection out of net/http's hands, with the head of a response that lasts until the connection ends: what
// net/http keeps for a request (two goroutines with deep stacks, two buffers, all headers) is four times what a viewer needs who only
// listens. Nil, and nothing has happened, where that cannot be: over TLS and HTTP/2 net/http does the work.
func takeOver(w http.ResponseWriter, r *http.Request) net.Conn {
	if r.ProtoMajor != 1 || r.TLS != nil || r.Method != http.MethodGet {
		return nil
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Time{}) // those of the request are over; a broken connection shows at the next write
	return conn
}

// appendHead appends the head of a response whose body ends with the connection.
func appendHead(b []byte, h http.Header) []byte {
	b = append(b, "HTTP/1.1 200 OK\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\n"...)
	out := appender(b)
	_ = h.Write(&out) // an appender takes everything
	return append(out, "\r\n"...)
}

// appender is a writer that appends.
type appender []byte

// Write implements io.Writer.
func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// untilHangUp gives a context that ends when the client hangs up, where that cannot be learned without a goroutine of its own.
func untilHangUp(conn io.Reader) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, conn) // ended by the client, or by whoever closes the connection
	}()
	return ctx, cancel
}
