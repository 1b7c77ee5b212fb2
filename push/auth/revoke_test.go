package auth

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestWhatIsTakenBackIsWhatWasIssuedUpToThen(t *testing.T) {
	t.Parallel()
	g, err := NewGate(t.Context(), Config{Secret: strings.Repeat("s", 32)})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Truncate(time.Second)
	sign := func(user, tenant, id string, ago time.Duration) string {
		token, err := g.Sign(Caller{User: user, Tenant: tenant, TokenID: id, Role: "admin"}, time.Hour, now.Add(-ago))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	old, young, others, lost := sign("ann", "a", "1", 20*time.Second), sign("ann", "a", "2", 0), sign("ben", "a", "3", 20*time.Second), sign("cid", "b", "4", 20*time.Second)
	was, err := g.Admit(old)
	if err != nil || g.Revoked(&was) {
		t.Fatal(err)
	}
	g.Revoke(Revocation{"user", "ann", now.Add(-10 * time.Second)})
	g.Revoke(Revocation{"user", "ann", now.Add(-time.Minute)}) // an older one that comes late takes nothing away
	g.Revoke(Revocation{"token", "4", now})
	good := func(token string) bool {
		_, err := g.Admit(token)
		var no Refusal
		if err != nil && (!errors.As(err, &no) || no.Reason != "revoked") {
			t.Errorf("refused because of %v", err)
		}
		return err == nil
	}
	if good(old) || !good(young) || !good(others) || good(lost) || !g.Revoked(&was) {
		t.Error("ann's old token and cid's lost one are taken back, and no other")
	}
	g.Revoke(Revocation{"tenant", "a", now})
	if good(young) || good(others) {
		t.Error("a tenant's are all taken back")
	}
	if !g.Revoked(&Caller{User: "ann"}) {
		t.Error("a token that does not say when it was issued is as old as can be")
	}
	for _, bad := range []Revocation{{"role", "x", now}, {"user", "", now}, {"user", "x", time.Time{}}, {"user", strings.Repeat("x", 257), now}} {
		if bad.Check() == nil {
			t.Errorf("%v passes", bad)
		}
	}
}
