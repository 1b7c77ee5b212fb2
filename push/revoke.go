package push

import "github.com/rxvigil/rxvigil/push/auth"

// Revoke takes tokens back: nobody is let in with one any more, and the connections that live by one end at once. Without a Gate there
// are none.
func (s *Server) Revoke(r auth.Revocation) {
	if s.Gate == nil {
		return
	}
	s.Gate.Revoke(r)
	s.Log.mu.Lock()
	defer s.Log.mu.Unlock()
	s.Log.turn() // wakes every feed, to look at its own
}

// revoked ends a connection whose token was taken back.
func (f *feed) revoked() error {
	who := f.standing.rights()
	if who == nil || !f.server.Gate.Revoked(&who.Caller) {
		return nil
	}
	f.server.metrics.refused.WithLabelValues("revoked").Inc()
	return f.sayBye("token_revoked", errExpired)
}
