package rules

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// Overstock are the parameters of overstock.
type Overstock struct {
	// Months of stock are the most a shelf should hold where neither a person nor the app says a maximum; 0: no such limit.
	Months rxvigil.Number
}

// Kind is overstock.
func (Overstock) Kind() string { return "overstock" }

func (p Overstock) validate() error {
	if !p.Months.Known() || p.Months.Sign() < 0 {
		return fmt.Errorf("months %s is no number from 0", p.Months)
	}
	return nil
}

// judgeOverstock finds shelves that hold more than their maximum. Where history is too short to know what is used, nobody can tell
// a first delivery from too much.
func judgeOverstock(dst []verdict, h *hearing) []verdict {
	v := verdict{rung: "over", severity: rxvigil.Info}
	most, _ := h.most()
	f := h.forecast()
	switch available := h.stock.Available; {
	case !available.Known() || !most.Known() || !f.known():
		v.finding, v.vague = unsure, true
	case available.Cmp(most) > 0:
		v.finding = fires
	}
	return append(dst, v)
}

// most is the most that a shelf should hold: a level that somebody set, else so many months of its own use.
func (h *hearing) most() (rxvigil.Number, string) {
	if most, source := h.limit(h.shelf.top(), rxvigil.UnknownNumber); most.Known() {
		return most, source
	}
	months := h.rule.Params.(Overstock).Months
	f := h.forecast()
	if months.Sign() == 0 || !f.sells() {
		return rxvigil.UnknownNumber, sourceRule
	}
	return f.amc().Mul(months).Round(2), sourceUse
}

func describeOverstock(h *hearing, _ verdict) description {
	f := h.forecast()
	most, source := h.most()
	values := rxvigil.FactsOf(named("available", rxvigil.NumberValue(h.stock.Available)), named("max", rxvigil.NumberValue(most)))
	if f.sells() {
		values.Set("months", rxvigil.NumberValue(f.months(h.stock.Available).Round(2)))
	}
	d := description{values: values, threshold: &rxvigil.Threshold{Value: rxvigil.NumberValue(most), Source: source}}
	d.inputs = d.with("max", most)
	f.prove(&d.inputs)
	return d
}
