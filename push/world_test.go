package push_test

import (
	"context"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// world is everything push asks about, in memory.
type world struct {
	mu         sync.Mutex
	tenants    []push.Tenant
	open       map[rxvigil.Tenant][]rxvigil.Alert
	actions    []push.Action
	emitted    [][]push.CustomEvent
	thresholds []push.ThresholdChange
	deaf       bool // the engine never reads a command back
	stock      push.StockQuery
	asked      push.AnalyticsQuery
	err        error
	backtest   *push.Backtest
}

func newWorld() *world {
	return &world{open: map[rxvigil.Tenant][]rxvigil.Alert{}, tenants: []push.Tenant{
		{
			ID: abyssinia, Name: "Abyssinia", Subdomain: "testpharmacy", Zone: "Africa/Addis_Ababa", MedicineCount: 3,
			Branches: []push.Branch{{ID: "b1", Name: "Bole"}, {ID: "b2", Name: "Piassa"}},
		},
		{ID: blueNile, Name: "Blue Nile", Subdomain: "nile", Zone: "UTC"},
	}}
}

func (w *world) Tenants() []push.Tenant {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]push.Tenant(nil), w.tenants...)
}

// found makes a new tenant.
func (w *world) found(t rxvigil.Tenant) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tenants = append(w.tenants, push.Tenant{ID: t})
}

func (w *world) Tenant(name string) (push.Tenant, bool) {
	for _, t := range w.tenants {
		if string(t.ID) == name || t.Subdomain == name {
			return t, true
		}
	}
	return push.Tenant{}, false
}

// raise makes these the open alerts of a tenant.
func (w *world) raise(t rxvigil.Tenant, open ...rxvigil.Alert) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[t] = open
}

func (w *world) Open(_ context.Context, t rxvigil.Tenant) ([]rxvigil.Alert, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]rxvigil.Alert(nil), w.open[t]...), w.err
}

func (w *world) Alerts(ctx context.Context, t rxvigil.Tenant, q push.AlertQuery) ([]rxvigil.Alert, string, error) {
	if q.After == "rubbish" {
		return nil, "", push.ErrBadPage
	}
	open, err := w.Open(ctx, t)
	if len(open) > q.Limit {
		return open[:q.Limit], open[q.Limit-1].ID, err
	}
	return open, "", err
}

func (w *world) Alert(ctx context.Context, t rxvigil.Tenant, id string) (rxvigil.Alert, []push.HistoryLine, error) {
	open, err := w.Open(ctx, t)
	for _, a := range open {
		if a.ID == id {
			return a, []push.HistoryLine{{Version: 1, Event: rxvigil.AlertRaised, To: rxvigil.Firing}}, err
		}
	}
	return rxvigil.Alert{}, nil, push.ErrNotFound
}

func (w *world) Act(ctx context.Context, t rxvigil.Tenant, a push.Action) (push.Outcome, error) {
	alert, _, err := w.Alert(ctx, t, a.Alert)
	if err != nil {
		return push.Outcome{}, err
	}
	w.mu.Lock()
	w.actions = append(w.actions, a)
	w.mu.Unlock()
	o := push.Outcome{Operation: "op-1", Cursor: rxvigil.Position{Epoch: "e1", LSN: 5000}}
	if w.deaf {
		<-ctx.Done()
		return o, nil
	}
	alert.Status, alert.AcknowledgedBy = rxvigil.Acknowledged, a.By
	o.Done, o.Applied, o.Alert = true, true, &alert
	return o, nil
}

func (w *world) Analytics(_ context.Context, _ rxvigil.Tenant, q push.AnalyticsQuery) (push.Analytics, error) {
	w.asked = q
	const day = "2000-01-01"
	return push.Analytics{
		Days:  []push.DayCount{{Day: day, Rule: "low_stock", Kind: "low_stock", Branch: "b1", Raised: 2}, {Day: day, Rule: "till", Kind: "oversell", Raised: 1}},
		Rules: []push.RuleStats{{Rule: "low_stock", Kind: "low_stock", Raised: 2, Open: 1, Acknowledged: 1, Resolved: 1, Resolve: &push.Quantiles{P50: 60, P90: 61.5}}},
	}, nil
}

