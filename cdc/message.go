package cdc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// messagePrefix marks our logical messages; other prefixes are other people's.
const messagePrefix = "rxvigil"

// MaxMessage is the largest message content, in bytes. What is longer belongs into a table, and the message names it.
const MaxMessage = 64 << 10

// Message is a transactional logical message of ours: the only way into the engine besides the app's own rows. Any role
// may emit messages, so each carries a MAC under the install key.
type Message struct {
	Op     string          `json:"op"` // boot, reread, canary, tick, acknowledge, snooze, unsnooze, event, revoke
	At     time.Time       `json:"at"` // wall clock of whoever emitted it
	ID     string          `json:"id,omitempty"`
	Tenant rxvigil.Tenant  `json:"tenant,omitempty"`
	Branch string          `json:"branch,omitempty"`
	Type   string          `json:"type,omitempty"`  // event: its type
	Data   json.RawMessage `json:"data,omitempty"`  // event: its object
	Alert  string          `json:"alert,omitempty"` // acknowledge, snooze, unsnooze
	Until  *time.Time      `json:"until,omitempty"` // snooze
	Scan   string          `json:"scan,omitempty"`  // tick
	Wall   string          `json:"wall,omitempty"`  // tick: the planned local time
	Row    uint32          `json:"-"`               // its index in the transaction, as delivered
}

// Key is the install key as the two padded blocks of HMAC (RFC 2104), so that SQL can sign with sha256() alone.
type Key struct {
	Inner, Outer []byte // 64 bytes each
}

func (k Key) mac(body []byte) []byte {
	inner := sha256.New()
	inner.Write(k.Inner)
	inner.Write(body)
	outer := sha256.New()
	outer.Write(k.Outer)
	outer.Write(inner.Sum(nil))
	return outer.Sum(nil)
}

// Derive gives a key for another purpose, the same on every node of this installation. A purpose is no JSON, so what is derived
// never seals a message.
func (k Key) Derive(purpose string) []byte { return k.mac([]byte(purpose)) }

// Seal gives a message's content: 64 hex digits of HMAC-SHA256, then the JSON.
func (k Key) Seal(m Message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	if len(body)+2*sha256.Size > MaxMessage {
		return nil, fmt.Errorf("message of %d bytes is longer than %d", len(body), MaxMessage)
	}
	return append([]byte(hex.EncodeToString(k.mac(body))), body...), nil
}

var (
	errForged     = errors.New("message has a wrong MAC")
	errBadMessage = errors.New("message is not readable")
)

// open reads a message's content. A wrong MAC is errForged: somebody else used our prefix.
func (k Key) open(content []byte) (Message, error) {
	const macLen = 2 * sha256.Size
	if len(content) < macLen || len(k.Inner) != sha256.BlockSize || len(k.Outer) != sha256.BlockSize {
		return Message{}, errForged
	}
	given, err := hex.DecodeString(string(content[:macLen]))
	if err != nil || subtle.ConstantTimeCompare(given, k.mac(content[macLen:])) != 1 {
		return Message{}, errForged
	}
	var m Message
	if err := json.Unmarshal(content[macLen:], &m); err != nil {
		return Message{}, errBadMessage
	}
	return m, nil
}

// Querier is a connection, a pool or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const emitSQL = `SELECT pg_logical_emit_message(true, $1, $2::bytea)::text`

// Emit writes messages into the WAL in one statement each, on q, and gives the LSN of the last: a lower bound of the place
// where they will be read back, which is where the transaction of q commits. The source must be a primary.
func (k Key) Emit(ctx context.Context, q Querier, messages ...Message) (uint64, error) {
	var lsn pglogrepl.LSN
	for _, m := range messages {
		content, err := k.Seal(m)
		if err != nil {
			return 0, err
		}
		var text string
		if err := q.QueryRow(ctx, emitSQL, messagePrefix, content).Scan(&text); err != nil {
			return 0, fmt.Errorf("emit %s message: %w", m.Op, err)
		}
		if lsn, err = pglogrepl.ParseLSN(text); err != nil {
			return 0, fmt.Errorf("emit %s message: %w", m.Op, err)
		}
	}
	return uint64(lsn), nil
}
