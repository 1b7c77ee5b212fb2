package push

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
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
	Clear  []byte // the same with the values of personal fields; nil where there are none

	who uint32 // the audience, once somebody asked; atomic
}

// NewEvent encodes e. An Archive that stores the envelope fills an Event itself.
func NewEvent(e *rxvigil.Event) *Event {
	n := newEvent(e, oneLine(e.AppendJSON(nil)))
	if e.IsPersonal() {
		n.Clear = oneLine(e.AppendClearJSON(nil))
	}
	return &n
}

// NewEvents encodes events of one transaction. They share their memory, as they are kept and forgotten together.
func NewEvents(events []rxvigil.Event) []*Event {
	scratch := buffers.Get().(*[]byte)
	defer func() { release(scratch) }()
	b, ends := *scratch, make([]int, len(events))
	for i := range events {
		start := len(b)
		b = events[i].AppendJSON(b)
		b = append(b[:start], oneLine(b[start:])...)
		ends[i] = len(b)
	}
	*scratch = b
	all, own, out := bytes.Clone(b), make([]Event, len(events)), make([]*Event, len(events))
	start := 0
	for i, end := range ends {
		own[i] = newEvent(&events[i], all[start:end:end])
		if events[i].IsPersonal() {
			own[i].Clear = oneLine(events[i].AppendClearJSON(nil))
		}
		out[i], start = &own[i], end
	}
	return out
}

func newEvent(e *rxvigil.Event, json []byte) Event {
	return Event{
		Pos: e.Pos, Tenant: e.Tenant, Branch: e.Branch, Topic: e.Type.Topic(), Type: e.Type,
		Last: e.Last, At: e.At, JSON: json,
	}
}

// oneLine takes line breaks out of what a user sent: inside SSE they would end the frame and begin one of the user's own.
func oneLine(b []byte) []byte {
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte{'\r'}, nil), []byte{'\n'}, nil)
	}
	return out.Bytes()
}

// weight is about what an event costs in memory.
func (e *Event) weight() int { return len(e.JSON) + len(e.Clear) + 256 }

// Entry is one source transaction: its events in order of position, of any number of tenants, or none at all.
type Entry struct {
	LSN    uint64
	Events []*Event
}

// batch is one tenant's part of one entry, shared by all who read it.
type batch struct {
	lsn    uint64
	events []*Event

	forms atomic.Pointer[forms] // nil: nobody has asked for any
}

// forms are what a batch is told as, each made once.
type forms struct {
	once     sync.Once // guards messages
	messages []monitorMessage

	hubOnce  sync.Once // guards hubCalls
	hubCalls []hubCall

	cloudOnce   sync.Once // guards cloudEvents
	cloudEvents [][]byte

	clearOnce sync.Once // guards clear
	clear     *batch
}

func (b *batch) made() *forms {
	if f := b.forms.Load(); f != nil {
		return f
	}
	b.forms.CompareAndSwap(nil, &forms{})
	return b.forms.Load()
}

// cleared is the same batch with the values of personal fields: for those who may see them.
func (b *batch) cleared() *batch {
	f := b.made()
	f.clearOnce.Do(func() {
		f.clear = b
		if !slices.ContainsFunc(b.events, func(e *Event) bool { return e.Clear != nil }) {
			return
		}
		f.clear = &batch{lsn: b.lsn, events: slices.Clone(b.events)}
		for i, e := range b.events {
			if e.Clear != nil {
				f.clear.events[i] = &Event{Pos: e.Pos, Tenant: e.Tenant, Branch: e.Branch, Topic: e.Topic, Type: e.Type, Last: e.Last, At: e.At, JSON: e.Clear}
			}
		}
	})
	return f.clear
}

// monitor gives portal B's messages.
func (b *batch) monitor() []monitorMessage {
	f := b.made()
	f.once.Do(func() { f.messages = monitorMessages(b.events) })
	return f.messages
}

// calls gives the calls of SignalR's hubs.
func (b *batch) calls() []hubCall {
	f := b.made()
	f.hubOnce.Do(func() { f.hubCalls = hubCallsOf(b.events) })
	return f.hubCalls
}

// part is what one tenant sees of an entry.
type part struct {
	tenant rxvigil.Tenant
	batch  *batch
}

// splitter groups an entry's events by tenant. Its memory serves one entry after another; its zero value is ready.
type splitter struct {
	parts  []part
	places map[rxvigil.Tenant]int // of each tenant, in parts
	of     []int                  // place of each event's tenant; -1: it has none
	counts []int
}

// split gives the parts of an entry, in the order in which their tenants come, each with its events in order. Events of another
// epoch and those without a tenant are left out: there is nobody they could be told to. It is good until the next split.
func (s *splitter) split(epoch string, e Entry) []part {
	s.parts = s.parts[:0]
	if ofOne(epoch, e) {
		s.parts = append(s.parts, part{e.Events[0].Tenant, &batch{lsn: e.LSN, events: e.Events}})
		return s.parts
	}
	all := make([]*Event, s.count(epoch, e))
	batches := make([]batch, len(s.parts))
	for i, n := range s.counts {
		batches[i].lsn, batches[i].events = e.LSN, all[:0:n]
		s.parts[i].batch, all = &batches[i], all[n:]
	}
	for i, ev := range e.Events {
		if p := s.of[i]; p >= 0 {
			batches[p].events = append(batches[p].events, ev)
		}
	}
	return s.parts
}

// count finds the place of each event, and gives how many have one.
func (s *splitter) count(epoch string, e Entry) (told int) {
	if s.places == nil {
		s.places = map[rxvigil.Tenant]int{}
	}
	clear(s.places)
	s.of, s.counts = s.of[:0], s.counts[:0]
	for _, ev := range e.Events {
		if ev.Tenant == "" || ev.Pos.Epoch != epoch {
			s.of = append(s.of, -1)
			continue
		}
		p, ok := s.places[ev.Tenant]
		if !ok {
			p = len(s.parts)
			s.places[ev.Tenant] = p
			s.parts, s.counts = append(s.parts, part{tenant: ev.Tenant}), append(s.counts, 0)
		}
		s.of = append(s.of, p)
		s.counts[p]++
		told++
	}
	return told
}

// partOf gives what one tenant sees of an entry, or nil.
func partOf(epoch string, e Entry, t rxvigil.Tenant) *batch {
	b := &batch{lsn: e.LSN}
	for _, ev := range e.Events {
		if ev.Tenant == t && ev.Pos.Epoch == epoch {
			b.events = append(b.events, ev)
		}
	}
	if len(b.events) == 0 {
		return nil
	}
	return b
}

// wholeOf gives an entry's events of every tenant, or nil.
func wholeOf(epoch string, e Entry, _ rxvigil.Tenant) *batch {
	b := &batch{lsn: e.LSN}
	for _, ev := range e.Events {
		if ev.Tenant != "" && ev.Pos.Epoch == epoch {
			b.events = append(b.events, ev)
		}
	}
	if len(b.events) == 0 {
		return nil
	}
	return b
}

// ofOne tells whether all events of an entry are told to one and the same tenant, as nearly always.
func ofOne(epoch string, e Entry) bool {
	for _, ev := range e.Events {
		if ev.Tenant == "" || ev.Pos.Epoch != epoch || ev.Tenant != e.Events[0].Tenant {
			return false
		}
	}
	return len(e.Events) > 0
}
