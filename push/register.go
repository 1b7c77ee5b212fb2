package push

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
)

// How a feed ends without anybody's fault.
var (
	errGone = errors.New("the client is gone")
	errBye  = errors.New("the server is ending")

	errExpired = errors.New("the token has expired")
)

// The transports, as metrics and stats name them.
const (
	transportSSE       = "sse"
	transportWebSocket = "websocket"
	transportMonitor   = "live_monitor"

	transportHubSocket  = "signalr_websocket"
	transportHubEvents  = "signalr_sse"
	transportHubPolling = "signalr_long_polling"
)

func transports() []string {
	return []string{transportSSE, transportWebSocket, transportMonitor, transportHubSocket, transportHubEvents, transportHubPolling}
}

// member is one live connection.
type member struct {
	id        string
	transport string
	tenant    rxvigil.Tenant
	leave     chan struct{} // closed when it shall say goodbye
}

// register knows the live connections, so that they can be counted and closed.
type register struct {
	gone sync.WaitGroup

	mu       sync.Mutex
	members  map[*member]struct{}
	draining bool
}

func newRegister() *register { return &register{members: map[*member]struct{}{}} }

// join enters a connection; false once the server is ending. Who joins must part.
func (r *register) join(transport string, t rxvigil.Tenant) (*member, bool) {
	m := &member{id: rand.Text(), transport: transport, tenant: t, leave: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return nil, false
	}
	r.members[m] = struct{}{}
	r.gone.Add(1)
	return m, true
}

func (r *register) part(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m)
	r.gone.Done()
}

// count is the number of connections by transport, of one tenant, or of all when t is empty.
func (r *register) count(t rxvigil.Tenant) map[string]int {
	n := map[string]int{}
	for _, transport := range transports() {
		n[transport] = 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for m := range r.members {
		if t == "" || m.tenant == t {
			n[m.transport]++
		}
	}
	return n
}

// drain admits nobody any more and asks every connection to leave, spread over the window. Map order is random, so nobody
// is always the last.
func (r *register) drain(window time.Duration) {
	r.mu.Lock()
	r.draining = true
	members := make([]*member, 0, len(r.members))
	for m := range r.members {
		members = append(members, m)
	}
	r.mu.Unlock()
	start := time.Now()
	for i, m := range members {
		if pause := time.Until(start.Add(window * time.Duration(i) / time.Duration(len(members)))); pause > time.Millisecond {
			<-time.After(pause)
		}
		close(m.leave)
	}
}

// wait returns when every connection has parted.
func (r *register) wait() { r.gone.Wait() }
