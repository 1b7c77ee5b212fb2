package push

import (
	"slices"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/auth"
)

// RightsChanged is why a client must fetch anew what it may see: more, or less, than before.
const RightsChanged = "rights_changed"

// authorize gives the rights of a token's bearer: those of the token, but for what the app's own row of the user says otherwise.
func (s *Server) authorize(c auth.Caller) (*rights, error) {
	round := s.authorized.Load() // before the look
	who, err := s.asEmployed(c)
	if err != nil {
		return nil, err
	}
	r := newRights(who)
	r.token, r.round = c, round
	return r, nil
}

func (s *Server) asEmployed(c auth.Caller) (auth.Caller, error) {
	if s.Staff == nil {
		return c, nil
	}
	var tenant rxvigil.Tenant // of those who belong to none: empty
	if t, ok := s.Directory.Tenant(c.Tenant); ok {
		tenant = t.ID
	}
	p, ok := s.Staff.Person(tenant, c.User)
	switch {
	case !ok:
		return c, nil
	case !p.Active:
		return c, auth.Refusal{Reason: "inactive", Detail: "the app has closed this account"}
	}
	if p.Role != "" {
		if c, ok = s.Gate.As(c, p.Role); !ok {
			return c, auth.Refusal{Reason: "role", Detail: "the app gives this account a role that is not known here"}
		}
	}
	if p.Branch != "" {
		c.Branches = []rxvigil.Branch{p.Branch}
	}
	if len(c.Branches) == 0 && !c.Grant.EveryBranch {
		return c, auth.Refusal{Reason: "branch", Detail: "neither the token nor the app names a branch, and the role does not span them"}
	}
	return c, nil
}

// Reauthorize has every connection look at its rights again: the app has changed who may see what.
func (s *Server) Reauthorize() {
	if s.Gate == nil {
		return
	}
	s.authorized.Add(1)
	s.Log.mu.Lock()
	defer s.Log.mu.Unlock()
	s.Log.turn() // wakes every feed, to look at its own
}

// reauthorized takes up rights that have changed since they were last looked at, and tells the client to fetch anew; who has none any
// more is sent away.
func (f *feed) reauthorized() error {
	who := f.standing.rights()
	if who == nil || who.round == f.server.authorized.Load() {
		return nil
	}
	now, err := f.server.authorize(who.token)
	if err != nil {
		_ = f.server.refusal(err) // counts it
		return f.sayBye("token_revoked", errExpired)
	}
	if !f.server.ofTenant(now, f.member.tenant) {
		f.server.metrics.refused.WithLabelValues("foreign_tenant").Inc()
		return f.sayBye("token_revoked", errExpired)
	}
	if !f.standing.now.CompareAndSwap(who, now) { // the client has come with another token meanwhile
		return nil
	}
	if c := f.cursor; c != nil && (now.Role != who.Role || !slices.Equal(now.Branches, who.Branches)) {
		f.server.metrics.resyncs.WithLabelValues(RightsChanged).Inc()
		f.wire.resync(newResync(RightsChanged, scope{c.tenant, c.filter.Branch, c.filter.Topics}, c.pos))
	}
	return nil
}
