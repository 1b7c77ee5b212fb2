package push

import (
	"errors"
	"net/http"
	"strings"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/auth"
)

// token is the token that a request carries, by the safest way first: a header, a cookie, and the query for clients that can send
// neither (EventSource, and WebSockets of browsers).
func (s *Server) token(r *http.Request) string {
	if t := r.URL.Query().Get("ticket"); t != "" && !s.bears(r) {
		return s.tickets.redeem(t)
	}
	return s.bearer(r)
}

// bears tells whether a token comes in a header or a cookie.
func (s *Server) bears(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	c, err := r.Cookie(s.Gate.Cookie())
	return err == nil && c.Value != ""
}

// bearer is the token of a request that has no ticket.
func (s *Server) bearer(r *http.Request) string {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(token)
		}
		return ""
	}
	if c, err := r.Cookie(s.Gate.Cookie()); err == nil && c.Value != "" {
		return c.Value
	}
	return r.URL.Query().Get("access_token")
}

// who finds out who calls. Without a gate that is nobody in particular, with nil rights. When it is not ok the client has been answered.
func (s *Server) who(w http.ResponseWriter, r *http.Request) (*rights, bool) {
	if s.Gate == nil {
		return nil, true
	}
	who, err := s.bearerOf(s.token(r))
	if err != nil {
		s.refuse(w, err)
		return nil, false
	}
	return who, true
}

// bearerOf gives the rights of whoever has a token.
func (s *Server) bearerOf(token string) (*rights, error) {
	c, err := s.Gate.Admit(token)
	if err != nil {
		return nil, err
	}
	return s.authorize(c)
}

// refuse answers somebody whose token is not good.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	p := s.refusal(err)
	challenge := `Bearer realm="rxvigil"`
	if p.Detail != "" {
		challenge += `, error="invalid_token", error_description="` + strings.ReplaceAll(p.Detail, `"`, "'") + `"`
	}
	w.Header().Set("WWW-Authenticate", challenge)
	writeProblem(w, p)
}

// refusal counts why a token is not good, and says it.
func (s *Server) refusal(err error) problem {
	reason := "claims"
	var no auth.Refusal
	if errors.As(err, &no) {
		reason = no.Reason
	}
	s.metrics.refused.WithLabelValues(reason).Inc()
	return problemUnauthorized.with(err.Error())
}

// admit finds out who calls, and the tenant of a route. A tenant that is another's is not told from one that there is not. When it is
// not ok the client has been answered, by miss where the tenant is not found.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, name string, miss func()) (Tenant, *rights, bool) {
	who, ok := s.who(w, r)
	if !ok {
		return Tenant{}, nil, false
	}
	t, ok := s.Directory.Tenant(name)
	if ok && !s.ofTenant(who, t.ID) {
		s.metrics.refused.WithLabelValues("foreign_tenant").Inc()
		ok = false
	}
	if !ok {
		miss()
	}
	return t, who, ok
}

// ofTenant tells whether the caller belongs to a tenant.
func (s *Server) ofTenant(who *rights, t rxvigil.Tenant) bool {
	if who == nil || who.Grant.AnyTenant {
		return true
	}
	own, ok := s.Directory.Tenant(who.Tenant)
	return ok && own.ID == t
}

// granted checks a filter against rights; when it asks for more the client has been answered.
func (s *Server) granted(w http.ResponseWriter, who *rights, f Filter) bool {
	err := who.limit(f)
	if err != nil {
		writeProblem(w, s.problemOf(err))
	}
	return err == nil
}

// noTenant answers as if there were no such tenant.
func noTenant(w http.ResponseWriter) func() { return func() { writeProblem(w, problemNotFound) } }

// renew lets a connection go on with a new token: of the same person, for the same tenant. What is wrong with it is given back, and
// the connection keeps the token that it has.
func (s *Server) renew(at *standing, t rxvigil.Tenant, token string) *problem {
	if at == nil {
		p := problemBadRequest.with("no auth is configured, so there is no token to renew")
		return &p
	}
	who, err := s.bearerOf(token)
	if err != nil {
		p := s.refusal(err)
		return &p
	}
	if who.User != at.rights().User || !s.ofTenant(who, t) {
		s.metrics.refused.WithLabelValues("another").Inc()
		p := problemForbidden.with("the token is another person's or for another tenant: open a connection of its own")
		return &p
	}
	at.now.Store(who)
	return nil
}
