package push

import (
	"maps"
	"net/http"
	"reflect"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/schema"
)

// frameTypes are what a connection is told besides events, by name: on SSE the name of the event, on a WebSocket its op.
func frameTypes() map[string]any {
	return map[string]any{
		"connection_established": established{}, "heartbeat": beat{}, "resync": resync{}, "stale": stale{}, "fresh": fresh{},
		"expiring": expiring{}, "bye": bye{},
	}
}

// envelope describes what AppendJSON of an event writes. Its data depends on the type: for alerts it is the alert, with from.
func envelope(set *schema.Set) schema.Schema {
	topics, types := []string{}, []string{}
	for _, t := range rxvigil.Topics() {
		topics = append(topics, string(t))
	}
	for _, t := range rxvigil.EventTypes() {
		types = append(types, string(t))
	}
	text := schema.Schema{"type": "string"}
	return schema.Schema{
		"type": "object",
		"properties": schema.Schema{
			"id":     schema.Schema{"type": "string", "description": "the cursor: opaque, and sorts in commit order within an epoch"},
			"type":   schema.Schema{"type": "string", "description": "a type of ours or one of the user's own", "examples": types},
			"topic":  schema.Schema{"type": "string", "enum": topics},
			"tenant": text,
			"branch": set.Of(reflect.TypeFor[rxvigil.Branch]()),
			"at":     schema.Schema{"type": "string", "format": "date-time", "description": "when it was committed"},
			"xid":    schema.Schema{"type": "string", "description": "what pg_current_xact_id() gave the app"},
			"last":   schema.Schema{"type": "boolean", "description": "true on the last event of its source transaction"},
			"data":   schema.Schema{"type": "object"},
		},
		"required": []string{"id", "type", "topic", "tenant", "branch", "at", "xid", "data"},
	}
}

// asyncAPI answers GET /api/asyncapi.json.
func (s *Server) asyncAPI(w http.ResponseWriter, _ *http.Request) {
	document, _ := s.asyncDocument()
	writeJSON(w, http.StatusOK, document)
}

// asyncDocument is the AsyncAPI 3 document of the streams.
func (s *Server) asyncDocument() (schema.Schema, *schema.Set) {
	set := newSchemas()
	set.Named["Envelope"] = envelope(set)
	set.Of(reflect.TypeFor[rxvigil.Alert]())
	messages, refs := schema.Schema{}, schema.Schema{}
	add := func(name, about string, payload schema.Schema) {
		messages[name] = schema.Schema{"name": name, "summary": about, "payload": payload}
		refs[name] = schema.Schema{"$ref": "#/components/messages/" + name}
	}
	add("event", "something that was committed", schema.Schema{"$ref": schemaPrefix + "Envelope"})
	for name, frame := range frameTypes() {
		add(name, "told besides events", set.Of(reflect.TypeOf(frame)))
	}
	add("request", "what a client says over a WebSocket", optional(set, reflect.TypeFor[request]()))
	add("answer", "what a request gets: op is ok, pong or error", set.Of(reflect.TypeFor[answer]()))
	told := func(channel string, names ...string) []schema.Schema {
		var out []schema.Schema
		for _, name := range names {
			out = append(out, schema.Schema{"$ref": "#/channels/" + channel + "/messages/" + name})
		}
		return out
	}
	without := func(names ...string) schema.Schema {
		out := schema.Schema{}
		maps.Copy(out, refs)
		for _, name := range names {
			delete(out, name)
		}
		return out
	}
	tenant := schema.Schema{"tenant": schema.Schema{"description": "id or subdomain"}}
	frames := []string{"event", "connection_established", "heartbeat", "resync", "stale", "fresh", "expiring", "bye"}
	return schema.Schema{
		"asyncapi":           "3.0.0",
		"info":               schema.Schema{"title": "rxvigil", "version": s.Vitals.Vitals().Version},
		"defaultContentType": "application/json",
		"channels": schema.Schema{
			"stream":    schema.Schema{"address": tenantPath + "/stream", "description": "server-sent events", "parameters": tenant, "messages": without("request", "answer")},
			"websocket": schema.Schema{"address": tenantPath + "/ws", "description": "WebSocket, subprotocol " + Subprotocol, "parameters": tenant, "messages": without()},
		},
		"operations": schema.Schema{
			"follow": schema.Schema{"action": "send", "channel": schema.Schema{"$ref": "#/channels/stream"}, "messages": told("stream", frames...)},
			"tell":   schema.Schema{"action": "send", "channel": schema.Schema{"$ref": "#/channels/websocket"}, "messages": told("websocket", append(frames, "answer")...)},
			"ask":    schema.Schema{"action": "receive", "channel": schema.Schema{"$ref": "#/channels/websocket"}, "messages": told("websocket", "request")},
		},
		"components": schema.Schema{"messages": messages, "schemas": set.Named},
	}, set
}
