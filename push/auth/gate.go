// Package auth finds out who calls: it checks a JSON Web Token (RFC 7519) and reads from it the tenant, the branches and the roles. It
// knows no HTTP: whoever has the token asks the Gate.
package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// Config says which tokens are good, and how they name people. Exactly one of Secret, PublicKey and JWKS is given.
type Config struct {
	Secret    string `yaml:"secret"`     // shared with whoever signs: at least 32 bytes
	PublicKey string `yaml:"public_key"` // PEM of an RSA, EC or Ed25519 key
	JWKS      string `yaml:"jwks"`       // URL of a key set (RFC 7517); fetched again each hour, and when a token names a key that is new

	Algorithms []string      `yaml:"algorithms"` // allowed ones; default: the usual one of the key (HS256, RS256, ES256, EdDSA)
	Issuer     string        `yaml:"issuer"`     // iss must be this; empty: is not asked for
	Audience   string        `yaml:"audience"`   // aud must contain this; empty: is not asked for
	Leeway     time.Duration `yaml:"leeway"`     // by how much clocks may differ; default 30 s
	Cookie     string        `yaml:"cookie"`     // name of the cookie that may carry the token; default rxvigil_token

	Claims Claims          `yaml:"claims"`
	Roles  map[string]Role `yaml:"roles"` // replaces the default role of that name, or adds one
}

// Claims name the claims that are read.
type Claims struct {
	Tenant string   `yaml:"tenant"` // default tenant_id: the tenant's id or subdomain
	Branch string   `yaml:"branch"` // default branch_id: one or a list
	Role   []string `yaml:"role"`   // all are read; default role, roles, and .NET's role URI
}

// maxToken is the longest token that is looked at. Real ones have one to three kB.
const maxToken = 8 << 10

const (
	defaultLeeway = 30 * time.Second
	leastSecret   = 32 // bytes: RFC 7518, 3.2, for HS256
)

// Gate tells who calls.
type Gate struct {
	config Config
	roles  map[string]Role
	keys   jwt.Keyfunc
	parser *jwt.Parser

	revoked revocations
}

// Check tells what is wrong with a configuration. It asks nobody.
func (c Config) Check() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if c.JWKS != "" {
		if err := checkURL(c.JWKS); err != nil || c.Secret != "" || c.PublicKey != "" {
			return errors.Join(err, c.one())
		}
		return nil
	}
	_, err := NewGate(ctx, c)
	return err
}

// one sees that there is one key.
func (c Config) one() error {
	given := 0
	for _, s := range []string{c.Secret, c.PublicKey, c.JWKS} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return errors.New("auth: give one of secret, public_key and jwks")
	}
	return nil
}

func checkURL(address string) error {
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return fmt.Errorf("auth.jwks: %q is no address: write it as https://host/path", address)
	}
	return nil
}