func (w *world) Overrides(context.Context, rxvigil.Tenant) ([]push.OverrideItem, error) {
	return []push.OverrideItem{{
		Rule: "low_stock", Medicine: push.ExpiringMedicine{ID: "m1", Name: "Zinc"}, Branch: &push.Branch{ID: "b1", Name: "Bole"},
		Value: rxvigil.NumberOf(60), By: "Sara", At: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
	}}, nil
}

func (w *world) Thresholds(_ context.Context, _ rxvigil.Tenant, medicine string) ([]push.ThresholdItem, error) {
	if medicine != "m1" {
		return nil, push.ErrNotFound
	}
	of := func(b push.Branch, n int64, source string) push.ThresholdItem {
		return push.ThresholdItem{Rule: "low_stock", Branch: &b, Threshold: rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(n)), Source: source}}
	}
	return []push.ThresholdItem{of(push.Branch{ID: "b1", Name: "Bole"}, 60, "override"), of(push.Branch{ID: "b2", Name: "Piassa"}, 50, "app")}, nil
}

func (w *world) SetThreshold(_ context.Context, _ rxvigil.Tenant, c push.ThresholdChange) (push.Outcome, error) {
	if c.Medicine != "m1" {
		return push.Outcome{}, push.ErrNotFound
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thresholds = append(w.thresholds, c)
	o := push.Outcome{Done: true, Applied: c.Rule == "low_stock", Operation: "op-3", Cursor: rxvigil.Position{Epoch: "e1", LSN: 7000}}
	if !o.Applied {
		o.Reason = "no rule of that name has a threshold"
	}
	return o, nil
}

// acted is what was done to alerts.
func (w *world) acted() []push.Action {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]push.Action(nil), w.actions...)
}

func (w *world) Emit(_ context.Context, _ rxvigil.Tenant, events []push.CustomEvent) (push.Outcome, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emitted = append(w.emitted, events)
	return push.Outcome{Done: true, Applied: true, Operation: "op-2", Cursor: rxvigil.Position{Epoch: "e1", LSN: 6000}}, nil
}

func (w *world) Stock(_ context.Context, _ rxvigil.Tenant, q push.StockQuery) ([]push.StockItem, string, error) {
	w.stock = q
	price, _ := rxvigil.ParseNumber("0.10")
	days := 30
	return []push.StockItem{{
		Medicine: push.MedicineItem{ID: "m1", Name: "Zinc", Category: rxvigil.TextOf("mineral"), ReorderLevel: rxvigil.NumberOf(50), Price: price},
		Branch:   &push.Branch{ID: "b1", Name: "Bole"},
		OnHand:   rxvigil.NumberOf(160), Reserved: rxvigil.NumberOf(0), Available: rxvigil.UnknownNumber, Status: "unknown",
		DailyUse: rxvigil.NumberOf(3), CoverDays: rxvigil.UnknownNumber, Min: rxvigil.NumberOf(42), Max: rxvigil.NumberOf(132), Order: rxvigil.UnknownNumber,
		Lots: []push.LotItem{{
			ID: "l1", Number: "ZNC-0808", Expires: rxvigil.ValueOf(rxvigil.TypeDay, "2026-12-22"), Days: &days,
			OnHand: rxvigil.NumberOf(160), Reserved: rxvigil.NumberOf(0),
		}},
	}}, "Zinc|m1", nil
}

func (w *world) Expiring(context.Context, rxvigil.Tenant, push.ExpiringQuery) ([]push.ExpiringItem, string, error) {
	return []push.ExpiringItem{{
		Medicine: push.ExpiringMedicine{ID: "m1", Name: "Zinc"}, Days: 30, Rung: "expires_30",
		Lot: push.ExpiringLot{ID: "l1", Number: "ZNC-0808", Expires: rxvigil.ValueOf(rxvigil.TypeDay, "2026-12-22"), OnHand: rxvigil.NumberOf(160)},
	}}, "", nil
}

