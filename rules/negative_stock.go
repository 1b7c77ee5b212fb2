package rules

import (
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// NegativeStock are the parameters of negative_stock: it has none.
type NegativeStock struct{}

// Kind is negative_stock.
func (NegativeStock) Kind() string { return "negative_stock" }

func (NegativeStock) validate() error { return nil }

// judgeNegativeStock finds lots whose numbers cannot be: on_hand or reserved below zero, or more reserved than there is.
func judgeNegativeStock(dst []verdict, h *hearing) []verdict {
	v := verdict{rung: "negative", severity: rxvigil.Critical}
	reserves := h.shelf.reserves()
	for _, l := range h.shelf.lots {
		reserved := l.reservedOn(reserves)
		if !l.onHand.Known() || !reserved.Known() {
			v.vague = true
		}
		if impossible(l.onHand, reserved) {
			v.finding = fires
		}
	}
	if v.vague && v.finding != fires {
		v.finding = unsure
	}
	return append(dst, v)
}

func impossible(onHand, reserved rxvigil.Number) bool {
	return onHand.Known() && onHand.Sign() < 0 ||
		reserved.Known() && reserved.Sign() < 0 ||
		onHand.Known() && reserved.Known() && reserved.Cmp(onHand) > 0
}

func describeNegativeStock(h *hearing, _ verdict) description {
	values := rxvigil.FactsOf(named("lots", rxvigil.TextOf(h.impossibleLots())))
	inputs := rxvigil.FactsOf(
		named("lots", values.Get("lots")),
		named("on_hand", rxvigil.NumberValue(h.stock.OnHand)),
		named("reserved", rxvigil.NumberValue(h.stock.Reserved)),
	)
	return description{values: values, inputs: inputs}
}

// impossibleLots lists the lots at fault by number: "ALU-A1: on_hand 13, reserved -4; ALU-A2: …". A lot that is the
// medicine's own row needs no name.
func (h *hearing) impossibleLots() string {
	reserves := h.shelf.reserves()
	var texts []string
	for _, l := range h.shelf.lots {
		if impossible(l.onHand, l.reservedOn(reserves)) {
			texts = append(texts, h.lotText(l, reserves))
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, "; ")
}

func (h *hearing) lotText(l *lot, reserves bool) string {
	text := "on_hand " + l.onHand.String()
	if reserves {
		text += ", reserved " + numberAt(l.reserved).String()
	}
	if l.id() == h.shelf.medicine.id() {
		return text
	}
	return l.name() + ": " + text
}
