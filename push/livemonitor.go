package push

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/rxvigil/rxvigil"
)

// liveMonitor answers GET /api/tenant/{tenant}/medicines/live-monitor: the stream that portal B's EventSource reads. Its
// shapes are older than ours and are kept as they were.
func (s *Server) liveMonitor(w http.ResponseWriter, r *http.Request) {
	t, who, ok := s.enter(w, r, func() { writeJSON(w, http.StatusNotFound, map[string]string{"error": "Tenant not found"}) })
	if !ok {
		return
	}
	f := Filter{Topics: []rxvigil.Topic{rxvigil.Inventory, rxvigil.Notifications}}
	if !s.granted(w, who, f) {
		return
	}
	s.serveSSE(w, r, transportMonitor, t, who, f, func(out *sseOut) wire {
		return &monitorWire{sseOut: out, server: s, tenant: t, who: who, due: true}
	})
}

// monitorWire spells unnamed messages of {type, data, timestamp, tenantId}.
type monitorWire struct {
	*sseOut
	server *Server
	tenant Tenant
	who    *rights

	// The aggregates: whether they may have changed, what was told last, and when they may be told again.
	due  bool
	last picture
	next time.Time
}

type monitorFrame struct {
	Type      string         `json:"type"`
	Data      any            `json:"data"`
	Timestamp time.Time      `json:"timestamp"`
	TenantID  rxvigil.Tenant `json:"tenantId"`
}

func (w *monitorWire) say(typ string, id *string, data any) {
	w.control("", id, monitorFrame{typ, data, time.Now().UTC(), w.tenant.ID})
}

func (w *monitorWire) established(e established) {
	w.say("connection_established", e.Cursor, struct {
		established
		TenantID rxvigil.Tenant `json:"tenantId"`
		Message  string         `json:"message"`
	}{e, w.tenant.ID, "Live monitoring of " + w.tenant.Name})
}

func (w *monitorWire) heartbeat(b beat) {
	w.due = true // a day may have passed
	t, _ := w.server.Directory.Tenant(string(w.tenant.ID))
	w.say("heartbeat", b.Cursor, struct {
		Timestamp         time.Time `json:"timestamp"`
		ActiveConnections int       `json:"activeConnections"`
		MedicineCount     int       `json:"medicineCount"`
	}{time.Now().UTC(), w.server.connections.count(w.tenant.ID)[transportMonitor], t.MedicineCount})
}

func (w *monitorWire) resync(r resync) {
	w.due = true
	w.say("resync", r.Cursor, r)
}

func (w *monitorWire) sight(s sight) {
	if s.lost {
		w.say("stale", nil, stale{s.since.UTC(), s.reason})
		return
	}
	w.say("fresh", nil, fresh{})
}

func (w *monitorWire) expiring(e expiring) { w.say("expiring", nil, e) }

func (w *monitorWire) bye(b bye) {
	w.retry(b.RetryAfterMS)
	w.say("bye", nil, b)
}

// batch tells the messages of the whole transaction that end after the position: the same change is the same message
// whoever reads it and wherever it resumes.
func (w *monitorWire) batch(b *batch, after rxvigil.Position, _ *Filter, room func() error) (n int, err error) {
	w.due = true
	messages := b.monitor
	if w.who != nil && !w.who.Grant.EveryBranch { // who sees a part is told of that part alone: one's own messages
		messages = func() []monitorMessage { return monitorMessages(seenBy(w.who, b.events)) }
	}
	for _, m := range messages() {
		if m.pos.Compare(after) <= 0 {
			continue
		}
		if err := room(); err != nil {
			return n, err
		}
		n++
		if m.resync != nil {
			w.resync(*m.resync)
			continue
		}
		*w.bytes() = append(*w.bytes(), m.frame...)
	}
	return n, nil
}

// settle tells the aggregates if they have changed, at most once a second.
func (w *monitorWire) settle(ctx context.Context, now time.Time) time.Time {
	if !w.due {
		return time.Time{}
	}
	if now.Before(w.next) {
		return w.next
	}
	p, err := w.server.aggregates.of(ctx, w.tenant, w.who)
	if err != nil {
		w.server.Logger.Error("open alerts cannot be read", "tenant", w.tenant.ID, "error", err)
		w.next = now.Add(heartbeatEvery)
		return w.next
	}
	w.tell("stock_alert", &w.last.stock, p.stock)
	w.tell("expiry_alert", &w.last.expiry, p.expiry)
	w.due, w.next = false, now.Add(time.Second)
	return time.Time{}
}

func (w *monitorWire) tell(typ string, last *rawJSON, now rawJSON) {
	if !bytes.Equal(*last, now) {
		*last = now
		w.say(typ, nil, now)
	}
}
