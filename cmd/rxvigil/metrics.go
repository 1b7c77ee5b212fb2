package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// engineMetrics are the figures of reading and judging. No tenant and no patient is in a label.
type engineMetrics struct {
	transactions prometheus.Counter
	changes      *prometheus.CounterVec
	known        map[changeLabels]prometheus.Counter // those of changes that were counted before; of one goroutine
	unroutable   *prometheus.CounterVec
	transitions  *prometheus.CounterVec
	retained     prometheus.Gauge
	safe         prometheus.Gauge
	active       prometheus.Gauge
	walStatus    *prometheus.GaugeVec
}

func newEngineMetrics(reg prometheus.Registerer, e *engine) *engineMetrics {
	m := &engineMetrics{
		known:        map[changeLabels]prometheus.Counter{},
		transactions: prometheus.NewCounter(prometheus.CounterOpts{Name: "rxvigil_transactions_total", Help: "Committed transactions read."}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rxvigil_changes_total", Help: "Changes of mapped records, netted by transaction.",
		}, []string{"entity", "op"}),
		unroutable: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rxvigil_unroutable_changes_total", Help: "Rows or values that could not be mapped.",
		}, []string{"reason"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rxvigil_alert_transitions_total", Help: "Transitions of alerts.",
		}, []string{"rule", "to"}),
		retained: prometheus.NewGauge(prometheus.GaugeOpts{Name: "rxvigil_slot_retained_bytes", Help: "WAL that our slot keeps the server from removing."}),
		safe: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "rxvigil_slot_safe_bytes", Help: "WAL that may still be written before the slot is in danger; -1 without limit.",
		}),
		active:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "rxvigil_slot_active", Help: "Whether somebody reads our slot."}),
		walStatus: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rxvigil_slot_wal_status", Help: "1 for what the server says of the slot's WAL."}, []string{"status"}),
	}
	reg.MustRegister(m.transactions, m.changes, m.unroutable, m.transitions, m.retained, m.safe, m.active, m.walStatus,
		gauge("rxvigil_source_lag_bytes", "WAL between the source's head and us.", func() float64 { return float64(e.vital.snapshot().LagBytes) }),
		gauge("rxvigil_source_lag_seconds", "Age of the last transaction handled, while behind.", func() float64 { return e.vital.snapshot().LagSeconds }),
		gauge("rxvigil_canary_overdue_seconds", "For how long the oldest canary has been on its way; 0 when none is.", func() float64 { return e.vital.overdue().Seconds() }),
		gauge("rxvigil_canary_round_trip_seconds", "From writing the last canary to reading it back.", func() float64 {
			e.vital.mu.Lock()
			defer e.vital.mu.Unlock()
			return e.vital.roundTrip.Seconds()
		}),
		&alertGauge{e, prometheus.NewDesc("rxvigil_alerts", "Open alerts.", []string{"rule", "severity", "status"}, nil)},
		&unknownGauge{e, prometheus.NewDesc("rxvigil_rule_unknown_total", "Shelves that a rule cannot judge for want of a number.", []string{"rule"}, nil)},
	)
	return m
}

func gauge(name, help string, f func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
}

func (m *engineMetrics) transaction(tx *cdc.Transaction, out rules.Outcome) {
	m.transactions.Inc()
	for i := range tx.Changes {
		c := &tx.Changes[i]
		op := "update"
		switch {
		case c.Before == nil:
			op = "insert"
		case c.After == nil:
			op = "delete"
		}
		m.change(changeLabels{c.Record().Kind(), op}).Inc()
	}
	for _, f := range tx.Faults {
		m.unroutable.WithLabelValues(f.Reason).Inc()
	}
	if tx.Forged > 0 {
		m.unroutable.WithLabelValues("forged").Add(float64(tx.Forged))
	}
	for _, t := range out.Transitions {
		m.transitions.WithLabelValues(t.Alert.Rule, string(t.Alert.Status)).Inc()
	}
}

type changeLabels struct {
	kind rxvigil.Kind
	op   string
}

// change finds a counter without the vector's hashing and lock: it is needed for every row.
func (m *engineMetrics) change(l changeLabels) prometheus.Counter {
	c, ok := m.known[l]
	if !ok {
		c = m.changes.WithLabelValues(l.kind.String(), l.op)
		m.known[l] = c
	}
	return c
}

func (m *engineMetrics) slot(k cdc.KeptWAL) {
	m.retained.Set(float64(k.Bytes))
	m.safe.Set(float64(k.Safe))
	m.active.Set(0)
	if k.Active {
		m.active.Set(1)
	}
	m.walStatus.Reset()
	if k.Exists {
		m.walStatus.WithLabelValues(k.Status).Set(1)
	}
}

// alertGauge counts open alerts when it is asked.
type alertGauge struct {
	e    *engine
	desc *prometheus.Desc
}

// Describe is part of prometheus.Collector.
func (g *alertGauge) Describe(c chan<- *prometheus.Desc) { c <- g.desc }

// Collect is part of prometheus.Collector.
func (g *alertGauge) Collect(c chan<- prometheus.Metric) {
	r := g.e.rules.Load()
	if r == nil {
		return
	}
	type key struct {
		rule     string
		severity rxvigil.Severity
		status   rxvigil.Status
	}
	counts := map[key]int{}
	for _, t := range append(r.Tenants(), rules.TenantInfo{ID: rxvigil.EngineTenant}) {
		for _, a := range r.OpenAlerts(t.ID) {
			counts[key{a.Rule, a.Severity, a.Status}]++
		}
	}
	for k, n := range counts {
		c <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(n), k.rule, string(k.severity), string(k.status))
	}
}

// unknownGauge counts what a rule cannot tell.
type unknownGauge struct {
	e    *engine
	desc *prometheus.Desc
}

// Describe is part of prometheus.Collector.
func (g *unknownGauge) Describe(c chan<- *prometheus.Desc) { c <- g.desc }

// Collect is part of prometheus.Collector.
func (g *unknownGauge) Collect(c chan<- prometheus.Metric) {
	if r := g.e.rules.Load(); r != nil {
		for _, cov := range r.Coverage() {
			c <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, float64(cov.Unsure), cov.Rule)
		}
	}
}
