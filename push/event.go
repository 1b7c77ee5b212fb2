package push

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Event is one event as it is pushed: encoded once by the engine, shared by every connection, immutable once published.
type Event struct {
	Pos    rxvigil.Position
	Tenant rxvigil.Tenant
	Branch rxvigil.Branch // empty: of the tenant as a whole, and told to every branch
	Topic  rxvigil.Topic
	Type   rxvigil.EventType
	Last   bool // the last event of its source transaction
	At     time.Time
	JSON   []byte // the native envelope, one line
}

// NewEvent encodes e. An Archive that stores the envelope fills an Event itself.
func NewEvent(e *rxvigil.Event) *Event {
	return &Event{
		Pos: e.Pos, Tenant: e.Tenant, Branch: e.Branch, Topic: e.Type.Topic(), Type: e.Type,
		Last: e.Last, At: e.At, JSON: oneLine(e.AppendJSON(nil)),
	}
}

// oneLine takes line breaks out of what a user sent: inside SSE they would end the frame and begin one of the user's own.
func oneLine(b []byte) []byte {
	if !bytes.ContainsAny(b, "\r\n") {
		return b
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte{'\r'}, nil), []byte{'\n'}, nil)
	}
	return out.Bytes()
}

// weight is about what an event costs in memory.
func (e *Event) weight() int { return len(e.JSON) + 256 }

// Entry is one source transaction: its events in order of position, of any number of tenants, or none at all.
type Entry struct {
	LSN    uint64
	Events []*Event
}

// batch is one tenant's part of one entry, shared by all who read it.
type batch struct {
	lsn     uint64
	events  []*Event
	monitor func() []monitorMessage // portal B's messages, made once
}

func newBatch(lsn uint64, events []*Event) *batch {
	return &batch{lsn: lsn, events: events, monitor: sync.OnceValue(func() []monitorMessage { return monitorMessages(events) })}
}

// split groups an entry's events by tenant, keeping their order. Events of another epoch and those without a tenant are left
// out: there is nobody they could be told to.
func split(epoch string, e Entry) map[rxvigil.Tenant]*batch {
	byTenant := make(map[rxvigil.Tenant][]*Event, 1)
	for _, ev := range e.Events {
		if ev.Tenant != "" && ev.Pos.Epoch == epoch {
			byTenant[ev.Tenant] = append(byTenant[ev.Tenant], ev)
		}
	}
	batches := make(map[rxvigil.Tenant]*batch, len(byTenant))
	for t, events := range byTenant {
		batches[t] = newBatch(e.LSN, events)
	}
	return batches
}
