package auth

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// Revocation takes back tokens before their end: those of a person, of a tenant, or one by its jti, that were issued up to an instant.
// What is issued later is good again, so nobody is locked out for ever by mistake.
type Revocation struct {
	Of    string    `json:"of"` // token, user or tenant
	Name  string    `json:"name"`
	Until time.Time `json:"until"`
}

// RevocationKinds are what Of may be.
func RevocationKinds() []string { return []string{"token", "user", "tenant"} }

// Check tells what is wrong with it.
func (r *Revocation) Check() error {
	if !slices.Contains(RevocationKinds(), r.Of) || r.Name == "" || len(r.Name) > 256 || r.Until.IsZero() {
		return fmt.Errorf("a revocation is of one of %v, with its name and an instant", RevocationKinds())
	}
	return nil
}

// revocations are those that were heard of.
type revocations struct {
	mu    sync.RWMutex
	until map[[2]string]time.Time
}

func (r *revocations) add(one Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[[2]string]time.Time{}
	}
	at := [2]string{one.Of, one.Name}
	if one.Until.After(r.until[at]) {
		r.until[at] = one.Until
	}
}

// covers tells whether a caller's token was taken back. A token that does not say when it was issued is as old as can be; iat counts in
// seconds, so one of the very second is taken back, too.
func (r *revocations) covers(c *Caller) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, at := range [][2]string{{"token", c.TokenID}, {"user", c.User}, {"tenant", c.Tenant}} {
		if until, ok := r.until[at]; ok && !c.Issued.After(until) {
			return true
		}
	}
	return false
}

// Revoke takes tokens back, from now on. It may be told the same again.
func (g *Gate) Revoke(r Revocation) { g.revoked.add(r) }

// Revoked tells whether a caller's token was taken back since it was admitted.
func (g *Gate) Revoked(c *Caller) bool { return g.revoked.covers(c) }
