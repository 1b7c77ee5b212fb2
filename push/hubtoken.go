package push

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// tokenLife is how long a negotiated connection may take to be opened.
const tokenLife = 30 * time.Second

// Lengths of the parts of a connection token: what is signed, and the signature.
const (
	tokenNonce  = 16
	tokenSigned = tokenNonce + 8 + 1
	tokenMAC    = 16
)

// tokens makes and reads connection tokens. A token says itself what was negotiated, so any node that has the key accepts a
// connection that another one negotiated; and as nothing is kept for it, negotiating costs nothing that could be used up.
type tokens struct {
	key []byte

	mu    sync.Mutex
	spent map[string]time.Time // tokens that were used, until they have expired: each opens one connection
	swept time.Time
}

// negotiated is what a connection token says.
type negotiated struct {
	id       string // public, unlike the token
	stateful bool   // the connection may be resumed
	expires  time.Time
}

func newTokens(key []byte) *tokens { return &tokens{key: key, spent: map[string]time.Time{}} }

// issue makes a token for a hub. What it was negotiated for (the hub and whoever asked) is signed but not told.
func (t *tokens) issue(purpose string, stateful bool, now time.Time) (token string, n negotiated) {
	b := make([]byte, tokenSigned, tokenSigned+tokenMAC)
	_, _ = rand.Read(b[:tokenNonce]) // never fails
	n = negotiated{stateful: stateful, expires: now.Add(tokenLife)}
	binary.BigEndian.PutUint64(b[tokenNonce:], uint64(n.expires.UnixMilli()))
	if stateful {
		b[tokenSigned-1] = 1
	}
	n.id = t.publicID(b)
	return base64.RawURLEncoding.EncodeToString(append(b, t.mac(purpose, b)...)), n
}

// read gives what a token says, expired or not; false when it is none of ours for that purpose.
func (t *tokens) read(purpose, token string) (negotiated, bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenSigned+tokenMAC {
		return negotiated{}, false
	}
	signed := b[:tokenSigned]
	if !hmac.Equal(b[tokenSigned:], t.mac(purpose, signed)) {
		return negotiated{}, false
	}
	return negotiated{
		id: t.publicID(signed), stateful: signed[tokenSigned-1] == 1,
		expires: time.UnixMilli(int64(binary.BigEndian.Uint64(signed[tokenNonce:]))),
	}, true
}

// spend uses a token up; false when it was used before or has expired.
func (t *tokens) spend(n negotiated, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.swept) > tokenLife {
		t.swept = now
		for id, expires := range t.spent {
			if now.After(expires) {
				delete(t.spent, id)
			}
		}
	}
	if _, used := t.spent[n.id]; used || now.After(n.expires) {
		return false
	}
	t.spent[n.id] = n.expires
	return true
}

func (t *tokens) mac(purpose string, signed []byte) []byte {
	return t.sum("connection\x00"+purpose+"\x00", signed)[:tokenMAC]
}

// publicID names the connection without giving its token away.
func (t *tokens) publicID(signed []byte) string {
	return base64.RawURLEncoding.EncodeToString(t.sum("id\x00", signed)[:tokenNonce])
}

func (t *tokens) sum(label string, b []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write([]byte(label))
	h.Write(b)
	return h.Sum(nil)
}
