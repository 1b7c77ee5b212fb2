package rules

import "github.com/rxvigil/rxvigil"

// LedgerMismatch are the parameters of ledger_mismatch: it has none.
type LedgerMismatch struct{}

// Kind is ledger_mismatch.
func (LedgerMismatch) Kind() string { return "ledger_mismatch" }

func (LedgerMismatch) validate() error { return nil }

// judgeLedger compares what stands on the shelf with the sum of its movements, where any was ever seen.
func judgeLedger(dst []verdict, h *hearing) []verdict {
	v := verdict{rung: "mismatch", severity: rxvigil.Critical}
	switch drift := h.drift(); {
	case !drift.Known():
		v.finding, v.vague = unsure, true
	case drift.Sign() != 0:
		v.finding = fires
	}
	return append(dst, v)
}

// ledger is the sum of all movements, unknown when there were none or one of them is unknown.
func (h *hearing) ledger() rxvigil.Number {
	l := h.shelf.ledger
	if l == nil || l.seen == 0 || l.unknown > 0 {
		return rxvigil.UnknownNumber
	}
	return l.sum
}

func (h *hearing) drift() rxvigil.Number { return h.stock.OnHand.Sub(h.ledger()) }

func describeLedger(h *hearing, _ verdict) description {
	values := rxvigil.FactsOf(
		named("on_hand", rxvigil.NumberValue(h.stock.OnHand)),
		named("ledger", rxvigil.NumberValue(h.ledger())),
		named("drift", rxvigil.NumberValue(h.drift())),
	)
	return description{values: values, inputs: values}
}
