package rules

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// Limit is the threshold of a rule for a part of the stock. The most particular one counts: of a medicine, of a category, of a
// branch, of a tenant; an override by a person and the app's own column go before all of them.
type Limit struct {
	Rule     string
	Tenant   rxvigil.Tenant // empty: every tenant
	Branch   rxvigil.Branch
	Category string
	Medicine string
	Value    rxvigil.Number
}

// Where a threshold comes from, the most particular first.
const (
	sourceOverride = "override"
	sourceApp      = "app"
	sourceMedicine = "medicine"
	sourceCategory = "category"
	sourceBranch   = "branch"
	sourceTenant   = "tenant"
	sourceUse      = "usage" // no limit at all: what the shelf sells
	sourceRule     = "rule"
)

// limit is the threshold by which the rule at hand judges the shelf, and where it comes from: an override, the app's own column,
// the pack's limits, or the usual value of the rule.
func (h *hearing) limit(column, usual rxvigil.Number) (rxvigil.Number, string) {
	if n, ok := h.shelf.override(h.rule.ID); ok {
		return n, sourceOverride
	}
	if column.Known() {
		return column, sourceApp
	}
	best, source := usual, sourceRule
	rank := 0
	for i := range h.rule.limits {
		l := &h.rule.limits[i]
		if r := l.rank(); r > rank && l.covers(h.shelf) {
			best, source, rank = l.Value, limitSources[r], r
		}
	}
	return best, source
}

var limitSources = [...]string{sourceRule, sourceTenant, sourceBranch, sourceCategory, sourceMedicine} //nolint:gochecknoglobals // a table, never written

// rank orders limits: the higher, the more particular.
func (l *Limit) rank() int {
	switch {
	case l.Medicine != "":
		return 4
	case l.Category != "":
		return 3
	case l.Branch != "":
		return 2
	}
	return 1
}

func (l *Limit) covers(s *shelf) bool {
	m := s.medicine
	return (l.Tenant == "" || l.Tenant == m.tenant.id) && (l.Branch == "" || l.Branch == s.branch.id) &&
		(l.Category == "" || l.Category == m.category()) && (l.Medicine == "" || l.Medicine == m.id())
}

func (l *Limit) validate(rules map[string]bool) error {
	switch {
	case !rules[l.Rule]:
		return fmt.Errorf("pack: a limit names the rule %q, which is not in the pack", l.Rule)
	case !l.Value.Known() || l.Value.Sign() < 0:
		return fmt.Errorf("pack: a limit of rule %q is no number from 0", l.Rule)
	}
	return nil
}

func (p *Pack) limitsOf(rule string) []Limit {
	var all []Limit
	for _, l := range p.Limits {
		if l.Rule == rule {
			all = append(all, l)
		}
	}
	return all
}
