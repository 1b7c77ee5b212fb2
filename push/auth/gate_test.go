package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rxvigil/rxvigil"
)

const secret = "0123456789abcdef0123456789abcdef"

// claims are those of a pharmacist, with some changed; nil takes one away.
func claims(over jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"sub": "almaz", "tenant_id": "abyssinia", "branch_id": "b1", "role": "pharmacist", "iss": "app", "aud": "rxvigil",
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range over {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func sign(t *testing.T, method jwt.SigningMethod, key any, c jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func gate(t *testing.T, c Config) *Gate {
	t.Helper()
	g, err := NewGate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func public(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestWhoIsNotLetInHearsWhy(t *testing.T) {
	t.Parallel()
	g := gate(t, Config{Secret: secret, Issuer: "app", Audience: "rxvigil"})
	hs := func(over jwt.MapClaims) string { return sign(t, jwt.SigningMethodHS256, []byte(secret), claims(over)) }
	good := hs(nil)
	if _, err := g.Admit(good); err != nil {
		t.Fatalf("a good token is refused: %v", err)
	}
	head, rest, _ := strings.Cut(good, ".")
	payload, _, _ := strings.Cut(rest, ".")
	none := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil))
	for name, c := range map[string]struct{ token, reason string }{
		"none":                  {none, "signature"},
		"no signature":          {head + "." + payload + ".", "signature"},
		"another secret":        {sign(t, jwt.SigningMethodHS256, []byte("another secret, just as long as it"), claims(nil)), "signature"},
		"another algorithm":     {sign(t, jwt.SigningMethodHS512, []byte(secret), claims(nil)), "signature"},
		"audience":              {hs(jwt.MapClaims{"aud": "others"}), "audience"},
		"no audience":           {hs(jwt.MapClaims{"aud": nil}), "claims"},
		"issuer":                {hs(jwt.MapClaims{"iss": "others"}), "issuer"},
		"expired":               {hs(jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}), "expired"},
		"without an end":        {hs(jwt.MapClaims{"exp": nil}), "claims"},
		"not before":            {hs(jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()}), "future"},
		"issued in the future":  {hs(jwt.MapClaims{"iat": time.Now().Add(time.Hour).Unix()}), "future"},
		"end that is no number": {hs(jwt.MapClaims{"exp": "soon"}), "malformed"},
		"oversized":             {hs(jwt.MapClaims{"picture": strings.Repeat("x", 9000)}), "oversized"},
		"none at all":           {"", "missing"},
		"rubbish":               {"rubbish", "malformed"},
		"rubbish with dots":     {"a.b.c", "malformed"},
		"no role":               {hs(jwt.MapClaims{"role": nil}), "role"},
		"unknown role":          {hs(jwt.MapClaims{"role": "janitor"}), "role"},
		"no tenant":             {hs(jwt.MapClaims{"tenant_id": nil}), "tenant"},
		"tenant of no type":     {hs(jwt.MapClaims{"tenant_id": map[string]any{"id": "abyssinia"}}), "tenant"},
		"no branch":             {hs(jwt.MapClaims{"branch_id": nil}), "branch"},
	} {
		who, err := g.Admit(c.token)
		var no Refusal
		if !errors.As(err, &no) || no.Reason != c.reason && !(no.Reason == "claims" && c.reason == "malformed") || no.Detail == "" {
			t.Errorf("%s: %+v, %+v; want a refusal for %s", name, who, err, c.reason)
		}
	}
}

// A public key is known to everybody: what is signed with its text as a secret must not be believed.
func TestAPublicKeyIsNoSecret(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := public(t, &key.PublicKey)
	g := gate(t, Config{PublicKey: text})
	if _, err := g.Admit(sign(t, jwt.SigningMethodRS256, key, claims(nil))); err != nil {
		t.Errorf("a good token is refused: %v", err)
	}
	for _, guess := range []string{text, strings.TrimSpace(text)} {
		if who, err := g.Admit(sign(t, jwt.SigningMethodHS256, []byte(guess), claims(nil))); err == nil {
			t.Errorf("a forged token is believed: %+v", who)
		}
	}
	if _, err := g.Admit(sign(t, jwt.SigningMethodPS256, key, claims(nil))); err == nil {
		t.Error("an algorithm that is not allowed is believed")
	}
}

func TestKeysOfEachKindAreUnderstood(t *testing.T) {
	t.Parallel()
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pub, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		config Config
		method jwt.SigningMethod
		key    any
	}{
		{Config{Secret: secret, Algorithms: []string{"HS512"}}, jwt.SigningMethodHS512, []byte(secret)},
		{Config{PublicKey: public(t, &curve.PublicKey)}, jwt.SigningMethodES256, curve},
		{Config{PublicKey: public(t, pub)}, jwt.SigningMethodEdDSA, edwards},
	} {
		if _, err := gate(t, c.config).Admit(sign(t, c.method, c.key, claims(nil))); err != nil {
			t.Errorf("%s: %v", c.method.Alg(), err)
		}
	}
}

func TestConfigurationsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"auth: give one of secret, public_key and jwks":                               {},
		"auth: give one of secret, public_key and jwks ":                              {Secret: secret, JWKS: "https://a.example/keys"},
		"auth.secret has 5 bytes: it needs 32, such as openssl rand -base64 32 makes": {Secret: "short"},
		"auth.public_key is no PEM":                                                   {PublicKey: "rubbish"},
		`auth.jwks: "keys.example" is no address`:                                     {JWKS: "keys.example"},
		`auth.algorithms: "none" does not go with this key`:                           {Secret: secret, Algorithms: []string{"none"}},
		`auth.algorithms: "RS256" does not go with this key`:                          {Secret: secret, Algorithms: []string{"RS256"}},
		`auth.roles.nurse: "gossip" is none of`:                                       {Secret: secret, Roles: map[string]Role{"nurse": {Topics: []rxvigil.Topic{"gossip"}}}},
		"auth.secret is a key in PEM":                                                 {Secret: "-----BEGIN PUBLIC KEY-----" + secret},
	} {
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
}

func TestClaimsAreReadAsIssuersWriteThem(t *testing.T) {
	t.Parallel()
	g := gate(t, Config{Secret: secret, Claims: Claims{Tenant: "tid"}, Roles: map[string]Role{
		"Night Nurse": {Topics: []rxvigil.Topic{rxvigil.Patients}},
	}})
	for name, c := range map[string]struct {
		claims jwt.MapClaims
		want   Caller
	}{
		"numbers": {
			jwt.MapClaims{"tid": 9007199254740993, "branch_id": []any{1, "2"}, "role": "Cashier"},
			Caller{Tenant: "9007199254740993", Branches: []rxvigil.Branch{"1", "2"}, Role: "cashier"},
		},
		"a role as .NET writes it": {
			jwt.MapClaims{"tid": "t", "role": nil, "branch_id": nil, "http://schemas.microsoft.com/ws/2008/06/identity/claims/role": "Super Admin"},
			Caller{Tenant: "t", Role: "superadmin"},
		},
		"a role of one's own, and one that nobody knows": {
			jwt.MapClaims{"tid": "t", "role": nil, "roles": []any{"janitor", "night-nurse"}},
			Caller{Tenant: "t", Branches: []rxvigil.Branch{"b1"}, Role: "nightnurse"},
		},
		"no tenant where every one may be seen": {
			jwt.MapClaims{"role": "super_admin"}, Caller{Branches: []rxvigil.Branch{"b1"}, Role: "superadmin"},
		},
	} {
		got, err := g.Admit(sign(t, jwt.SigningMethodHS256, []byte(secret), claims(c.claims)))
		if err != nil || got.Tenant != c.want.Tenant || got.Role != c.want.Role || strings.Join(texted(got.Branches), " ") != strings.Join(texted(c.want.Branches), " ") {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, c.want)
		}
	}
	both, err := g.Admit(sign(t, jwt.SigningMethodHS256, []byte(secret), claims(jwt.MapClaims{"tid": "t", "roles": []any{"cashier"}})))
	if err != nil || len(both.Grant.Topics) != 4 || both.Grant.EveryBranch {
		t.Errorf("a pharmacist who is a cashier too has %+v, %v", both.Grant, err)
	}
	if len(DefaultRoles()["pharmacist"].Topics) != 3 {
		t.Error("the table of roles was changed by who has two")
	}
}

func texted(branches []rxvigil.Branch) (out []string) {
	for _, b := range branches {
		out = append(out, string(b))
	}
	return out
}

func TestATokenForTryingThingsIsAdmitted(t *testing.T) {
	t.Parallel()
	g := gate(t, Config{Secret: secret, Issuer: "app", Audience: "rxvigil"})
	token, err := g.Sign(Caller{User: "u", Tenant: "t", Role: "cashier", Branches: []rxvigil.Branch{"b"}}, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if who, err := g.Admit(token); err != nil || who.User != "u" || who.Tenant != "t" || time.Until(who.Expires) < 59*time.Minute {
		t.Errorf("%+v, %v", who, err)
	}
	if _, err := g.Sign(Caller{User: "u", Tenant: "t", Role: "janitor"}, time.Hour, time.Now()); err == nil {
		t.Error("a token is signed that nobody would admit")
	}
}

// FuzzAdmit: whatever comes, it is refused and nothing breaks.
func FuzzAdmit(f *testing.F) {
	g, err := NewGate(context.Background(), Config{Secret: secret})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.")
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjk5OTk5OTk5OTk5OTk5OTk5OTl9.c2ln")
	f.Fuzz(func(t *testing.T, token string) {
		if who, err := g.Admit(token); err == nil {
			t.Errorf("%q is %+v", token, who)
		}
	})
}
