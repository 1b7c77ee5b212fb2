package rules

import "github.com/rxvigil/rxvigil"

// Oversell are the parameters of oversell: it has none.
type Oversell struct{}

// Kind is oversell.
func (Oversell) Kind() string { return "oversell" }

func (Oversell) validate() error { return nil }

// reportOversell finds sales of more than there was before the transaction. A sale that was opened in an earlier one has perhaps
// taken its stock already: it is judged only where stock left with its completion.
func reportOversell(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold {
		return
	}
	for _, l := range s.byShelf() {
		before, after := e.stockAround(l.shelf)
		if before == nil || !s.created && (after == nil || after.OnHand.Cmp(before.OnHand) >= 0) {
			continue
		}
		if !l.quantity.Known() || !before.OnHand.Known() || l.quantity.Cmp(before.OnHand) <= 0 {
			continue
		}
		l.lot = nil
		values := s.facts(&l)
		values.Set("on_hand", rxvigil.NumberValue(before.OnHand))
		e.report(r, s.tenant, incident{branch: s.branch.id, subject: s.subject(&l), rung: "oversold", severity: rxvigil.Critical, values: values})
	}
}

// stockAround is a shelf's stock before and after the transaction at hand.
func (e *Engine) stockAround(s *shelf) (before, after *rxvigil.Stock) {
	after = s.stock(e.dayOf(s))
	if s.mark == 0 {
		return after, after
	}
	return e.touched[s.mark-1].before, after
}