func (w *world) Vitals() push.EngineVitals {
	return push.EngineVitals{Status: "live", Since: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), Version: "v0", LagBytes: 12, LagSeconds: 0.5}
}

func (w *world) Unready() []string { return nil }

// lowStock is an open alert about one medicine.
func lowStock(medicine string, available int64) rxvigil.Alert {
	return rxvigil.Alert{
		ID: "low-" + medicine, Rule: "low_stock", Kind: "low_stock", Severity: rxvigil.Warning, Rung: "low", Status: rxvigil.Firing,
		Tenant: abyssinia, Branch: "b1", Subject: rxvigil.Subject{Type: "medicine", ID: medicine, Name: "Amoxicillin"},
		Why: rxvigil.Why{Inputs: rxvigil.Facts{}},
		Values: rxvigil.FactsOf(
			rxvigil.Fact{Name: "available", Value: rxvigil.NumberValue(rxvigil.NumberOf(available))}, rxvigil.Fact{Name: "min", Value: rxvigil.NumberValue(rxvigil.NumberOf(40))},
		),
	}
}

// expiring is an open alert about one lot.
func expiring(lot, day string) rxvigil.Alert {
	return rxvigil.Alert{
		ID: "exp-" + lot, Rule: "expiry", Kind: "expiry", Severity: rxvigil.Warning, Rung: "expires_30", Status: rxvigil.Firing,
		Tenant: abyssinia, Subject: rxvigil.Subject{Type: "lot", ID: lot, Name: "Zinc", Lot: "Z-" + lot, Medicine: "m9"},
		Values: rxvigil.FactsOf(rxvigil.Fact{Name: "expires", Value: rxvigil.ValueOf(rxvigil.TypeDay, day)}), Why: rxvigil.Why{Inputs: rxvigil.Facts{}},
	}
}

func (w *world) Prescriptions(_ context.Context, _ rxvigil.Tenant, q push.PrescriptionQuery) ([]push.PrescriptionItem, string, error) {
	if q.After == "rubbish" {
		return nil, "", push.ErrBadPage
	}
	return []push.PrescriptionItem{{
		ID: "p1", Number: "RX-1", Branch: &push.Branch{ID: "b1", Name: "Bole"}, Status: "pending", Patient: "77", Since: time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC),
		ValidUntil: rxvigil.Null(rxvigil.TypeDay),
		Lines:      []push.PrescribedItem{{Medicine: push.ExpiringMedicine{ID: "m1", Name: "Zinc"}, Quantity: rxvigil.NumberOf(20), Dispensed: rxvigil.NumberOf(0)}},
	}}, "", nil
}

func (w *world) Rules(context.Context, rxvigil.Tenant) ([]push.RuleItem, error) {
	return []push.RuleItem{{ID: "till", Kind: "oversell", Severity: "high", Settings: map[string]any{"keep_firing_for": "1h0m0s"}, Open: 1}}, nil
}

func (w *world) LastBacktest(rxvigil.Tenant) *push.Backtest {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.backtest
}

func (w *world) Backtest(_ context.Context, _ rxvigil.Tenant, days int) (*push.Backtest, error) {
	if days > 300 {
		return nil, push.ErrTooMuch
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.backtest != nil {
		return nil, push.ErrBusy
	}
	w.backtest = &push.Backtest{
		At: time.Date(2000, 1, 1, 8, 0, 0, 0, time.UTC), Days: days, Sales: 12, Told: 3, ByDay: []push.BacktestDay{{Day: "2000-01-01", Told: 3}},
		Rules:    []push.BacktestRule{{Rule: "till", Raised: 3, Open: 1, Resolve: &push.Quantiles{P50: 60, P90: 61.5}}},
		Noisiest: []push.BacktestNoise{{Rule: "till", Branch: "Bole", Subject: "Zinc", Told: 2}},
	}
	return w.backtest, nil
}

func (w *world) Say(a *rxvigil.Alert, language string) string { return language + ": " + a.Message }
