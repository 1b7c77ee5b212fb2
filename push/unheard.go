package push

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// heardKey finds, in a request's context, whether its connection has asked anything.
type heardKey struct{}

// hearing has the server count the connections that end without a whole request: those that send one byte by byte, and those that are
// opened to be open.
func (m *metrics) hearing(srv *http.Server) {
	var mu sync.Mutex
	mute := map[net.Conn]*atomic.Bool{} // of those that net/http still has
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		heard := &atomic.Bool{}
		mu.Lock()
		defer mu.Unlock()
		mute[c] = heard
		return context.WithValue(ctx, heardKey{}, heard)
	}
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		if state != http.StateClosed && state != http.StateHijacked {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if heard := mute[c]; state == http.StateClosed && heard != nil && !heard.Load() {
			m.bad.WithLabelValues("unheard").Inc()
		}
		delete(mute, c)
	}
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if heard, ok := r.Context().Value(heardKey{}).(*atomic.Bool); ok {
			heard.Store(true)
		}
		next.ServeHTTP(w, r)
	})
}
