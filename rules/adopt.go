package rules

import (
	"cmp"
	"fmt"
	"slices"
)

// noteWithdrawn is the note of an alert whose rule is no longer in the pack.
const noteWithdrawn = "rule withdrawn"

// Adopt lets the engine judge by another pack from the next transaction on: everything is judged by it there, at one place in the
// log. An alert whose rule and subject stay is the same alert, with its status, its age and its episode; one whose rule is gone
// resolves. A pack that cannot be meant changes nothing.
func (e *Engine) Adopt(p Pack) error {
	pack, err := p.prepare()
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	asked, err := rulesOf(&pack)
	if err != nil {
		return fmt.Errorf("rules: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next = &adoption{pack, asked}
	return nil
}

// adoption is a pack that waits for its place in the log.
type adoption struct {
	pack  Pack
	rules []rule
}

// adopt begins to judge by the pack that waits. Transactions that the store has already were judged by the one before.
func (e *Engine) adopt() {
	if e.next == nil || e.settled {
		return
	}
	e.pack, e.rules, e.next = e.next.pack, e.next.rules, nil
	e.book.expiresOnStart = e.pack.ExpiresOnStart
	e.unknown = make([]int, len(e.rules))
	e.pass++
	for _, t := range e.book.tenants {
		t.eachShelf(func(s *shelf) {
			s.unknown = 0
			if s.demand != nil {
				s.demand.use.day = 0 // of another window, perhaps
			}
		})
		e.judgeTenant(t, false)
		e.judgeDocuments(t)
	}
	e.withdraw()
	e.resolveUnjudged(func(*open) bool { return true }, true)
}

// withdraw resolves the alerts of rules that are no longer asked.
func (e *Engine) withdraw() {
	var left []*open
	for _, t := range e.alerts.tenants {
		for _, o := range t {
			if e.ruleOf(o.alert.Rule) == nil {
				left = append(left, o)
			}
		}
	}
	slices.SortFunc(left, func(a, b *open) int { return cmp.Compare(a.alert.ID, b.alert.ID) })
	for _, o := range left {
		e.resolve(o, "", noteWithdrawn)
	}
}
