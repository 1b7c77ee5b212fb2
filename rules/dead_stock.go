package rules

import (
	"errors"

	"github.com/rxvigil/rxvigil"
)

// DeadStock are the parameters of dead_stock.
type DeadStock struct {
	// Days without a sale make stock dead.
	Days int
}

// Kind is dead_stock.
func (DeadStock) Kind() string { return "dead_stock" }

func (p DeadStock) validate() error {
	if p.Days <= 0 {
		return errors.New("days is not above zero")
	}
	return nil
}

// judgeDeadStock finds stock that was sold once and is not any more. What was never sold may be new: nobody can tell.
func judgeDeadStock(dst []verdict, h *hearing) []verdict {
	v := verdict{rung: "dead", severity: rxvigil.Info}
	last, sold := h.lastSale()
	switch onHand := h.stock.OnHand; {
	case onHand.Known() && onHand.Sign() <= 0:
	case !onHand.Known() || !sold:
		v.finding, v.vague = unsure, true
	default:
		days, _ := h.deadAfter()
		if rxvigil.NumberOf(int64(last.Until(h.today))).Cmp(days) >= 0 {
			v.finding = fires
		}
	}
	return append(dst, v)
}

func (h *hearing) lastSale() (rxvigil.Day, bool) {
	if h.shelf.demand == nil {
		return 0, false
	}
	return h.shelf.demand.last()
}

func (h *hearing) deadAfter() (rxvigil.Number, string) {
	return h.limit(rxvigil.UnknownNumber, rxvigil.NumberOf(int64(h.rule.Params.(DeadStock).Days)))
}

func describeDeadStock(h *hearing, _ verdict) description {
	values := rxvigil.FactsOf(named("on_hand", rxvigil.NumberValue(h.stock.OnHand)), named("last_sale", rxvigil.Null(rxvigil.TypeDay)), named("idle_days", rxvigil.Null(rxvigil.TypeNumber)))
	if last, sold := h.lastSale(); sold {
		values.Set("last_sale", rxvigil.ValueOf(rxvigil.TypeDay, last.String()))
		values.Set("idle_days", rxvigil.NumberValue(rxvigil.NumberOf(int64(last.Until(h.today)))))
	}
	days, source := h.deadAfter()
	d := description{values: values, threshold: &rxvigil.Threshold{Value: rxvigil.NumberValue(days), Source: source}}
	d.inputs = d.with("limit_days", days)
	return d
}
