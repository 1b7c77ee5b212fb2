package rules

import (
	"slices"

	"github.com/rxvigil/rxvigil"
)

// ExpiredDispense are the parameters of expired_dispense.
type ExpiredDispense struct {
	// Possible also tells of sales that name no lot where only some of the lots in stock had expired.
	Possible bool
}

// Kind is expired_dispense.
func (ExpiredDispense) Kind() string { return "expired_dispense" }

func (ExpiredDispense) validate() error { return nil }

// The rungs of expired_dispense.
const (
	rungCertain  = "certain"
	rungPossible = "possible"
)

// reportExpired finds sales of lots that had expired on the day of the sale.
func reportExpired(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold {
		return
	}
	for i := range s.lines {
		l := &s.lines[i]
		rung, severity := rungCertain, rxvigil.Critical
		switch candidates, expired := e.couldBe(s, l); {
		case candidates == 0 || expired == 0:
			continue
		case expired < candidates:
			if rung, severity = rungPossible, rxvigil.High; !r.Params.(ExpiredDispense).Possible {
				continue
			}
		}
		values := s.facts(l)
		values.Set("expired", rxvigil.Null(rxvigil.TypeDay))
		if l.lot != nil {
			values.Set("expired", rxvigil.ValueOf(rxvigil.TypeDay, l.lot.expires.String()))
		}
		e.report(r, s.tenant, incident{branch: s.branch.id, subject: s.subject(l), rung: rung, severity: severity, values: values})
	}
}

// couldBe counts the lots that a line may have been sold from, and those of them that had expired: the one it names, else all that
// had something in them before or after the transaction.
func (e *Engine) couldBe(s *saleChange, l *soldLine) (candidates, expired int) {
	lots := l.shelf.lots
	if l.lot != nil {
		lots = []*lot{l.lot}
	}
	for _, lot := range lots {
		stocked := lot == l.lot || lot.onHand.Known() && lot.onHand.Sign() > 0 || slices.Contains(e.emptied, lot)
		if !stocked {
			continue
		}
		candidates++
		if lot.expired(s.day) {
			expired++
		}
	}
	return candidates, expired
}
