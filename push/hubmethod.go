package push

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil/push/signalr"
)

// invoke carries out what a client asks of its hub; the feed answers. Names are compared without case, as .NET's hubs do.
func (n *hubSession) invoke(ctx context.Context, m signalr.Message) func(*feed) error {
	var err error
	switch strings.ToLower(m.Target) {
	case "ping":
		return n.reply(m, argument[json.RawMessage](m, 0, &err), "")
	case "jointenantgroup", "joinrolegroup":
		return n.reply(m, nil, "") // in effect since the connection began: the token says who is told what
	case "resume":
		if after := argument[string](m, 0, &err); err == nil {
			return n.subscribe(m, hubFilter{After: after})
		}
	case "subscribe":
		if f := argument[hubFilter](m, 0, &err); err == nil {
			return n.subscribe(m, f)
		}
	case "acknowledge":
		alert, note := argument[string](m, 0, &err), argument[string](m, 1, &err)
		if err == nil {
			return n.command(ctx, m, Acknowledge, alert, actionBody{Note: note})
		}
	case "snooze":
		alert, until := argument[string](m, 0, &err), argument[string](m, 1, &err)
		if err == nil {
			return n.command(ctx, m, Snooze, alert, snoozeBody(until))
		}
	default:
		return n.reply(m, nil, fmt.Sprintf("Unknown hub method '%.60s'", m.Target)) // .NET's words, which clients look for
	}
	return n.reply(m, nil, err.Error())
}

// argument reads one argument; a missing one is the zero value. The first error stays.
func argument[T any](m signalr.Message, i int, err *error) (v T) {
	if i < len(m.Arguments) && *err == nil {
		if json.Unmarshal(m.Arguments[i], &v) != nil {
			*err = fmt.Errorf("argument %d of %.60s is not of the type that it takes", i+1, m.Target)
		}
	}
	return v
}

// hubFilter is what Subscribe takes. Without topics: those of the hub.
type hubFilter struct {
	Topics []string `json:"topics"`
	Types  []string `json:"types"`
	Branch string   `json:"branch"`
	After  string   `json:"after"`
}

// position is the answer to Resume and Subscribe. Cursor is nil when after cannot be resumed from: a Resync follows.
type position struct {
	Cursor  *string `json:"cursor"`
	Resumed bool    `json:"resumed"`
}

// subscribe sets the filter. With after the connection goes on from there, and what was told since is told again; else from
// where it stands.
func (n *hubSession) subscribe(m signalr.Message, asked hubFilter) func(*feed) error {
	h, filter, err := n.hub.narrowed(asked.Topics, asked.Types, asked.Branch)
	who := n.feed.standing.rights()
	if err == nil {
		err = h.within(who, filter)
	}
	if err != nil {
		return n.reply(m, nil, err.Error())
	}
	filter.standing = n.feed.standing
	return func(f *feed) error {
		if asked.After != "" {
			f.cursor = n.server.Log.open(n.tenant.ID, filter, asked.After)
		}
		f.cursor.filter, n.wire.topics, n.wire.fluent = filter, h.topics, true
		p := position{Resumed: asked.After != "" && f.cursor.broken == ""}
		if f.cursor.broken == "" {
			p.Cursor = text(f.cursor.pos)
		}
		return n.reply(m, p, "")(f)
	}
}

// snoozeBody takes an instant or, as on the other transports, a duration such as 8h.
func snoozeBody(until string) actionBody {
	if _, err := span(until); err == nil {
		return actionBody{For: until}
	}
	return actionBody{Until: until}
}

// command carries out what a person does to an alert, and is answered as the REST route is.
func (n *hubSession) command(ctx context.Context, m signalr.Message, v Verb, alert string, body actionBody) func(*feed) error {
	a, err := newAction(v, alert, body, time.Now())
	if err != nil {
		return n.reply(m, nil, err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, readBack)
	defer cancel()
	o, err := n.server.actAs(ctx, n.tenant.ID, n.feed.standing.rights(), a)
	if err != nil {
		p := n.server.problemOf(err)
		return n.reply(m, nil, strings.TrimSuffix(p.Title+": "+p.Detail, ": "))
	}
	_, answer := o.answer()
	return n.reply(m, answer, "")
}
