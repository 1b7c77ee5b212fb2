package rules

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// LowStock are the parameters of low_stock.
type LowStock struct {
	// Recovery is the factor of the level that stock must exceed before the alert resolves; at least 1.
	Recovery rxvigil.Number
	// Graded makes low stock high when it lasts less than lead time and safety stock, and critical when it lasts less than the
	// lead time: the order would come too late. Without it low is a warning.
	Graded bool
	// Listed counts only levels that a person, the app or the pack says, and none that the shelf's own use would make.
	Listed bool
}

// Kind is low_stock.
func (LowStock) Kind() string { return "low_stock" }

func (p LowStock) validate() error {
	if !p.Recovery.Known() || p.Recovery.Cmp(rxvigil.NumberOf(1)) < 0 {
		return fmt.Errorf("recovery %s is below 1", p.Recovery)
	}
	return nil
}

const (
	rungOut = "out"
	rungLow = "low"
)

// judgeLowStock climbs one ladder: out when nothing is available, low at or below the level. Low resolves only above Recovery
// times the level, so that a shelf at its minimum does not flap. Where neither a person nor the app says a level it is MIN by the
// shelf's own use; without that, too, only out can be judged.
func judgeLowStock(dst []verdict, h *hearing) []verdict {
	available := h.stock.Available
	level, _ := h.level()
	v := verdict{vague: !level.Known()}
	switch {
	case !available.Known():
		v.finding = unsure
	case available.Sign() <= 0:
		v.finding, v.rung, v.severity = fires, rungOut, rxvigil.Critical
	case !level.Known():
		v.finding = clears
	case available.Cmp(level) <= 0:
		v.finding, v.rung, v.severity = fires, rungLow, h.urgency()
	case available.Cmp(h.recovery(level)) <= 0:
		v.finding, v.rung, v.severity = holds, rungLow, h.urgency()
	}
	return append(dst, v)
}

// level is the stock at or below which a shelf is low.
func (h *hearing) level() (rxvigil.Number, string) {
	level, source := h.limit(h.shelf.reorder(), rxvigil.UnknownNumber)
	if level.Known() || h.rule.Params.(LowStock).Listed {
		return level, source
	}
	f := h.forecast()
	return f.min().Trim(), sourceUse
}

// urgency compares how long the stock lasts with how long an order takes.
func (h *hearing) urgency() rxvigil.Severity {
	f := h.forecast()
	if !h.rule.Params.(LowStock).Graded || !f.sells() {
		return rxvigil.Warning
	}
	cover, lead := f.cover(h.stock.Available), rxvigil.NumberOf(int64(f.supply.LeadDays))
	safe := lead.Add(f.cover(f.safety()))
	switch {
	case cover.Known() && cover.Cmp(lead) < 0:
		return rxvigil.Critical
	case cover.Known() && safe.Known() && cover.Cmp(safe) < 0:
		return rxvigil.High
	}
	return rxvigil.Warning
}

// recovery is the stock that must be exceeded; the level itself when the product does not fit a number.
func (h *hearing) recovery(level rxvigil.Number) rxvigil.Number {
	if n := level.Mul(h.rule.Params.(LowStock).Recovery); n.Known() {
		return n
	}
	return level
}

func describeLowStock(h *hearing, _ verdict) description {
	level, source := h.level()
	d := description{values: rxvigil.FactsOf(
		named("available", rxvigil.NumberValue(h.stock.Available)),
		named("min", rxvigil.NumberValue(level)),
		named("on_hand", rxvigil.NumberValue(h.stock.OnHand)),
		named("reserved", rxvigil.NumberValue(h.stock.Reserved)),
	)}
	f := h.forecast()
	if f.sells() {
		f.tell(&d.values, h.stock.Available)
	}
	d.inputs = d.with("resolves_above", rxvigil.NumberOf(0))
	d.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(0)), Source: sourceRule}
	if level.Known() {
		d.inputs = d.with("resolves_above", h.recovery(level))
		d.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(level), Source: source}
	}
	f.prove(&d.inputs)
	return d
}
