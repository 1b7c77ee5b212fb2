package push

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/rxvigil/rxvigil"
)

// customBody is one event as a user sends it.
type customBody struct {
	Type   string          `json:"type"`
	Branch string          `json:"branch"`
	Data   json.RawMessage `json:"data"`
}

// eventsBody is one event, or several that are one transaction.
type eventsBody struct {
	customBody
	Events []customBody `json:"events"`
}

// events answers POST …/events.
func (s *Server) events(c call) (int, any, error) {
	var body eventsBody
	if err := decode(c.Body, &body); err != nil {
		return 0, nil, err
	}
	events, err := body.checked()
	if err == nil {
		err = c.who.mayEmit()
	}
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), readBack)
	defer cancel()
	o, err := s.Commander.Emit(ctx, c.tenant.ID, events)
	if err != nil {
		return 0, nil, err
	}
	status, answer := o.answer()
	return status, answer, nil
}

func (b eventsBody) checked() ([]CustomEvent, error) {
	all := b.Events
	switch {
	case all == nil:
		all = []customBody{b.customBody}
	case b.Type != "" || b.Branch != "" || b.Data != nil:
		return nil, bad("either one event, or events")
	case len(all) == 0:
		return nil, bad("events is empty")
	}
	out := make([]CustomEvent, len(all))
	for i, e := range all {
		var err error
		if out[i], err = e.checked(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b customBody) checked() (CustomEvent, error) {
	e := CustomEvent{Type: rxvigil.EventType(b.Type), Branch: rxvigil.Branch(b.Branch)}
	if !typeName.MatchString(b.Type) {
		return e, bad("type %.40q does not match %s", b.Type, typeName)
	}
	if builtIn(e.Type) {
		return e, bad("type %q is built in: only the app's own rows make it", b.Type)
	}
	var data bytes.Buffer
	if err := json.Compact(&data, b.Data); err != nil || data.Len() == 0 || data.Bytes()[0] != '{' {
		return e, bad("data of %q is not a JSON object", b.Type)
	}
	e.Data = data.Bytes()
	return e, nil
}

// builtIn tells whether a user may not send events of this type: those that the engine makes, and names that frames of ours
// carry. A notification is the user's to send.
func builtIn(t rxvigil.EventType) bool {
	switch t {
	case rxvigil.AlertRaised, rxvigil.AlertChanged, rxvigil.AlertAcknowledged, rxvigil.AlertSnoozed, rxvigil.AlertResolved, rxvigil.Resync,
		"connection_established", "heartbeat", "stale", "fresh", "bye", "expiring", "error", "open", "message":
		return true
	}
	return t.Topic() != rxvigil.Notifications
}

// mayEmit is why a caller may not send events: what one sends everybody of the tenant may hear, so it takes every right in the tenant.
func (r *rights) mayEmit() error {
	if r == nil || r.may&forAll != 0 && r.Grant.EveryBranch {
		return nil
	}
	return forbidden("only a role that is granted every topic and branch may send events")
}
