// Package signalr is the JSON form of Microsoft's SignalR hub protocol, as its JavaScript client speaks it: what a client says is
// parsed, what we say is appended to a buffer. It is pure; carriers, hubs and their methods are push's business.
//
// The wire is told in dotnet/aspnetcore, src/SignalR/docs/specs/HubProtocol.md. Where the published client and that page
// disagree the client is right, and the function says so.
package signalr

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Type says what a message is.
type Type int

// The types.
const (
	Invocation       Type = 1
	StreamItem       Type = 2
	Completion       Type = 3
	StreamInvocation Type = 4
	CancelInvocation Type = 5
	Ping             Type = 6
	Close            Type = 7
	Ack              Type = 8
	Sequence         Type = 9
)

// Counted tells whether messages of this type have a number of their own on a connection that is resumed (stateful reconnect):
// they are kept until acknowledged, and dropped when they come twice. Pings and the like are not.
func (t Type) Counted() bool { return t >= Invocation && t <= CancelInvocation }

// Message is one message of a client. Which fields mean anything is told by Type.
type Message struct {
	Type         Type
	InvocationID string // empty: no answer is wanted
	Target       string
	Arguments    []json.RawMessage
	Error        string
	SequenceID   int64
}

// wireMessage is a message as it comes. Pointers tell what is missing from what is empty.
type wireMessage struct {
	Type         *int              `json:"type"`
	InvocationID *string           `json:"invocationId"`
	Target       string            `json:"target"`
	Arguments    []json.RawMessage `json:"arguments"`
	Error        string            `json:"error"`
	SequenceID   *int64            `json:"sequenceId"`
}

// errNotMessage is why a record cannot be read. It carries nothing of what the client sent.
var errNotMessage = errors.New("a record is not a hub message")

// Parse reads one record. A type that nobody knows yet is no error: it is to be ignored, and so are properties nobody knows.
func Parse(record []byte) (Message, error) {
	var w wireMessage
	if !utf8.Valid(record) || json.Unmarshal(record, &w) != nil || w.Type == nil {
		return Message{}, errNotMessage
	}
	m := Message{Type: Type(*w.Type), Target: w.Target, Arguments: w.Arguments, Error: w.Error}
	if w.InvocationID != nil {
		m.InvocationID = *w.InvocationID
	}
	if w.SequenceID != nil {
		m.SequenceID = *w.SequenceID
	}
	return m, w.check(m)
}

// check holds a message to what its type needs.
func (w *wireMessage) check(m Message) error {
	missing := func(field string) error { return fmt.Errorf("a message of type %d lacks %s", m.Type, field) }
	switch m.Type {
	case Invocation:
		if m.Target == "" {
			return missing("target")
		}
	case StreamInvocation:
		if m.Target == "" || m.InvocationID == "" {
			return missing("target or invocationId")
		}
	case StreamItem, Completion, CancelInvocation:
		if m.InvocationID == "" {
			return missing("invocationId")
		}
	case Ack, Sequence:
		if w.SequenceID == nil || m.SequenceID < 0 {
			return missing("sequenceId")
		}
	}
	return nil
}
