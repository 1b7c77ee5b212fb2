package push

import (
	"net/http"
	"slices"
	"time"
)

// HubTransports are what a SignalR client may choose from, in the order in which it tries them. The last two need every request of
// a connection to reach the same node; a WebSocket does not.
func HubTransports() []string { return []string{"WebSockets", "ServerSentEvents", "LongPolling"} }

// negotiation is the answer to a negotiate. Of version 0 the id is the token itself.
type negotiation struct {
	NegotiateVersion     int                  `json:"negotiateVersion"`
	ConnectionID         string               `json:"connectionId"`
	ConnectionToken      string               `json:"connectionToken,omitempty"`
	AvailableTransports  []availableTransport `json:"availableTransports"`
	UseStatefulReconnect bool                 `json:"useStatefulReconnect,omitempty"`
}

type availableTransport struct {
	Transport       string   `json:"transport"`
	TransferFormats []string `json:"transferFormats"`
}

// negotiate answers POST {hub}/negotiate. It keeps nothing: see tokens.
func (s *Server) negotiate(w http.ResponseWriter, r *http.Request, v visit) {
	q := r.URL.Query()
	// A client that has not asked for it would refuse a connection that may be resumed.
	stateful := q.Get("useStatefulReconnect") == "true"
	token, n := s.hubTokens.issue(v.purpose(), stateful, time.Now())
	answer := negotiation{
		NegotiateVersion: 1, ConnectionID: n.id, ConnectionToken: token, AvailableTransports: s.availableTransports(), UseStatefulReconnect: stateful,
	}
	if version := q.Get("negotiateVersion"); version == "" || version == "0" {
		answer.NegotiateVersion, answer.ConnectionID, answer.ConnectionToken = 0, token, ""
	}
	writeJSON(w, http.StatusOK, answer)
}

// availableTransports offers text alone: the protocol is JSON.
func (s *Server) availableTransports() []availableTransport {
	var out []availableTransport
	for _, name := range HubTransports() {
		if slices.Contains(s.HubTransports, name) {
			out = append(out, availableTransport{name, []string{"Text"}})
		}
	}
	return out
}
