package rules

import (
	"errors"

	"github.com/rxvigil/rxvigil"
)

// ProjectedStockout are the parameters of projected_stockout.
type ProjectedStockout struct {
	// Horizon is how many days ahead an empty shelf is told.
	Horizon int
}

// Kind is projected_stockout.
func (ProjectedStockout) Kind() string { return "projected_stockout" }

func (p ProjectedStockout) validate() error {
	if p.Horizon < 0 {
		return errors.New("horizon is below zero")
	}
	return nil
}

// judgeStockout finds shelves whose stock does not last as long as the horizon at the present use. An empty shelf is low_stock's.
func judgeStockout(dst []verdict, h *hearing) []verdict {
	f := h.forecast()
	available := h.stock.Available
	cover := f.cover(available)
	horizon, _ := h.horizon()
	v := verdict{rung: "soon", severity: rxvigil.Warning}
	switch {
	case available.Known() && available.Sign() <= 0, f.known() && !f.sells():
	case !cover.Known():
		v.finding, v.vague = unsure, true
	case cover.Floor().Cmp(horizon) <= 0:
		v.finding = fires
	}
	return append(dst, v)
}

func (h *hearing) horizon() (rxvigil.Number, string) {
	return h.limit(rxvigil.UnknownNumber, rxvigil.NumberOf(int64(h.rule.Params.(ProjectedStockout).Horizon)))
}

func describeStockout(h *hearing, _ verdict) description {
	f := h.forecast()
	horizon, source := h.horizon()
	values := rxvigil.FactsOf(named("available", rxvigil.NumberValue(h.stock.Available)), named("date", rxvigil.Null(rxvigil.TypeDay)))
	f.tell(&values, h.stock.Available)
	if cover := f.cover(h.stock.Available); cover.Known() {
		values.Set("date", rxvigil.ValueOf(rxvigil.TypeDay, (h.today+rxvigil.Day(min(cover.Floor().Int64(), farAhead))).String()))
	}
	d := description{values: values, threshold: &rxvigil.Threshold{Value: rxvigil.NumberValue(horizon), Source: source}}
	d.inputs = d.with("horizon_days", horizon)
	f.prove(&d.inputs)
	return d
}

// farAhead is further than anybody plans, and still a date.
const farAhead = 100_000
