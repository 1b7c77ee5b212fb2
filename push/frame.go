package push

import (
	"encoding/json"
	"net/url"
	"time"

	"github.com/rxvigil/rxvigil"
)

// What a connection is told besides events. On SSE these are the data of an event so named, on WebSocket a frame with that
// op, on the live monitor a message of that type.

// established is the first frame. Cursor is nil when the asked one cannot be resumed from: a resync follows and carries one,
// and a client that loses the connection in between must not take up a cursor it has not earned.
type established struct {
	ConnectionID string  `json:"connectionId"`
	Resumed      bool    `json:"resumed"`
	Cursor       *string `json:"cursor"`
}

// beat is a heartbeat. Cursor is the position up to which this connection is complete; nil before it subscribes to anything.
type beat struct {
	Cursor *string `json:"cursor"`
	Stale  bool    `json:"stale"`
}

// resync says that something may have been missed: fetch the snapshot, then go on from cursor.
type resync struct {
	Reason   string  `json:"reason"`
	Scope    scope   `json:"scope"`
	Snapshot string  `json:"snapshot"`
	Alerts   string  `json:"alerts"`
	Cursor   *string `json:"cursor"`
}

// scope is what must be fetched anew. No topics: all of them. A nil branch: all of them.
type scope struct {
	Tenant rxvigil.Tenant  `json:"tenant"`
	Branch rxvigil.Branch  `json:"branch"`
	Topics []rxvigil.Topic `json:"topics"`
}

func newResync(reason string, s scope, at rxvigil.Position) resync {
	if s.Topics == nil {
		s.Topics = []rxvigil.Topic{}
	}
	if s.Tenant == AllTenants {
		return resync{Reason: reason, Scope: s, Snapshot: "/api/tenants", Alerts: "/api/tenants", Cursor: text(at)}
	}
	base := "/api/tenant/" + url.PathEscape(string(s.Tenant))
	return resync{Reason: reason, Scope: s, Snapshot: base + "/stock", Alerts: base + "/alerts", Cursor: text(at)}
}

// resyncOf is the frame for a resync that stands in the log, in place of a transaction too large to tell.
func resyncOf(e *Event) resync {
	return newResync(TransactionTooLarge, scope{Tenant: e.Tenant, Branch: e.Branch}, e.Pos)
}

// stale says since when the source is out of sight, and why; fresh, that it is seen again, says nothing more.
type stale struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

type fresh struct{}

// expiring says when the connection's token ends, a while before. Then the connection ends, unless a new token comes in time.
type expiring struct {
	At        time.Time `json:"at"`
	ExpiresIn int       `json:"expires_in"` // seconds
}

// bye is the last frame before the server ends.
type bye struct {
	Reason       string `json:"reason"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

// text is a position as frames carry it; nil for none.
func text(p rxvigil.Position) *string {
	if p.IsZero() {
		return nil
	}
	s := p.String()
	return &s
}

// mustJSON is for our own structs, which always marshal.
func mustJSON(v any) []byte {
	return aside(func() []byte {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return b
	})
}

// aside gives what f gives, and has another goroutine ask it. Reflection needs a deep stack, and a goroutine's stays as large as it
// had once to be, on thousands of connections that do nothing.
func aside[T any](f func() T) T {
	done := make(chan T)
	go func() { done <- f() }()
	return <-done
}
