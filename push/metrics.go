package push

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what operators watch of push. No tenant is ever in a label.
type metrics struct {
	handler  http.Handler
	events   *prometheus.CounterVec
	seconds  prometheus.Histogram
	resyncs  *prometheus.CounterVec
	slow     prometheus.Counter
	refused  *prometheus.CounterVec
	full     *prometheus.CounterVec
	bad      *prometheus.CounterVec
	recently latencies
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		handler: promhttp.HandlerFor(r, promhttp.HandlerOpts{}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rxvigil_delivered_total", Help: "Events written to connections.",
		}, []string{"transport"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rxvigil_delivery_seconds", Help: "From the source's commit until a transaction's events were written to a live connection.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .015, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		resyncs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rxvigil_resyncs_total", Help: "Connections told that something may have been missed.",
		}, []string{"reason"}),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "rxvigil_slow_clients_total", Help: "Connections cut off because a write took too long.",
		}),
	}
	m.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rxvigil_auth_failures_total", Help: "Requests and connections that were refused for who made them.",
	}, []string{"reason"})
	m.full = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rxvigil_connections_refused_total", Help: "Connections that were not let in, as there were as many as there may be.",
	}, []string{"limit"})
	m.bad = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rxvigil_bad_input_total", Help: "What clients got wrong: a request, one too_large or too slow, a frame, a hub's message, a connection that never asked anything.",
	}, []string{"kind"})
	r.MustRegister(m.events, m.seconds, m.resyncs, m.slow, m.refused, m.full, m.bad)
	return m
}

// delivered counts what one write told. Only what was committed after the connection began says anything about latency.
func (m *metrics) delivered(transport string, told []told, born time.Time) {
	now, n := time.Now(), 0
	for _, t := range told {
		n += t.events
		if t.at.After(born) {
			m.seconds.Observe(now.Sub(t.at).Seconds())
			m.recently.add(now.Sub(t.at))
		}
	}
	if n > 0 {
		m.events.WithLabelValues(transport).Add(float64(n))
	}
}

// liveMetrics are read from the log and the register when asked for.
type liveMetrics struct {
	log         *Log
	connections *register
}

//nolint:gochecknoglobals // constants; Go has none for pointers
var (
	descConnections = prometheus.NewDesc("rxvigil_connections", "Live connections.", []string{"transport", "role"}, nil)
	descLogBytes    = prometheus.NewDesc("rxvigil_log_bytes", "Bytes of events in the log's ring in memory.", nil, nil)
	descLogOldest   = prometheus.NewDesc("rxvigil_log_oldest_seconds", "Age of the oldest event in the log's ring in memory.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*liveMetrics) Describe(c chan<- *prometheus.Desc) {
	c <- descConnections
	c <- descLogBytes
	c <- descLogOldest
}

// Collect implements prometheus.Collector.
func (m *liveMetrics) Collect(c chan<- prometheus.Metric) {
	for transport, n := range m.connections.count("") {
		c <- prometheus.MustNewConstMetric(descConnections, prometheus.GaugeValue, float64(n), transport, "none")
	}
	bytes, oldest := m.log.Size()
	age := 0.0
	if !oldest.IsZero() {
		age = max(0, time.Since(oldest).Seconds())
	}
	c <- prometheus.MustNewConstMetric(descLogBytes, prometheus.GaugeValue, float64(bytes))
	c <- prometheus.MustNewConstMetric(descLogOldest, prometheus.GaugeValue, age)
}

// latencies keeps the last deliveries' latencies. Safe for use by many; a reader may see a mix of old and new, which is all
// a quantile needs.
type latencies struct {
	next atomic.Uint64
	last [1024]atomic.Int64
}

func (l *latencies) add(d time.Duration) {
	l.last[(l.next.Add(1)-1)%uint64(len(l.last))].Store(int64(d))
}

// quantiles gives the latencies below which these parts of the last deliveries lie; nil when there were none.
func (l *latencies) quantiles(parts ...float64) []time.Duration {
	all := make([]time.Duration, min(l.next.Load(), uint64(len(l.last))))
	if len(all) == 0 {
		return nil
	}
	for i := range all {
		all[i] = time.Duration(l.last[i].Load())
	}
	slices.Sort(all)
	out := make([]time.Duration, len(parts))
	for i, p := range parts {
		out[i] = all[min(int(p*float64(len(all))), len(all)-1)]
	}
	return out
}
