package push

import "net/http"

// healthz answers as long as the process can answer at all.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, aliveness{"ok"})
}

// aliveness is all that a live process says.
type aliveness struct {
	Status string `json:"status"`
}

// readyz answers 503 with reasons until the service can do all it is for.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	one, status := s.readiness(), http.StatusOK
	if !one.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, one)
}

func (s *Server) readiness() readiness {
	reasons := append([]string{}, s.Vitals.Unready()...)
	if _, started := s.Log.Head(); !started {
		reasons = append(reasons, "the log has not been started")
	}
	v := s.Vitals.Vitals()
	return readiness{len(reasons) == 0, reasons, v.Warnings, lagBody{v.LagBytes, v.LagSeconds}}
}

// readiness is why the service is not ready, if it is not.
type readiness struct {
	Ready    bool     `json:"ready"`
	Reasons  []string `json:"reasons"`
	Warnings []string `json:"warnings,omitempty"`
	Lag      lagBody  `json:"lag"`
}
