package push

import (
	"context"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/signalr"
)

// hubHeartbeat is how often a SignalR connection is told something: its client gives up after 30 s of silence.
const hubHeartbeat = 15 * time.Second

// carrier takes hub messages to one client. send owns b and gives it back; counted says how many of the messages in b have
// a number of their own (see signalr.Type.Counted).
type carrier interface {
	send(b *[]byte, counted int) error
	// alive tells whether anything has been heard of the client lately.
	alive(now time.Time) bool
}

// hubWire spells hub messages. What is told besides events are calls of targets, too, with the frames that other transports have.
type hubWire struct {
	carrier carrier
	topics  []rxvigil.Topic // of the hub, or what of them the client asked for
	polled  bool            // long polling has no pings
	fluent  bool            // the client has called a method of ours, so it may be expected to know our heartbeat

	buf     *[]byte
	counted int
	silent  bool // nothing was heard of the client for too long
}

func (w *hubWire) bytes() *[]byte {
	if w.buf == nil {
		w.buf = buffers.Get().(*[]byte)
	}
	return w.buf
}

func (w *hubWire) call(target string, payload any) {
	b := w.bytes()
	*b = signalr.AppendInvocation(*b, target, mustJSON(payload))
	w.counted++
}

// answer ends an invocation of the client; nothing when it wants no answer.
func (w *hubWire) answer(invocation string, result any, failure string) {
	if invocation == "" {
		return
	}
	b := w.bytes()
	if failure != "" {
		*b = signalr.AppendFailure(*b, invocation, failure)
	} else {
		*b = signalr.AppendResult(*b, invocation, mustJSON(result))
	}
	w.counted++
}

func (w *hubWire) established(e established) { w.call("ConnectionEstablished", e) }
func (w *hubWire) resync(r resync)           { w.call("Resync", r) }

// heartbeat calls Heartbeat where the client is likely to have it: each unknown target is a line of warning in a page's console.
func (w *hubWire) heartbeat(b beat) {
	w.silent = !w.carrier.alive(time.Now())
	switch {
	case w.fluent:
		w.call("Heartbeat", b)
	case !w.polled:
		*w.bytes() = signalr.AppendPing(*w.bytes())
	}
}

func (w *hubWire) sight(s sight) {
	if s.lost {
		w.call("Stale", stale{s.since.UTC(), s.reason})
		return
	}
	w.call("Fresh", fresh{})
}

// expiring is told to those who are likely to know it. Any other client learns it from the end, and comes back with a new token.
func (w *hubWire) expiring(e expiring) {
	if w.fluent {
		w.call("Expiring", e)
	}
}

// bye closes such that the client comes back by itself.
func (w *hubWire) bye(b bye) {
	if w.fluent {
		w.call("Bye", b)
	}
	*w.bytes() = signalr.AppendClose(*w.bytes(), "", true)
}

// batch makes room before each event, not each call: what is told of one event leaves in one write, for a client that has seen one
// call of it resumes behind them all.
func (w *hubWire) batch(b *batch, after rxvigil.Position, f *Filter, room func() error) (n int, err error) {
	var last *Event
	for _, c := range b.calls() {
		if c.event.Pos.Compare(after) <= 0 || !f.admits(c.event) || c.frame != nil && !slices.Contains(w.topics, c.topic) {
			continue
		}
		if c.event != last {
			if err := room(); err != nil {
				return n, err
			}
			n, last = n+1, c.event
		}
		if c.frame == nil {
			w.resync(resyncOf(c.event))
			continue
		}
		*w.bytes() = append(*w.bytes(), c.frame...)
		w.counted++
	}
	return n, nil
}

func (*hubWire) settle(context.Context, time.Time) time.Time { return time.Time{} }

func (w *hubWire) pending() int {
	switch {
	case w.silent:
		return 1
	case w.buf == nil:
		return 0
	}
	return len(*w.buf)
}

func (w *hubWire) flush() error {
	if w.silent {
		return errSilent
	}
	b, counted := w.buf, w.counted
	w.buf, w.counted = nil, 0
	return w.carrier.send(b, counted)
}
