package push

import (
	"net/http"
	"time"

	"github.com/rxvigil/rxvigil"
)

// statsBody is how one tenant's stream is, and the engine behind it.
type statsBody struct {
	Connections   map[string]int              `json:"connections"`
	Lag           lagBody                     `json:"lag"`
	Events        map[rxvigil.EventType]Count `json:"events"`
	Alerts        map[rxvigil.Severity]int    `json:"alerts"`
	AlertsByRule  map[string]int              `json:"alerts_by_rule"`
	Engine        engineBody                  `json:"engine"`
	Latency       latencyBody                 `json:"latency"`
	MedicineCount int                         `json:"medicine_count"`
}

type lagBody struct {
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

type engineBody struct {
	Status  string    `json:"status"`
	Since   time.Time `json:"since"`
	Epoch   string    `json:"epoch"`
	Version string    `json:"version"`
	Faults  int       `json:"faults"`
}

// latencyBody is from commit to written, over the last deliveries; null when there were none.
type latencyBody struct {
	P50 *float64 `json:"p50_ms"`
	P99 *float64 `json:"p99_ms"`
}

// stats answers GET …/stats.
func (s *Server) stats(c call) (int, any, error) {
	open, err := s.Alerts.Open(c.Context(), c.tenant.ID)
	if err != nil {
		return 0, nil, err
	}
	v := s.Vitals.Vitals()
	b := statsBody{
		Connections: s.connections.count(c.tenant.ID), Events: s.Log.Counts(c.tenant.ID),
		Lag:          lagBody{v.LagBytes, v.LagSeconds},
		Engine:       engineBody{v.Status, v.Since.UTC(), c.cursor.Epoch, v.Version, v.Faults},
		Alerts:       map[rxvigil.Severity]int{rxvigil.Critical: 0, rxvigil.High: 0, rxvigil.Warning: 0, rxvigil.Info: 0},
		AlertsByRule: map[string]int{}, Latency: s.metrics.recently.body(), MedicineCount: c.tenant.MedicineCount,
	}
	for i := range open {
		if !c.who.seesAlert(&open[i]) {
			continue
		}
		b.Alerts[open[i].Severity]++
		b.AlertsByRule[open[i].Rule]++
	}
	return http.StatusOK, b, nil
}

func (l *latencies) body() latencyBody {
	q := l.quantiles(0.5, 0.99)
	if q == nil {
		return latencyBody{}
	}
	p50, p99 := float64(q[0])/1e6, float64(q[1])/1e6
	return latencyBody{&p50, &p99}
}
