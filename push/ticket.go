package push

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	ticketLife = 30 * time.Second
	maxTickets = 10_000 // not yet used
)

// tickets are tokens for one use, for clients that can only put them into a URL: an EventSource. What stands in a URL ends up in
// histories and logs, so it is worth nothing soon and at once.
type tickets struct {
	mu   sync.Mutex
	open map[string]ticket
}

type ticket struct {
	token string
	until time.Time
}

// issue gives a ticket for a token; false while too many are unused.
func (t *tickets) issue(token string, now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[string]ticket{}
	}
	if len(t.open) >= maxTickets {
		for name, k := range t.open {
			if now.After(k.until) {
				delete(t.open, name)
			}
		}
		if len(t.open) >= maxTickets {
			return "", false
		}
	}
	name := rand.Text()
	t.open[name] = ticket{token, now.Add(ticketLife)}
	return name, true
}

// redeem gives the token of a ticket, once; nothing for one that is used, old or none.
func (t *tickets) redeem(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.open[name]
	delete(t.open, name)
	if !ok || time.Now().After(k.until) {
		return ""
	}
	return k.token
}

// peek gives the token of a ticket, which can still be used.
func (t *tickets) peek(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[name].token
}

// newTicket answers POST /api/tickets.
func (s *Server) newTicket(w http.ResponseWriter, r *http.Request) {
	if s.Gate == nil {
		writeProblem(w, problemNotFound.with("no auth is configured, so no ticket is needed"))
		return
	}
	if _, ok := s.who(w, r); !ok {
		return
	}
	name, ok := s.tickets.issue(s.token(r), time.Now())
	if !ok {
		writeProblem(w, problemUnavailable)
		return
	}
	writeJSON(w, http.StatusCreated, ticketBody{name, int(ticketLife.Seconds())})
}

// ticketBody is a ticket, and for how many seconds it is good.
type ticketBody struct {
	Ticket  string `json:"ticket"`
	Expires int    `json:"expires_in"`
}
