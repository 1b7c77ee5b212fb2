package push

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const writeTimeout = 5 * time.Second

type monitorMessage struct{}

func monitorMessages([]*Event) []monitorMessage { return nil }

type metrics struct{ handler http.Handler }

func newMetrics(*prometheus.Registry, *Log, *register) *metrics {
	return &metrics{handler: http.NotFoundHandler()}
}

type register struct{}

func newRegister() *register          { return &register{} }
func (*register) drain(time.Duration) {}
func (*register) wait()               {}

type aggregates struct{}

func newAggregates(*Log, AlertDesk) *aggregates { return &aggregates{} }

func (s *Server) desk(h func(http.ResponseWriter, *http.Request)) http.HandlerFunc { return h }
func (s *Server) healthz(w http.ResponseWriter, r *http.Request)                   { notFound(w, r) }
func (s *Server) readyz(w http.ResponseWriter, r *http.Request)                    { notFound(w, r) }
func (s *Server) tenants(w http.ResponseWriter, r *http.Request)                   { notFound(w, r) }
func (s *Server) tenant(w http.ResponseWriter, r *http.Request)                    { notFound(w, r) }
func (s *Server) stream(w http.ResponseWriter, r *http.Request)                    { notFound(w, r) }
func (s *Server) websocket(w http.ResponseWriter, r *http.Request)                 { notFound(w, r) }
func (s *Server) liveMonitor(w http.ResponseWriter, r *http.Request)               { notFound(w, r) }
func (s *Server) alerts(w http.ResponseWriter, r *http.Request)                    { notFound(w, r) }
func (s *Server) alert(w http.ResponseWriter, r *http.Request)                     { notFound(w, r) }
func (s *Server) acknowledge(w http.ResponseWriter, r *http.Request)               { notFound(w, r) }
func (s *Server) snooze(w http.ResponseWriter, r *http.Request)                    { notFound(w, r) }
func (s *Server) unsnooze(w http.ResponseWriter, r *http.Request)                  { notFound(w, r) }
func (s *Server) stock(w http.ResponseWriter, r *http.Request)                     { notFound(w, r) }
func (s *Server) expiring(w http.ResponseWriter, r *http.Request)                  { notFound(w, r) }
func (s *Server) stats(w http.ResponseWriter, r *http.Request)                     { notFound(w, r) }
func (s *Server) events(w http.ResponseWriter, r *http.Request)                    { notFound(w, r) }
