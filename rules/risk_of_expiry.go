package rules

import (
	"errors"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// RiskOfExpiry are the parameters of will_not_sell_before_expiry.
type RiskOfExpiry struct {
	// LeastUnits and LeastValue are what must be at risk, both, before it is told. Where no cost is known, units alone count.
	LeastUnits rxvigil.Number `yaml:"least_units"`
	LeastValue rxvigil.Number `yaml:"least_value"`
}

// Kind is will_not_sell_before_expiry.
func (RiskOfExpiry) Kind() string { return "will_not_sell_before_expiry" }

func (p RiskOfExpiry) validate() error {
	for _, n := range []rxvigil.Number{p.LeastUnits, p.LeastValue} {
		if !n.Known() || n.Sign() < 0 {
			return errors.New("least_units and least_value are numbers from 0")
		}
	}
	return nil
}

// risk is what will expire on a shelf before it is sold, if lots are sold in the order in which they expire (FEFO).
type risk struct {
	units, value rxvigil.Number
	lots         []string
}

// risk gives each lot what is used until its day and not taken by the lots before it; what is more than that is at risk.
func (h *hearing) risk(f *forecast) risk {
	lots := h.datedLots()
	var r risk
	var taken rxvigil.Number // by the lots up to here
	for _, l := range lots {
		free := atLeastZero(f.over(max(0, h.today.Until(l.expires))).Sub(taken))
		used := l.onHand
		if free.Cmp(used) < 0 {
			used = free
		}
		taken = taken.Add(used)
		if left := l.onHand.Sub(used).Round(2); left.Sign() > 0 {
			r.units = r.units.Add(left)
			r.value = r.value.Add(left.Mul(h.costOf(l)))
			r.lots = append(r.lots, left.String()+" of "+l.name())
		}
	}
	return r
}

// datedLots are the lots that can be sold and expire, in the order in which they do. What never expires, or of which nobody knows
// when, is not at risk.
func (h *hearing) datedLots() []*lot {
	var lots []*lot
	for _, l := range h.shelf.lots {
		if l.usable(h.today) && l.flags&lotDated != 0 && l.expires.Finite() && l.onHand.Known() && l.onHand.Sign() > 0 {
			lots = append(lots, l)
		}
	}
	slices.SortFunc(lots, compareExpiry)
	return lots
}

// compareExpiry orders lots by the day they expire on.
func compareExpiry(a, b *lot) int {
	if a.expires != b.expires {
		return int(a.expires) - int(b.expires)
	}
	return strings.Compare(a.id(), b.id())
}

// costOf is a unit's cost: the lot's own, else the medicine's.
func (h *hearing) costOf(l *lot) rxvigil.Number {
	if l.cost != nil {
		return *l.cost
	}
	return h.shelf.medicine.cost()
}

func atLeastZero(n rxvigil.Number) rxvigil.Number {
	if n.Known() && n.Sign() < 0 {
		return rxvigil.Number{}
	}
	return n
}

// judgeRiskOfExpiry finds stock that will not be sold in time: all of it, where nothing is sold.
func judgeRiskOfExpiry(dst []verdict, h *hearing) []verdict {
	v := verdict{rung: "at_risk", severity: rxvigil.Warning}
	f := h.forecast()
	if !f.known() {
		v.finding, v.vague = unsure, true
		return append(dst, v)
	}
	p, r := h.rule.Params.(RiskOfExpiry), h.risk(&f)
	least, _ := h.leastValue()
	enough := !r.value.Known() || r.value.Cmp(least) >= 0
	if r.units.Sign() > 0 && r.units.Cmp(p.LeastUnits) >= 0 && enough {
		v.finding = fires
	}
	return append(dst, v)
}

func (h *hearing) leastValue() (rxvigil.Number, string) {
	return h.limit(rxvigil.UnknownNumber, h.rule.Params.(RiskOfExpiry).LeastValue)
}

func describeRiskOfExpiry(h *hearing, _ verdict) description {
	f := h.forecast()
	r := h.risk(&f)
	least, source := h.leastValue()
	values := rxvigil.FactsOf(
		named("units", rxvigil.NumberValue(r.units)), named("value", rxvigil.NumberValue(r.value.Trim())),
		named("lots", rxvigil.TextOf(strings.Join(r.lots, ", "))), named("available", rxvigil.NumberValue(h.stock.Available)),
	)
	d := description{values: values, threshold: &rxvigil.Threshold{Value: rxvigil.NumberValue(least), Source: source}}
	d.inputs = d.with("least_value", least)
	f.prove(&d.inputs)
	return d
}
