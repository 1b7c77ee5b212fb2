package push

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/rxvigil/rxvigil"
)

// request is what a client says over a WebSocket. ID is the client's own and comes back with the answer.
type request struct {
	Op string `json:"op"`
	ID string `json:"id"`

	Topics []string `json:"topics"` // subscribe
	Types  []string `json:"types"`
	Branch string   `json:"branch"`
	After  string   `json:"after"`

	Alert string `json:"alert"` // acknowledge, snooze, unsnooze
	Note  string `json:"note"`
	By    string `json:"by"`
	Until string `json:"until"`
	For   string `json:"for"`

	Token string `json:"token"` // token
}

// parseRequest reads one message; its error is a closing one.
func parseRequest(b []byte) (request, error) {
	var q request
	if !utf8.Valid(b) || !json.Valid(b) {
		return q, closing{websocket.StatusInvalidFramePayloadData, "not JSON"}
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, closing{websocket.StatusPolicyViolation, "not an object of known fields with an op"}
	}
	switch q.Op {
	case "subscribe", "unsubscribe", "acknowledge", "snooze", "unsnooze", "ping", "token":
		return q, nil
	}
	return q, closing{websocket.StatusPolicyViolation, "unknown op"}
}

// answer is what a request gets: ok, pong or error.
type answer struct {
	Op        string         `json:"op"`
	ID        string         `json:"id,omitempty"`
	Cursor    *string        `json:"cursor,omitempty"`
	Resumed   *bool          `json:"resumed,omitempty"`
	Applied   *bool          `json:"applied,omitempty"`
	Alert     *rxvigil.Alert `json:"alert,omitempty"`
	Operation string         `json:"operation,omitempty"`
	Type      string         `json:"type,omitempty"`
	Title     string         `json:"title,omitempty"`
	Detail    string         `json:"detail,omitempty"`
}

// wsReader reads what one client says, and has the feed answer. A command to the engine is waited for here, so that the
// stream goes on meanwhile and a client's commands stay in order.
type wsReader struct {
	server *Server
	tenant Tenant
	wire   *wsWire
	ops    chan<- func(*feed) error
	born   time.Time

	standing *standing
}

// run reads until the client is gone, says rubbish, or the feed has ended.
func (r *wsReader) run(ctx context.Context) {
	for {
		b, err := r.wire.read(context.Background()) // ended by the feed, which closes the connection
		var q request
		if err == nil {
			err = aside(func() (err error) { q, err = parseRequest(b); return err })
		}
		var c closing
		if errors.As(err, &c) {
			r.do(ctx, func(f *feed) error { return r.refuse(f, q.ID, c) })
			<-ctx.Done()
			return
		}
		if err != nil || !r.do(ctx, r.understand(ctx, q)) {
			return
		}
	}
}

// do hands something to the feed; false when the feed has ended.
func (r *wsReader) do(ctx context.Context, what func(*feed) error) bool {
	select {
	case r.ops <- what:
		return true
	case <-ctx.Done():
		return false
	}
}

// refuse says why and ends the connection.
func (r *wsReader) refuse(f *feed, id string, c closing) error {
	r.server.metrics.bad.WithLabelValues("frame").Inc()
	r.wire.send(mustJSON(failure(id, problemBadRequest.with(c.reason))))
	if err := f.flush(); err != nil {
		return err
	}
	return c
}

func failure(id string, p problem) answer {
	return answer{Op: "error", ID: id, Type: p.Type, Title: p.Title, Detail: p.Detail}
}

func (r *wsReader) understand(ctx context.Context, q request) func(*feed) error {
	switch q.Op {
	case "subscribe":
		return r.subscribe(q)
	case "unsubscribe":
		return r.unsubscribe(q)
	case "ping":
		return r.say(answer{Op: "pong", ID: q.ID})
	case "token":
		return r.renew(q)
	}
	return r.say(r.command(ctx, q))
}

func (r *wsReader) say(a answer) func(*feed) error {
	return func(*feed) error {
		r.wire.send(mustJSON(a))
		return nil
	}
}

// subscribe sets the filter. With after it starts there; the first without it starts at the head, a later one goes on where
// the connection stands. Cursor is nil when after cannot be resumed from: a resync follows.
func (r *wsReader) subscribe(q request) func(*feed) error {
	filter, err := newFilter(q.Topics, q.Types, q.Branch)
	if err != nil {
		return r.say(failure(q.ID, problemBadRequest.with(err.Error())))
	}
	if err := r.standing.rights().limit(filter); err != nil {
		return r.say(failure(q.ID, r.server.problemOf(err)))
	}
	filter.standing = r.standing
	return func(f *feed) error {
		if f.cursor == nil || q.After != "" {
			f.cursor = r.server.Log.open(r.tenant.ID, filter, q.After)
		}
		f.cursor.filter = filter
		a, resumed := answer{Op: "ok", ID: q.ID}, q.After != "" && f.cursor.broken == ""
		if a.Resumed = &resumed; f.cursor.broken == "" {
			a.Cursor = text(f.cursor.pos)
		}
		return r.say(a)(f)
	}
}

// renew takes a new token of the same person in place of the one that ends.
func (r *wsReader) renew(q request) func(*feed) error {
	if p := r.server.renew(r.standing, r.tenant.ID, q.Token); p != nil {
		return r.say(failure(q.ID, *p))
	}
	return r.say(answer{Op: "ok", ID: q.ID})
}

func (r *wsReader) unsubscribe(q request) func(*feed) error {
	return func(f *feed) error {
		a := answer{Op: "ok", ID: q.ID, Cursor: f.complete()}
		f.cursor = nil
		return r.say(a)(f)
	}
}

// command carries out what a person does to an alert.
func (r *wsReader) command(ctx context.Context, q request) answer {
	a, err := newAction(Verb(q.Op), q.Alert, actionBody{Note: q.Note, By: q.By, Until: q.Until, For: q.For}, time.Now())
	if err != nil {
		return failure(q.ID, problemBadRequest.with(err.Error()))
	}
	ctx, cancel := context.WithTimeout(ctx, readBack)
	defer cancel()
	o, err := r.server.actAs(ctx, r.tenant.ID, r.standing.rights(), a)
	if err != nil {
		return failure(q.ID, r.server.problemOf(err))
	}
	if !o.Done {
		return answer{Op: "ok", ID: q.ID, Operation: o.Operation, Cursor: text(o.Cursor)}
	}
	return answer{Op: "ok", ID: q.ID, Applied: &o.Applied, Alert: o.Alert, Cursor: text(o.Cursor)}
}
