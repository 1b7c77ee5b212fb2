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
	user      string        // empty: nobody was asked
	address   string        // of the client, or of the last proxy
	leave     chan struct{} // closed when it shall say goodbye
}

// Limits are how many connections may be open at once; below 0: any number. Beyond one nobody is let in, and is told to come back later.
type Limits struct {
	Connections int `yaml:"connections"` // in all; default 15000
	PerTenant   int `yaml:"per_tenant"`  // default: any number
	PerUser     int `yaml:"per_user"`    // of one token's sub in one tenant; default 100
	PerAddress  int `yaml:"per_address"` // a whole pharmacy may be behind one, and everybody behind a proxy; those of this machine do not count; default 2000
}

func (l *Limits) setDefaults() {
	for _, d := range []struct {
		of    *int
		usual int
	}{{&l.Connections, 15_000}, {&l.PerTenant, -1}, {&l.PerUser, 100}, {&l.PerAddress, 2000}} {
		if *d.of == 0 {
			*d.of = d.usual
		}
	}
}

// register knows the live connections, so that they can be counted and closed.
type register struct {
	gone sync.WaitGroup

	limits  Limits
	refused func(limit string)

	mu       sync.Mutex
	members  map[*member]struct{}
	open     map[seat]int
	draining bool
}

// seat is what connections are counted by: a tenant, a user of it, an address.
type seat struct {
	tenant        rxvigil.Tenant
	user, address string
}

func newRegister(l Limits, refused func(limit string)) *register {
	return &register{members: map[*member]struct{}{}, open: map[seat]int{}, limits: l, refused: refused}
}

// seats of a member, with the limit of each and its name.
func (r *register) seats(m *member) [3]struct {
	seat
	most int
	name string
} {
	s := [3]struct {
		seat
		most int
		name string
	}{
		{seat{tenant: m.tenant}, r.limits.PerTenant, "tenant"}, {seat{m.tenant, m.user, ""}, r.limits.PerUser, "user"}, {seat{address: m.address}, r.limits.PerAddress, "address"},
	}
	if m.user == "" {
		s[1].seat, s[1].most = seat{}, -1
	}
	if loopback(m.address) { // a proxy on this machine, with everybody behind it
		s[2].most = -1
	}
	return s
}

// join enters a connection; false once the server is ending, and when there are too many. Who joins must part.
func (r *register) join(transport string, t rxvigil.Tenant, who *rights, address string) (*member, bool) {
	m := &member{id: rand.Text(), transport: transport, tenant: t, address: address, leave: make(chan struct{})}
	if who != nil {
		m.user = who.User
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.draining {
		return nil, false
	}
	if r.limits.Connections >= 0 && len(r.members) >= r.limits.Connections {
		r.refused("connections")
		return nil, false
	}
	seats := r.seats(m)
	for _, s := range seats {
		if s.most >= 0 && r.open[s.seat] >= s.most {
			r.refused(s.name)
			return nil, false
		}
	}
	for _, s := range seats {
		r.open[s.seat]++
	}
	r.members[m] = struct{}{}
	r.gone.Add(1)
	return m, true
}

func (r *register) part(m *member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.members, m)
	for _, s := range r.seats(m) {
		if r.open[s.seat]--; r.open[s.seat] == 0 {
			delete(r.open, s.seat)
		}
	}
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
