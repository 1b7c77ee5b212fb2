package cdc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/rxvigil/rxvigil"
)

// leastHashKey is the least length of the key of hashes, in bytes.
const leastHashKey = 16

// hashed is a text's HMAC-SHA-256, cut to 16 bytes, in hexadecimal. Without the key nobody can try out all telephone numbers.
func hashed(plain convert, key []byte) convert {
	return func(b, text []byte) ([]byte, error) {
		b, err := plain(b, text)
		if err != nil || len(b) == 0 {
			return b, err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write(b)
		return hex.AppendEncode(b[:0], mac.Sum(nil)[:16]), nil
	}
}

// hash checks what is to be hashed. A value from another row would be kept in clear until it is found.
func (r *resolver) hash(path string, e *Expr, t rxvigil.FieldType) {
	switch {
	case !e.Hash:
	case t != rxvigil.TypeText:
		r.fail(path, "hash: is for texts, and this is none", "leave the value out, or put it under extra: as a text")
	case e.Words != nil || e.waits() || e.Const != nil:
		r.fail(path, "hash: is for a column of the row itself", "leave words:, const:, first: and from: out")
	case len(r.hashKey) < leastHashKey:
		r.fail(path, "hash: needs a key that nobody can guess, of 16 characters or more", "set mapping.hash_key to env:NAME or file:PATH, where it is kept")
	}
}