// NewGate checks the configuration. A key set is fetched now and again until ctx ends; one that cannot be had is tried again.
func NewGate(ctx context.Context, c Config) (*Gate, error) {
	if err := c.one(); err != nil {
		return nil, err
	}
	c.setDefaults()
	g := &Gate{config: c}
	var err error
	if g.roles, err = roles(c.Roles); err != nil {
		return nil, err
	}
	var usual []string
	if g.keys, usual, err = keys(ctx, &c); err != nil {
		return nil, err
	}
	if len(c.Algorithms) == 0 {
		g.config.Algorithms = usual[:1]
		if c.JWKS != "" {
			g.config.Algorithms = usual
		}
	}
	for _, a := range c.Algorithms {
		if !slices.Contains(usual, a) {
			return nil, fmt.Errorf("auth.algorithms: %q does not go with this key: there are %s", a, strings.Join(usual, ", "))
		}
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(g.config.Algorithms), jwt.WithLeeway(c.Leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithJSONNumber(),
	}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	g.parser = jwt.NewParser(options...)
	return g, nil
}

func (c *Config) setDefaults() {
	if c.Leeway <= 0 {
		c.Leeway = defaultLeeway
	}
	if c.Cookie == "" {
		c.Cookie = "rxvigil_token"
	}
	if c.Claims.Tenant == "" {
		c.Claims.Tenant = "tenant_id"
	}
	if c.Claims.Branch == "" {
		c.Claims.Branch = "branch_id"
	}
	if len(c.Claims.Role) == 0 {
		c.Claims.Role = []string{"role", "roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}
	}
}

// keys gives what checks signatures, and the algorithms that go with it, the usual one first. A key is only ever used with the
// algorithms of its own kind: a public key is no secret, so nothing signed with its text as a secret is believed.
func keys(ctx context.Context, c *Config) (jwt.Keyfunc, []string, error) {
	switch {
	case c.Secret != "":
		if len(c.Secret) < leastSecret {
			return nil, nil, fmt.Errorf("auth.secret has %d bytes: it needs %d, such as openssl rand -base64 32 makes", len(c.Secret), leastSecret)
		}
		if strings.Contains(c.Secret, "-----BEGIN") {
			return nil, nil, errors.New("auth.secret is a key in PEM: give a public key as public_key, and a private key to nobody")
		}
		return only([]byte(c.Secret)), []string{"HS256", "HS384", "HS512"}, nil
	case c.PublicKey != "":
		key, usual, err := publicKey(c.PublicKey)
		return only(key), usual, err
	}
	if err := checkURL(c.JWKS); err != nil {
		return nil, nil, err
	}
	set, err := keyfunc.NewDefaultCtx(ctx, []string{c.JWKS}) // one that cannot be fetched now is asked again
	if err != nil {
		return nil, nil, fmt.Errorf("auth.jwks: %w", err)
	}
	return set.Keyfunc, []string{"RS256", "ES256", "EdDSA", "RS384", "RS512", "PS256", "PS384", "PS512", "ES384", "ES512"}, nil
}

func only(key any) jwt.Keyfunc { return func(*jwt.Token) (any, error) { return key, nil } }

func publicKey(text string) (crypto.PublicKey, []string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, nil, errors.New("auth.public_key is no PEM: it begins with -----BEGIN PUBLIC KEY-----, and may be given as file:key.pem")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if cert, certErr := x509.ParseCertificate(block.Bytes); err != nil && certErr == nil {
		key, err = cert.PublicKey, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("auth.public_key: %w", err)
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k, []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, nil
	case *ecdsa.PublicKey:
		return k, []string{fmt.Sprintf("ES%d", map[int]int{256: 256, 384: 384, 521: 512}[k.Curve.Params().BitSize])}, nil
	case ed25519.PublicKey:
		return k, []string{"EdDSA"}, nil
	}
	return nil, nil, fmt.Errorf("auth.public_key is of a kind that signs no tokens (%T)", key)
}

// Cookie is the name of the cookie that may carry the token.
func (g *Gate) Cookie() string { return g.config.Cookie }

// Refusal is why somebody is not let in. Reason is one of a few words, for a metric; Detail is for the caller.
type Refusal struct {
	Reason string
	Detail string
}

// Error implements error.
func (r Refusal) Error() string { return r.Detail }

// Admit tells whose token it is, or gives a Refusal.
func (g *Gate) Admit(token string) (Caller, error) {
	switch {
	case token == "":
		return Caller{}, Refusal{"missing", "a token is needed: send Authorization: Bearer …"}
	case len(token) > maxToken:
		return Caller{}, Refusal{"oversized", "a token may have 8 kB"}
	}
	claims := jwt.MapClaims{}
	if _, err := g.parser.ParseWithClaims(token, claims, g.keys); err != nil {
		return Caller{}, refusal(err)
	}
	c, err := g.caller(claims)
	if err == nil && g.revoked.covers(&c) {
		return Caller{}, Refusal{"revoked", "the token was taken back: sign in again"}
	}
	return c, err
}

// refusal sorts the parser's errors. What the caller is told does not depend on the key.
func refusal(err error) Refusal {
	for _, known := range []struct {
		err  error
		says Refusal
	}{
		{jwt.ErrTokenMalformed, Refusal{"malformed", "this is no JSON Web Token"}},
		{jwt.ErrTokenSignatureInvalid, Refusal{"signature", "the token's signature or algorithm is not one that we accept"}},
		{jwt.ErrTokenUnverifiable, Refusal{"key", "no key that we know can check the token"}},
		{jwt.ErrTokenRequiredClaimMissing, Refusal{"claims", "the token lacks a claim that is needed: exp, and iss and aud where they are configured"}},
		{jwt.ErrTokenInvalidAudience, Refusal{"audience", "the token is for another audience"}},
		{jwt.ErrTokenInvalidIssuer, Refusal{"issuer", "the token is another issuer's"}},
		{jwt.ErrTokenExpired, Refusal{"expired", "the token has expired"}},
		{jwt.ErrTokenNotValidYet, Refusal{"future", "the token is not valid yet"}},
		{jwt.ErrTokenUsedBeforeIssued, Refusal{"future", "the token was issued in the future"}},
	} {
		if errors.Is(err, known.err) {
			return known.says
		}
	}
	return Refusal{"claims", "the token's claims are not of the types that they must have"}
}
