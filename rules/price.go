package rules

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// PriceBelowCost are the parameters of price_below_cost.
type PriceBelowCost struct {
	// Margin is the least share of the price that must be left above the cost; 0: the price must not be below the cost.
	Margin rxvigil.Number
}

// Kind is price_below_cost.
func (PriceBelowCost) Kind() string { return "price_below_cost" }

func (p PriceBelowCost) validate() error {
	if !p.Margin.Known() || p.Margin.Sign() < 0 || p.Margin.Cmp(rxvigil.NumberOf(1)) >= 0 {
		return fmt.Errorf("margin %s is not between 0 and 1", p.Margin)
	}
	return nil
}

// PriceChange are the parameters of price_change.
type PriceChange struct {
	// Share of the old price that a new one may differ by.
	Share rxvigil.Number
}

// Kind is price_change.
func (PriceChange) Kind() string { return "price_change" }

func (p PriceChange) validate() error {
	if !p.Share.Known() || p.Share.Sign() <= 0 {
		return fmt.Errorf("share %s is not above 0", p.Share)
	}
	return nil
}

// priceChange is a medicine that the transaction at hand changed, and its price before.
type priceChange struct {
	medicine *medicine
	old      rxvigil.Number
}

// judgePrices asks the rules about the medicines that the transaction changed.
func (e *Engine) judgePrices() {
	for _, c := range e.prices {
		for i := range e.rules {
			switch r := &e.rules[i]; p := r.Params.(type) {
			case PriceBelowCost:
				e.judgeMargin(r, p, c)
			case PriceChange:
				e.judgePriceChange(r, p, c)
			}
		}
	}
	clear(e.prices)
	e.prices = e.prices[:0]
}

func (m *medicine) subject() rxvigil.Subject {
	return rxvigil.Subject{Type: subjectMedicine, ID: m.id(), Name: m.name()}
}

// judgeMargin compares what a medicine is sold for with what it costs: of the whole tenant, for prices have no branch.
func (e *Engine) judgeMargin(r *rule, p PriceBelowCost, c priceChange) {
	m := c.medicine
	if !m.present {
		e.endStanding(r, m.tenant, "", m.subject())
		return
	}
	least := m.cost()
	if p.Margin.Sign() > 0 {
		least = m.cost().Quo(rxvigil.NumberOf(1).Sub(p.Margin))
	}
	s := state{subject: m.subject(), verdict: verdict{rung: "below_cost", severity: rxvigil.High}}
	switch {
	case !m.price().Known() || !least.Known():
		s.finding = unsure
	case m.price().Cmp(least) < 0:
		s.finding = fires
	}
	if s.finding != fires && e.alerts.perRule[r.ID] == 0 { // as with nearly every price
		return
	}
	s.values = rxvigil.FactsOf(
		named("price", rxvigil.NumberValue(m.price())), named("cost", rxvigil.NumberValue(m.cost())), named("least", rxvigil.NumberValue(least.Round(4))),
	)
	s.inputs = s.with("old_price", c.old) // only the transaction that raises it knows
	s.threshold = &rxvigil.Threshold{Value: s.values.Get("least"), Source: sourceApp}
	e.stand(r, m.tenant, s)
}

// judgePriceChange finds a price that moved by more than a share of the old one, up or down. A price below cost is told as that.
func (e *Engine) judgePriceChange(r *rule, p PriceChange, c priceChange) {
	m := c.medicine
	share := m.price().Sub(c.old).Quo(c.old)
	if !m.present || !share.Known() || m.cost().Known() && m.price().Cmp(m.cost()) < 0 {
		return
	}
	off := share
	if off.Sign() < 0 {
		off = off.Neg()
	}
	if off.Cmp(p.Share) <= 0 {
		return
	}
	e.report(r, m.tenant, incident{
		subject: m.subject(), rung: "changed", severity: rxvigil.High,
		values: rxvigil.FactsOf(
			named("price", rxvigil.NumberValue(m.price())), named("old_price", rxvigil.NumberValue(c.old)),
			named("percent", rxvigil.NumberValue(share.Mul(rxvigil.NumberOf(100)).Round(1))),
		),
		limit: &rxvigil.Threshold{Value: rxvigil.NumberValue(p.Share), Source: sourceRule},
	})
}
