package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// hold is a finding that waits before it counts: that something is so, before an alert is raised (for), or that it is so no more,
// before the alert resolves (keep_firing_for). Nobody is told of it.
type hold struct {
	Rule     string
	Branch   rxvigil.Branch
	Medicine string // where it stands
	Subject  string // type and id
	Clears   bool
	Due      time.Time
	pass     uint64 // the last judgement that found it so
}

func (h *hold) key() string {
	form := formPending
	if h.Clears {
		form = formClearing
	}
	return strings.Join([]string{form, h.Rule, string(h.Branch), h.Subject}, "/")
}

func (h *hold) due() time.Time { return h.Due }

// wake judges the shelf again: what still holds counts now.
func (h *hold) wake(e *Engine, t *tenant) { e.judgeNamed(t, h.Medicine, h.Branch) }

func (e *Engine) judgeNamed(t *tenant, medicineID string, b rxvigil.Branch) {
	if s := e.book.find(t.id, b, medicineID); s != nil {
		e.judge(s)
	}
}

// held tells whether a finding has to wait still; how long it must last is the rule's.
func (e *Engine) held(r *rule, h *hearing, v verdict, clears bool, lasts time.Duration) bool {
	if lasts == 0 {
		return false
	}
	if e.refreshing {
		return true // what waits was remembered
	}
	t := h.shelf.medicine.tenant
	w := h.hold(r, v, clears)
	w.Due = e.clock.now.Add(lasts)
	if kept, waits := t.matters[w.key()].(*hold); waits {
		kept.pass = e.pass
		return e.clock.now.Before(kept.Due)
	}
	w.pass = e.pass
	e.keep(t, w)
	return true
}

// abide lets what waits wait on, where nobody can tell.
func (e *Engine) abide(r *rule, h *hearing, v verdict, clears bool) {
	if !r.waits() {
		return
	}
	if kept, waits := h.shelf.medicine.tenant.matters[h.hold(r, v, clears).key()].(*hold); waits {
		kept.pass = e.pass
	}
}

// releaseLeft forgets what waits on a shelf and was not found again: its subject is gone.
func (e *Engine) releaseLeft(s *shelf) {
	for _, w := range slices.Clone(s.holds()) {
		if w.pass != e.pass {
			e.settleMatter(s.medicine.tenant, w)
		}
	}
}

// release forgets that a finding waits.
func (e *Engine) release(r *rule, h *hearing, v verdict, clears bool) {
	t := h.shelf.medicine.tenant
	if len(t.matters) == 0 || !r.waits() || e.refreshing {
		return
	}
	e.settleMatter(t, h.hold(r, v, clears))
}

func (h *hearing) hold(r *rule, v verdict, clears bool) *hold {
	subject := h.subject(v)
	return &hold{
		Rule: r.ID, Branch: h.shelf.branch.id, Medicine: h.shelf.medicine.id(), Subject: subject.Type + "/" + subject.ID, Clears: clears,
	}
}

// waits tells whether findings of the rule ever wait.
func (r *rule) waits() bool { return r.For > 0 || r.KeepFiringFor > 0 || r.Flap.Times > 0 }
