package push

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// visit is a request to a hub's door: which hub, on whose behalf, and what its URL asks for: ?topics=, ?types=, ?branch= and ?after=
// mean what they mean on the native stream, and hold from the first message on.
type visit struct {
	hub     hub
	tenant  Tenant
	who     *rights
	address string
	filter  Filter
	after   string
	fluent  bool // a page that says after, even an empty one, was made for us
}

// purpose is what a connection token is good for: this hub, of this tenant, for who asked.
func (v visit) purpose() string {
	p := v.hub.name + "\x00" + string(v.tenant.ID)
	if v.who != nil {
		p += "\x00" + v.who.User
	}
	return p
}

// hubRoutes adds the doors of each hub's path.
func (s *Server) hubRoutes(mux *http.ServeMux) {
	paths := s.hubPaths()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		door := func(pattern string, answer func(http.ResponseWriter, *http.Request, visit)) {
			mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "no-store")
				if v, ok := s.visit(w, r, paths[path]); ok {
					answer(w, r, v)
				}
			})
		}
		door("POST "+path+"/negotiate", s.negotiate)
		door("GET "+path, s.hubConnect)
		door("POST "+path, s.hubSend)
		door("DELETE "+path, s.hubDelete)
		door("POST "+path+"/refresh", s.hubRefresh)
	}
	mux.HandleFunc("/hubs/", notFound)
}

// visit finds out who is at the door. Without auth that is whoever ?tenant= names, or the only tenant that there is.
func (s *Server) visit(w http.ResponseWriter, r *http.Request, h hub) (visit, bool) {
	if _, started := s.Log.Head(); !started {
		writeProblem(w, problemStarting)
		return visit{}, false
	}
	who, ok := s.who(w, r)
	if !ok {
		return visit{}, false
	}
	q := r.URL.Query()
	t, ok := s.hubTenant(who, q.Get("tenant"))
	if ok && !s.ofTenant(who, t.ID) {
		s.metrics.refused.WithLabelValues("foreign_tenant").Inc()
		ok = false
	}
	if !ok {
		p := problemNotFound
		if who == nil {
			p = p.with("no auth is configured, so the hub's URL must name the tenant: add ?tenant=")
		}
		writeProblem(w, p)
		return visit{}, false
	}
	v := visit{hub: h, tenant: t, who: who, address: hostname(r.RemoteAddr), after: q.Get("after"), fluent: q.Has("after")}
	var err error
	if v.hub, v.filter, err = h.narrowed(list(q.Get("topics")), list(q.Get("types")), q.Get("branch")); err != nil {
		s.reject(w, "request", problemBadRequest.with(err.Error()))
		return v, false
	}
	if err = v.hub.within(who, v.filter); err != nil {
		writeProblem(w, s.problemOf(err))
	}
	return v, err == nil
}

// hubTenant is the tenant of that name, or the caller's own, or the only one that there is.
func (s *Server) hubTenant(who *rights, name string) (Tenant, bool) {
	if name == "" && who != nil && who.Tenant != "" {
		name = who.Tenant
	}
	if all := s.Directory.Tenants(); name == "" && len(all) == 1 && !s.beside {
		return all[0], true
	}
	return s.Directory.Tenant(name)
}

// hubConnect answers GET on a hub: what carries the connection is told by the headers.
func (s *Server) hubConnect(w http.ResponseWriter, r *http.Request, v visit) {
	switch {
	case r.Header.Get("Upgrade") != "":
		s.hubSocket(w, r, v)
	case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
		s.hubEvents(w, r, v)
	default:
		s.hubPoll(w, r, v)
	}
}

// hubConnection finds the connection that ?id= names: a live one, or a token that may still open one. Without an id only a
// WebSocket may open one. When it is not ok the client has been answered.
func (s *Server) hubConnection(w http.ResponseWriter, r *http.Request, v visit) (n negotiated, live *hubSession, ok bool) {
	id := r.URL.Query().Get("id")
	if id == "" {
		if ok = r.Header.Get("Upgrade") != ""; !ok {
			s.reject(w, "request", problemBadRequest.with("the connection's id is missing"))
		}
		return n, nil, ok
	}
	n, ok = s.hubTokens.read(v.purpose(), id)
	if ok {
		live = s.hubs.find(n.id)
		ok = live != nil || r.Method == http.MethodGet && s.hubTokens.spend(n, time.Now())
	}
	if !ok {
		writeProblem(w, problemNotFound.with("there is no connection with that id"))
	}
	if live != nil {
		live.feed.standing.prolong(v.who)
	}
	return n, live, ok
}

// hubSend answers POST on a hub: what the client says on a connection that is not a WebSocket. It is answered when all of it
// has been carried out.
func (s *Server) hubSend(w http.ResponseWriter, r *http.Request, v visit) {
	_, n, ok := s.hubConnection(w, r, v)
	if !ok {
		return
	}
	if n.member.transport == transportHubSocket {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, _ := io.ReadAll(r.Body)    // the guard has read it
	_ = n.receive(r.Context(), body) // what is wrong with it ends the connection, which says so
	w.Header().Set("Content-Type", "text/plain")
}

// refreshed is the answer to a refresh, as .NET 11 gives it.
type refreshed struct {
	ConnectionID         string    `json:"connectionId"`
	RefreshedAt          time.Time `json:"refreshedAt"`
	TokenLifetimeSeconds int       `json:"tokenLifetimeSeconds"`
}

// hubRefresh answers POST {hub}/refresh?id=…: the connection goes on with the token of this request.
func (s *Server) hubRefresh(w http.ResponseWriter, r *http.Request, v visit) {
	_, n, ok := s.hubConnection(w, r, v)
	if !ok {
		return
	}
	answer := refreshed{ConnectionID: n.member.id, RefreshedAt: time.Now().UTC()}
	if v.who != nil {
		answer.TokenLifetimeSeconds = int(time.Until(v.who.Expires).Seconds())
	}
	writeJSON(w, http.StatusOK, answer)
}

// hubDelete answers DELETE on a hub: the end of a connection by long polling.
func (s *Server) hubDelete(w http.ResponseWriter, r *http.Request, v visit) {
	_, n, ok := s.hubConnection(w, r, v)
	switch {
	case !ok:
	case n.member.transport != transportHubPolling:
		s.reject(w, "request", problemBadRequest.with("only a connection by long polling is ended like this"))
	default:
		n.end()
		w.WriteHeader(http.StatusAccepted)
	}
}

// hubSessions are the live connections that a request may name.
type hubSessions struct {
	mu   sync.Mutex
	live map[string]*hubSession
}

func (h *hubSessions) find(id string) *hubSession {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.live[id]
}

func (h *hubSessions) add(n *hubSession) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.live[n.member.id] = n
}

func (h *hubSessions) remove(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.live, id)
}
