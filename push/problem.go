package push

import (
	"encoding/json"
	"net/http"
)

// problem is an error as RFC 9457 spells it. Types are promises to users.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

//nolint:gochecknoglobals // constants; Go has none for structs
var (
	problemBadRequest   = problem{"/problems/bad-request", "The request is not understood", http.StatusBadRequest, ""}
	problemUnauthorized = problem{"/problems/unauthorized", "We do not know who asks", http.StatusUnauthorized, ""}
	problemForbidden    = problem{"/problems/forbidden", "This is not granted", http.StatusForbidden, ""}
	problemHost         = problem{"/problems/foreign-host", "Without auth only loopback names are answered", http.StatusForbidden, "call it as localhost or 127.0.0.1, or configure auth"}
	problemOrigin       = problem{"/problems/foreign-origin", "This origin may not do that", http.StatusForbidden, "add the origin to push.cors_origins"}
	problemNotFound     = problem{"/problems/not-found", "There is no such thing", http.StatusNotFound, ""}
	problemConflict     = problem{"/problems/conflict", "The connection is in use", http.StatusConflict, ""}
	problemBusy         = problem{"/problems/busy", "One is under way", http.StatusConflict, "ask again when it has ended"}
	problemTooLarge     = problem{"/problems/too-large", "The body is too large", http.StatusRequestEntityTooLarge, "the limit is 64 kB"}
	problemStarting     = problem{"/problems/starting", "The engine is still starting", http.StatusServiceUnavailable, "try again in a moment"}
	problemEnding       = problem{"/problems/ending", "The server is ending", http.StatusServiceUnavailable, "try again in a moment"}
	problemSlow         = problem{"/problems/too-slow", "The body did not come in time", http.StatusRequestTimeout, "send it within ten seconds"}
	problemUnavailable  = problem{"/problems/unavailable", "The answer cannot be had now", http.StatusServiceUnavailable, "try again in a moment"}
)

// reject answers what a client got wrong, and counts it.
func (s *Server) reject(w http.ResponseWriter, kind string, p problem) {
	s.metrics.bad.WithLabelValues(kind).Inc()
	writeProblem(w, p)
}

func (p problem) with(detail string) problem {
	p.Detail = detail
	return p
}

func writeProblem(w http.ResponseWriter, p problem) {
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone: nobody is left to tell
}

func notFound(w http.ResponseWriter, _ *http.Request) { writeProblem(w, problemNotFound) }

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // every type we answer with marshals; this is a programmer's mistake
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // as above
}
