package push

import (
	"net/http"

	"github.com/rxvigil/rxvigil"
)

// route is a door, with what the API's document says of it: what is served is what is described.
type route struct {
	method, path string
	answer       http.HandlerFunc
	about        string
	query        []parameter
	body         any         // what is sent, as a value of its type; nil: nothing
	gives        map[int]any // answers by status, as values of their types; nil: no JSON
	streams      string      // the content type of an answer that does not end
	open         bool        // nobody is asked who they are
}

type parameter struct{ name, about string }

const tenantPath = "/api/tenant/{tenant}"

func of(name, about string) parameter { return parameter{name, about} }

// table lists the doors that the document describes. The hubs of SignalR have a protocol of their own.
func (s *Server) table() []route {
	ok := func(v any) map[int]any { return map[int]any{http.StatusOK: v} }
	later := func(v any) map[int]any { return map[int]any{http.StatusOK: v, http.StatusAccepted: accepted{}} }
	branch := of("branch", "of this branch alone, by its id")
	lang := of("lang", "the language of the sentences of open alerts, such as am or fr; default: the tenant's")
	paging := []parameter{of("limit", "items a page: 1 to 200, default 100"), of("after", "the key that the page before gave as next")}
	follow := []parameter{
		of("topics", "only these, with commas between: inventory, sales, prescriptions, patients, notifications"), of("types", "only these types of events"), branch,
		of("after", "begin behind this cursor, or with all that the log still has: earliest; default: now. Last-Event-ID wins"), of("format", "native (the default) or cloudevents"), of("access_token", "the token, where no header can be sent"), of("ticket", "a ticket, likewise"),
		of("source", "with * for every tenant, where there are several sources: which"),
	}
	stream := func(path, about, typ string, answer http.HandlerFunc, query []parameter) route {
		return route{method: "GET", path: tenantPath + path, about: about, answer: answer, query: query, streams: typ}
	}
	desk := func(method, path, about string, answer func(call) (int, any, error), gives map[int]any, body any, query ...parameter) route {
		return route{method: method, path: tenantPath + path, about: about, answer: s.desk(answer), gives: gives, body: body, query: query}
	}
	return []route{
		{method: "GET", path: "/healthz", about: "The process is alive.", answer: s.healthz, gives: ok(aliveness{}), open: true},
		{method: "GET", path: "/readyz", about: "Whether alerts are true, and why not.", answer: s.readyz, gives: map[int]any{200: readiness{}, 503: readiness{}}, open: true},
		{method: "GET", path: "/metrics", about: "Metrics for Prometheus.", answer: s.metrics.handler.ServeHTTP, open: true},
		{method: "GET", path: "/api/openapi.json", about: "This document.", answer: s.openAPI, open: true},
		{method: "GET", path: "/api/asyncapi.json", about: "What streams tell, as AsyncAPI 3.", answer: s.asyncAPI, open: true},
		{method: "GET", path: "/api/tenants", about: "The tenants that the caller may see.", answer: s.tenants, gives: ok(page[Tenant]{})},
		{method: "POST", path: "/api/tickets", about: "A ticket for one use within 30 s, as ?ticket= of a stream.", answer: s.newTicket, gives: map[int]any{201: ticketBody{}}},
		{method: "POST", path: "/api/session", about: "The token of the request as a cookie that no script can read.", answer: s.beginSession, gives: map[int]any{204: nil}},
		{method: "DELETE", path: "/api/session", about: "The end of that cookie.", answer: s.endSession, gives: map[int]any{204: nil}, open: true},

		desk("GET", "", "One tenant, by id or subdomain.", s.tenant, ok(Tenant{}), nil),
		stream("/stream", "Events as they are committed, as server-sent events: event is the type, id the cursor, data the envelope.", "text/event-stream", s.stream, follow),
		stream("/ws", "The same on a WebSocket, subprotocol rxvigil.v1; see the AsyncAPI document.", "", s.websocket, follow[4:]),
		stream("/medicines/live-monitor", "The stream that portal B reads.", "text/event-stream", s.liveMonitor, follow[3:]),
		desk("GET", "/alerts", "Alerts, gravest and newest first.", s.alerts, ok(page[rxvigil.Alert]{}), nil, append(paging,
			of("status", "open (the default), all, pending, firing, acknowledged, snoozed or resolved"), of("severity", "info, warning, high or critical"), of("rule", "of this rule alone"), branch, lang)...),
		desk("GET", "/alerts/{id}", "One alert with its history.", s.alert, ok(alertBody{}), nil, lang),
		desk("POST", "/alerts/{id}/acknowledge", "Somebody has seen it. Repeating is harmless.", s.acknowledge, later(applied{}), actionBody{}),
		desk("POST", "/alerts/{id}/snooze", "Not to be told for a while.", s.snooze, later(applied{}), actionBody{}),
		desk("POST", "/alerts/{id}/unsnooze", "To be told again.", s.unsnooze, later(applied{}), actionBody{}),
		desk("GET", "/analytics", "How alerts have been: by day, rule and branch, times, the noisiest subjects.", s.analytics, ok(Analytics{}), nil, of("since", "a span such as 30d (the default), up to 366d"), branch),
		desk("GET", "/stock", "What is on the shelves.", s.stock, ok(page[StockItem]{}), nil, append(paging, of("q", "part of a medicine's name"), of("medicine", "of this medicine alone, by its id"), of("sort", "name (the default), or urgency: only what is out, low or runs out within two weeks, what lasts the shortest first, on one page"), branch)...),
		desk("GET", "/expiring", "Lots with stock that expire, or have.", s.expiring, ok(page[ExpiringItem]{}), nil, append(paging, of("within", "days such as 30d (the default)"), branch)...),
		desk("GET", "/prescriptions", "Prescriptions that wait, the longest first.", s.prescriptions, ok(page[PrescriptionItem]{}), nil, append(paging, branch)...),
		desk("GET", "/rules", "By which rules the pharmacy is judged, and what they would have told of the past.", s.rules, ok(ruleBookBody{}), nil),
		desk("POST", "/rules/backtest", "Lets the rules judge what the app's tables tell of the last days.", s.backtest, ok(Backtest{}), nil, of("days", "1 to 366, default 30")),
		desk("GET", "/thresholds", "The thresholds that people set.", s.overrides, ok(page[OverrideItem]{}), nil),
		desk("GET", "/thresholds/{medicine}", "By which thresholds a medicine is judged, and where each comes from.", s.thresholds, ok(page[ThresholdItem]{}), nil),
		desk("PUT", "/thresholds/{medicine}", "Sets the threshold of a rule (low_stock), in one branch or in all.", s.setThreshold, later(applied{}), thresholdBody{}),
		desk("DELETE", "/thresholds/{medicine}", "Withdraws it.", s.dropThreshold, later(applied{}), nil, of("rule", "default low_stock"), branch),
		desk("GET", "/stats", "How the stream and the engine are.", s.stats, ok(statsBody{}), nil),
		desk("POST", "/events", "One event of the user's own, or several that are one transaction.", s.events, later(applied{}), eventsBody{}),
	}
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/", s.Site)
	mux.HandleFunc("/api/", notFound)
	for _, r := range s.table() {
		mux.HandleFunc(r.method+" "+r.path, r.answer)
	}
	s.hubRoutes(mux)
	return mux
}
