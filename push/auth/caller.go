package auth

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rxvigil/rxvigil"
)

// Role is what one role may see and where.
type Role struct {
	Topics      []rxvigil.Topic `yaml:"topics"`
	Engine      bool            `yaml:"engine"`       // alerts about the engine itself, and its health
	EveryBranch bool            `yaml:"every_branch"` // every branch of the tenant, whatever branches the token names
	AnyTenant   bool            `yaml:"any_tenant"`   // every tenant, by its name in the URL
}

// DefaultRoles is the table of CONTRACTS 8.
func DefaultRoles() map[string]Role {
	const (
		n, i, p = rxvigil.Notifications, rxvigil.Inventory, rxvigil.Prescriptions
		s       = rxvigil.Sales
	)
	return map[string]Role{
		"super_admin": {Topics: rxvigil.Topics(), Engine: true, EveryBranch: true, AnyTenant: true},
		"admin":       {Topics: rxvigil.Topics(), Engine: true, EveryBranch: true},
		"pharmacist":  {Topics: []rxvigil.Topic{n, i, p}},
		"cashier":     {Topics: []rxvigil.Topic{n, s}},
		"operations":  {Topics: []rxvigil.Topic{n}, Engine: true, EveryBranch: true},
	}
}

// roles lays a configuration's roles over the usual ones, by their canonical names.
func roles(over map[string]Role) (map[string]Role, error) {
	all := map[string]Role{}
	for name, role := range DefaultRoles() {
		all[canonical(name)] = role
	}
	for _, name := range slices.Sorted(maps.Keys(over)) {
		role := over[name]
		for _, topic := range role.Topics {
			if !slices.Contains(rxvigil.Topics(), topic) {
				return nil, fmt.Errorf("auth.roles.%s: %q is none of %v", name, topic, rxvigil.Topics())
			}
		}
		all[canonical(name)] = role
	}
	return all, nil
}

// canonical makes names of one role equal: case, _, - and spaces do not count.
func canonical(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "").Replace(name))
}

// Caller is who calls, and what they may see: what all their roles grant together.
type Caller struct {
	User     string // sub, or what else names the person
	TokenID  string // jti
	Role     string // the first role that is known, by its canonical name
	Tenant   string // id or subdomain; empty only where AnyTenant
	Branches []rxvigil.Branch
	Grant    Role
	Issued   time.Time // iat; zero: the token does not say
	Expires  time.Time
}

// caller reads the claims.
func (g *Gate) caller(claims jwt.MapClaims) (Caller, error) {
	c := Caller{User: first(claims, "sub", "email", "name"), TokenID: first(claims, "jti"), Tenant: first(claims, g.config.Claims.Tenant)}
	if exp, err := claims.GetExpirationTime(); err == nil && exp != nil {
		c.Expires = exp.Time
	}
	if iat, err := claims.GetIssuedAt(); err == nil && iat != nil {
		c.Issued = iat.Time
	}
	var named []string
	for _, claim := range g.config.Claims.Role {
		named = append(named, texts(claims[claim])...)
	}
	for _, name := range named {
		role, ok := g.roles[canonical(name)]
		if !ok {
			continue
		}
		if c.Role == "" {
			c.Role = canonical(name)
		}
		c.Grant = c.Grant.and(role)
	}
	if c.Role == "" {
		return Caller{}, Refusal{"role", "the token names no role that is known here"}
	}
	for _, b := range texts(claims[g.config.Claims.Branch]) {
		c.Branches = append(c.Branches, rxvigil.Branch(b))
	}
	if c.Tenant == "" && !c.Grant.AnyTenant {
		return Caller{}, Refusal{"tenant", "the token names no tenant: claim " + g.config.Claims.Tenant}
	}
	if len(c.Branches) == 0 && !c.Grant.EveryBranch {
		return Caller{}, Refusal{"branch", "the token names no branch, and its role does not span them: claim " + g.config.Claims.Branch}
	}
	return c, nil
}

// As is the caller in another role; false where nobody knows that one.
func (g *Gate) As(c Caller, role string) (Caller, bool) {
	grant, ok := g.roles[canonical(role)]
	c.Role, c.Grant = canonical(role), grant
	return c, ok
}

func (r Role) and(other Role) Role {
	for _, t := range other.Topics {
		if !slices.Contains(r.Topics, t) {
			r.Topics = append(slices.Clone(r.Topics), t)
		}
	}
	r.Engine, r.EveryBranch, r.AnyTenant = r.Engine || other.Engine, r.EveryBranch || other.EveryBranch, r.AnyTenant || other.AnyTenant
	return r
}

// first is the first claim that has a text.
func first(claims jwt.MapClaims, names ...string) string {
	for _, name := range names {
		if all := texts(claims[name]); len(all) > 0 {
			return all[0]
		}
	}
	return ""
}

// texts reads a claim that is one text or number, or a list of them.
func texts(claim any) (out []string) {
	switch v := claim.(type) {
	case string:
		if v != "" {
			out = append(out, v)
		}
	case json.Number:
		out = append(out, v.String())
	case []any:
		for _, one := range v {
			if _, list := one.([]any); !list {
				out = append(out, texts(one)...)
			}
		}
	}
	return out
}

// Sign makes a token that Admit accepts, for trying things; only with a shared secret.
func (g *Gate) Sign(c Caller, life time.Duration, now time.Time) (string, error) {
	if g.config.Secret == "" {
		return "", fmt.Errorf("auth has no secret to sign with: whoever has the private key signs the tokens")
	}
	claims := jwt.MapClaims{"sub": c.User, g.config.Claims.Role[0]: c.Role, "iat": now.Unix(), "exp": now.Add(life).Unix()}
	if c.TokenID != "" {
		claims["jti"] = c.TokenID
	}
	if c.Tenant != "" {
		claims[g.config.Claims.Tenant] = c.Tenant
	}
	if len(c.Branches) > 0 {
		claims[g.config.Claims.Branch] = c.Branches
	}
	if g.config.Issuer != "" {
		claims["iss"] = g.config.Issuer
	}
	if g.config.Audience != "" {
		claims["aud"] = g.config.Audience
	}
	token, err := jwt.NewWithClaims(jwt.GetSigningMethod(g.config.Algorithms[0]), claims).SignedString([]byte(g.config.Secret))
	if err != nil {
		return "", err
	}
	if _, err := g.Admit(token); err != nil {
		return "", err
	}
	return token, nil
}
