package push_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/rxvigil/rxvigil/push/auth"
)

// Clients that cannot send headers have a cookie, a ticket for one use, or the token in the query.
func TestATokenComesByOtherWaysToo(t *testing.T) {
	t.Parallel()
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		token := signed(t, g, "admin", time.Hour)
		b.token = token
		var ticket struct{ Ticket string }
		answer, status, err := b.ask(http.MethodPost, "http://localhost:8080/api/tickets", "")
		if err = errors.Join(err, json.Unmarshal([]byte(answer), &ticket)); err != nil || status != http.StatusCreated {
			t.Fatalf("%d %s, %v", status, answer, err)
		}
		b.token = ""
		const stream = "GET /api/tenant/testpharmacy/stream"
		for _, want := range []int{http.StatusOK, http.StatusUnauthorized} {
			if status, _, _ := b.knock(stream + "?ticket=" + ticket.Ticket); status != want {
				t.Errorf("a ticket: %d, want %d", status, want)
			}
		}
		if status, _, _ := b.knock(stream + "?access_token=" + token); status != http.StatusOK {
			t.Errorf("access_token: %d", status)
		}
		req, err := http.NewRequest(http.MethodGet, "http://localhost:8080/api/tenant/testpharmacy", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: g.Cookie(), Value: token})
		res, err := b.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			t.Errorf("a cookie: %s", res.Status)
		}
		b.token = token
		_, _, h := b.knock("POST /api/session")
		c, err := http.ParseSetCookie(h.Get("Set-Cookie"))
		if err != nil || c.Name != g.Cookie() || c.Value != token || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.MaxAge != 3600 {
			t.Errorf("a session: %v, %v", h, err)
		}
		if _, _, h := b.knock("DELETE /api/session"); !strings.Contains(h.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("the end of a session: %v", h)
		}
	})
}

// Keys of a set may change: one that is new is fetched when a token names it, and one that is gone is believed no more.
func TestKeySetsRotate(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var set string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(w, set)
	}))
	defer server.Close()
	rotate := func(kid string) *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		b64 := base64.RawURLEncoding.EncodeToString
		mu.Lock()
		defer mu.Unlock()
		set = fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":%q,"x":%q,"y":%q}]}`, kid, b64(point[1:33]), b64(point[33:]))
		return key
	}
	tokenOf := func(kid string, key *ecdsa.PrivateKey) string {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"tenant_id": "t", "role": "admin", "exp": time.Now().Add(time.Hour).Unix()})
		token.Header["kid"] = kid
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	first := rotate("k1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g, err := auth.NewGate(ctx, auth.Config{JWKS: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Admit(tokenOf("k1", first)); err != nil {
		t.Errorf("the first key: %v", err)
	}
	second := rotate("k2")
	if _, err := g.Admit(tokenOf("k2", second)); err != nil {
		t.Errorf("the key after it: %v", err)
	}
	var no auth.Refusal
	if _, err := g.Admit(tokenOf("k1", first)); !errors.As(err, &no) || no.Reason != "key" {
		t.Errorf("a key that is gone: %v", err)
	}
	if _, err := g.Admit(tokenOf("k2", first)); !errors.As(err, &no) || no.Reason != "signature" {
		t.Errorf("another key by that name: %v", err)
	}
}
