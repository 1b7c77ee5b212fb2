package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Override is the threshold of a rule that a person set for a medicine, in a branch or, where that is empty, in all of them.
type Override struct {
	Tenant   rxvigil.Tenant  `json:"-"`
	Rule     string          `json:"rule"`
	Medicine string          `json:"medicine"`
	Branch   rxvigil.Branch  `json:"branch,omitempty"`
	Value    *rxvigil.Number `json:"value"` // nil: it is withdrawn
	By       string          `json:"-"`
	At       time.Time       `json:"-"` // engine time
}

// overrideKey names the threshold of a rule that a person set for a medicine.
type overrideKey struct {
	rule, medicine string
	branch         rxvigil.Branch
}

// ThresholdLine is the threshold by which a rule judges a shelf, and where it comes from.
type ThresholdLine struct {
	Rule     string
	Branch   rxvigil.Branch
	Medicine string
	rxvigil.Threshold
}

// RestoreOverrides takes the overrides of the store.
func (e *Engine) RestoreOverrides(all []Override) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range all {
		e.book.tenant(all[i].Tenant).override(&all[i])
	}
}

func (t *tenant) override(o *Override) {
	k := overrideKey{cloned(o.Rule), cloned(o.Medicine), rxvigil.Branch(cloned(string(o.Branch)))}
	if o.Value == nil {
		delete(t.overrides, k)
		return
	}
	if t.overrides == nil {
		t.overrides = map[overrideKey]rxvigil.Number{}
	}
	t.overrides[k] = *o.Value
}

// override is the threshold that a person set for a shelf: for its branch, else for every branch.
func (s *shelf) override(rule string) (rxvigil.Number, bool) {
	t := s.medicine.tenant
	if len(t.overrides) == 0 {
		return rxvigil.UnknownNumber, false
	}
	n, ok := t.overrides[overrideKey{rule, s.medicine.id(), s.branch.id}]
	if !ok {
		n, ok = t.overrides[overrideKey{rule, s.medicine.id(), ""}]
	}
	return n, ok
}

// setThreshold sets or withdraws an override, judges the medicine's shelves by it, and gives the reason why not, or none.
func (e *Engine) setThreshold(c *Command) string {
	o := c.Override
	o.Tenant, o.By, o.At = c.Tenant, c.By, e.clock.now
	t := e.book.tenants[c.Tenant]
	r := e.ruleOf(o.Rule)
	switch {
	case r == nil || r.kind.limit == nil:
		return ReasonNoRule
	case o.Value != nil && (!o.Value.Known() || o.Value.Sign() < 0):
		return ReasonBelowZero
	case t == nil || t.known(o.Medicine) == nil:
		return ReasonNoMedicine
	}
	t.override(&o)
	e.out.Overrides = append(e.out.Overrides, o)
	for _, s := range t.known(o.Medicine).shelves {
		if o.Branch == "" || o.Branch == s.branch.id {
			e.judge(s)
		}
	}
	return ""
}

// Thresholds lists by which thresholds a medicine is judged, by rule and branch; no branch asks for all.
func (e *Engine) Thresholds(id rxvigil.Tenant, medicineID string, b rxvigil.Branch) []ThresholdLine {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil || t.medicines.get(medicineID) == nil {
		return nil
	}
	var lines []ThresholdLine
	for _, s := range t.medicines.get(medicineID).shelves {
		if len(s.lots) > 0 && s.in(b, nil) {
			lines = append(lines, e.thresholdsOf(s)...)
		}
	}
	slices.SortFunc(lines, func(x, y ThresholdLine) int {
		return cmp.Or(cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Branch, y.Branch))
	})
	return lines
}

func (e *Engine) thresholdsOf(s *shelf) (lines []ThresholdLine) {
	today := e.today(s)
	h := hearing{pack: &e.pack, today: today, shelf: s, stock: *s.stock(today), reading: true}
	for i := range e.rules {
		h.rule = &e.rules[i]
		if h.rule.kind.limit == nil {
			continue
		}
		n, source := h.rule.kind.limit(&h)
		lines = append(lines, ThresholdLine{
			Rule: h.rule.ID, Branch: s.branch.id, Medicine: s.medicine.id(), Threshold: rxvigil.Threshold{Value: rxvigil.NumberValue(n), Source: source},
		})
	}
	return lines
}

// Overrides lists what people set in a tenant, by rule, medicine and branch.
func (e *Engine) Overrides(id rxvigil.Tenant) []Override {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil {
		return nil
	}
	all := make([]Override, 0, len(t.overrides))
	for k, n := range t.overrides {
		all = append(all, Override{Tenant: id, Rule: k.rule, Medicine: k.medicine, Branch: k.branch, Value: &n})
	}
	slices.SortFunc(all, func(a, b Override) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Medicine, b.Medicine), cmp.Compare(a.Branch, b.Branch))
	})
	return all
}
