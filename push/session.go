package push

import (
	"net/http"
	"time"
)

// beginSession answers POST /api/session: the token of the request, from now on in a cookie that no script can read, for pages of ours.
// It ends with the token.
func (s *Server) beginSession(w http.ResponseWriter, r *http.Request) {
	if s.Gate == nil {
		writeProblem(w, problemNotFound.with("no auth is configured, so there is nothing to log in to"))
		return
	}
	who, ok := s.who(w, r)
	if !ok {
		return
	}
	c := s.cookie(r, s.token(r))
	c.MaxAge = max(1, int(time.Until(who.Expires).Seconds()))
	http.SetCookie(w, c)
	w.WriteHeader(http.StatusNoContent)
}

// endSession answers DELETE /api/session.
func (s *Server) endSession(w http.ResponseWriter, r *http.Request) {
	if s.Gate != nil {
		c := s.cookie(r, "")
		c.MaxAge = -1
		http.SetCookie(w, c)
	}
	w.WriteHeader(http.StatusNoContent)
}

// cookie carries a token to this origin alone, and by TLS alone where the page came by it.
func (s *Server) cookie(r *http.Request, token string) *http.Cookie {
	return &http.Cookie{
		Name: s.Gate.Cookie(), Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}
