package rules

import (
	"fmt"
	"slices"
)

// Inhibition keeps alerts from being told beside one that says more: what is found of the same lot, or of its shelf, by a rule that
// is hidden counts as not found while the other fires. The rule that hides stands in the pack before those that it hides.
type Inhibition struct {
	By    string
	Rungs []string // of the alert that hides; none: all
	Hides []string // rules
}

func (i *Inhibition) validate(rules []Rule) error {
	at := func(id string) int { return slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id }) }
	by := at(i.By)
	if by < 0 {
		return fmt.Errorf("pack: an inhibition names the rule %q, which is not in the pack", i.By)
	}
	for _, id := range i.Hides {
		switch hidden := at(id); {
		case hidden < 0:
			return fmt.Errorf("pack: an inhibition names the rule %q, which is not in the pack", id)
		case hidden <= by:
			return fmt.Errorf("pack: rule %q hides %q, and must stand before it", i.By, id)
		}
	}
	return nil
}

func (p *Pack) inhibitionsBy(id string) []Inhibition {
	var all []Inhibition
	for _, i := range p.Inhibit {
		if i.By == id {
			all = append(all, i)
		}
	}
	return all
}

// hidden is a rule that is not to be told of a lot; of the whole shelf where there is no lot.
type hidden struct {
	rule string
	lot  *lot
}

// hide notes what a verdict hides.
func (e *Engine) hide(r *rule, v verdict) {
	for i := range r.hides {
		if h := &r.hides[i]; len(h.Rungs) == 0 || slices.Contains(h.Rungs, v.rung) {
			for _, id := range h.Hides {
				e.hidden = append(e.hidden, hidden{id, v.lot})
			}
		}
	}
}

// isHidden tells whether what a rule finds is hidden.
func (e *Engine) isHidden(r *rule, v verdict) bool {
	return slices.ContainsFunc(e.hidden, func(h hidden) bool { return h.rule == r.ID && (h.lot == nil || h.lot == v.lot) })
}
