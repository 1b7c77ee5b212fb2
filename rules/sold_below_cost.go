package rules

import "github.com/rxvigil/rxvigil"

// SoldBelowCost are the parameters of sold_below_cost: it has none.
type SoldBelowCost struct{}

// Kind is sold_below_cost.
func (SoldBelowCost) Kind() string { return "sold_below_cost" }

func (SoldBelowCost) validate() error { return nil }

// reportBelowCost finds lines of sales that were sold, their discount taken off, for less than a unit costs: the lot's cost, else
// the medicine's. A list price below cost is price_below_cost's to tell, once and not with each sale.
func reportBelowCost(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold {
		return
	}
	for i := range s.lines {
		l := &s.lines[i]
		m := l.shelf.medicine
		cost := m.cost()
		if l.lot != nil && l.lot.cost != nil {
			cost = *l.lot.cost
		}
		net := l.price
		if l.discount.Known() && l.discount.Sign() > 0 {
			net = net.Sub(l.discount.Quo(l.quantity))
		}
		listed := m.price().Known() && m.cost().Known() && m.price().Cmp(m.cost()) < 0
		if listed || !net.Known() || !cost.Known() || net.Cmp(cost) >= 0 {
			continue
		}
		values := s.facts(l)
		values.Set("net", rxvigil.NumberValue(net.Round(4)))
		values.Set("cost", rxvigil.NumberValue(cost))
		e.report(r, s.tenant, incident{branch: s.branch.id, subject: s.subject(l), rung: "below_cost", severity: rxvigil.High, values: values})
	}
}
