package rules

import "github.com/rxvigil/rxvigil"

const (
	rungOut = "out"
	rungLow = "low"
)

// judgeLowStock climbs one ladder: out when nothing is available, low at or below the reorder level. Low resolves only
// above Recovery times the level, so that a shelf at its minimum does not flap. Without a level only out can be judged.
func judgeLowStock(dst []verdict, h *hearing) []verdict {
	available, level := h.stock.Available, h.shelf.medicine.reorder
	v := verdict{vague: !level.Known()}
	switch {
	case !available.Known():
		v.finding = unsure
	case available.Sign() <= 0:
		v.finding, v.rung, v.severity = fires, rungOut, rxvigil.Critical
	case !level.Known():
		v.finding = clears
	case available.Cmp(level) <= 0:
		v.finding, v.rung, v.severity = fires, rungLow, rxvigil.Warning
	case available.Cmp(h.recovery()) <= 0:
		v.finding, v.rung, v.severity = holds, rungLow, rxvigil.Warning
	}
	return append(dst, v)
}

// recovery is the stock that must be exceeded; the level itself when the product does not fit a number.
func (h *hearing) recovery() rxvigil.Number {
	level := h.shelf.medicine.reorder
	if n := level.Mul(h.pack.Recovery); n.Known() {
		return n
	}
	return level
}

func describeLowStock(h *hearing, _ verdict) description {
	level := h.shelf.medicine.reorder
	d := description{values: rxvigil.Facts{
		"available": rxvigil.NumberValue(h.stock.Available),
		"min":       rxvigil.NumberValue(level),
		"on_hand":   rxvigil.NumberValue(h.stock.OnHand),
		"reserved":  rxvigil.NumberValue(h.stock.Reserved),
	}}
	d.inputs = d.with("resolves_above", rxvigil.NumberOf(0))
	d.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(0)), Source: "rule"}
	if level.Known() {
		d.inputs = d.with("resolves_above", h.recovery())
		d.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(level), Source: "app"}
	}
	return d
}
