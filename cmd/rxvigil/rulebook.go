package main

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules/backtest"
)

// mostHistory is how many rows a backtest on behalf of a page reads: they stand in the engine's own memory.
const mostHistory = 1_000_000

// ruleBook shows the pack that is running, and lets it judge a tenant's past.
type ruleBook struct {
	e       *engine
	cfg     *config
	running sync.Mutex // one at a time: each reads the app's tables
	mu      sync.Mutex
	last    map[rxvigil.Tenant]*push.Backtest
}

func newRuleBook(e *engine, cfg *config) *ruleBook {
	return &ruleBook{e: e, cfg: cfg, last: map[rxvigil.Tenant]*push.Backtest{}}
}

// Rules lists the rules of the running pack.
func (b *ruleBook) Rules(_ context.Context, t rxvigil.Tenant) ([]push.RuleItem, error) {
	r := b.e.rules.Load()
	open := map[string]int{}
	for _, a := range r.OpenAlerts(t) {
		if a.Status != rxvigil.Pending {
			open[a.Rule]++
		}
	}
	items := []push.RuleItem{}
	pack := r.Pack()
	for i := range pack.Rules {
		rule := &pack.Rules[i]
		items = append(items, push.RuleItem{
			ID: rule.ID, Kind: rule.Params.Kind(), Off: rule.Off, Severity: string(rule.Severity), When: rule.When, Settings: rule.Settings(), Open: open[rule.ID],
		})
	}
	return items, nil
}

// LastBacktest is the newest one of a tenant.
func (b *ruleBook) LastBacktest(t rxvigil.Tenant) *push.Backtest {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last[t]
}

// Backtest reads the tenant's history and lets the running pack judge its last days.
func (b *ruleBook) Backtest(ctx context.Context, t rxvigil.Tenant, days int) (*push.Backtest, error) {
	if !b.running.TryLock() {
		return nil, push.ErrBusy
	}
	defer b.running.Unlock()
	h, err := readHistory(ctx, b.cfg, t, mostHistory)
	if err != nil {
		return nil, err
	}
	c, err := b.cfg.rulesConfig(nil)
	if err != nil {
		return nil, err
	}
	c.Pack = b.e.rules.Load().Pack()
	end := time.Now().UTC()
	report, err := h.Run(c, end.AddDate(0, 0, -days), end)
	if err != nil {
		return nil, err
	}
	shown := shownBacktest(report, days)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[t] = shown
	return shown, nil
}

func shownBacktest(r *backtest.Report, days int) *push.Backtest {
	out := &push.Backtest{
		At: r.End, Days: days, Sales: r.Sales, Standing: r.Standing, Told: r.Told,
		ByDay: []push.BacktestDay{}, Rules: []push.BacktestRule{}, Noisiest: []push.BacktestNoise{},
	}
	for _, day := range slices.Sorted(maps.Keys(r.ByDay)) {
		out.ByDay = append(out.ByDay, push.BacktestDay{Day: day, Told: r.ByDay[day]})
	}
	for _, id := range slices.Sorted(maps.Keys(r.ByRule)) {
		one := r.ByRule[id]
		shown := push.BacktestRule{Rule: id, Raised: one.Raised, Changed: one.Changed, Resolved: one.Resolved, Open: one.Open, Flaps: one.Flaps}
		if half, known := one.Quantile(50); known {
			nine, _ := one.Quantile(90)
			shown.Resolve = &push.Quantiles{P50: half.Seconds(), P90: nine.Seconds()}
		}
		out.Rules = append(out.Rules, shown)
	}
	for _, n := range r.Noisiest {
		out.Noisiest = append(out.Noisiest, push.BacktestNoise{Rule: n.Rule, Branch: n.Branch, Subject: n.Subject, Told: n.Told})
	}
	return out
}
