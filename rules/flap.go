package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// flapping is how often an alert was raised of late. It is remembered until the last time is long ago.
type flapping struct {
	Rule     string
	Branch   rxvigil.Branch
	Medicine string
	Subject  string
	Raised   []time.Time
	Due      time.Time
}

func (f *flapping) key() string {
	return strings.Join([]string{formFlap, f.Rule, string(f.Branch), f.Subject}, "/")
}

func (f *flapping) due() time.Time { return f.Due }

// wake takes the mark off.
func (f *flapping) wake(e *Engine, t *tenant) {
	e.settleMatter(t, f)
	e.judgeNamed(t, f.Medicine, f.Branch)
}

// noteRaised counts that an alert of a shelf is raised.
func (e *Engine) noteRaised(r *rule, h *hearing, v verdict) {
	if r.Flap.Times == 0 {
		return
	}
	t := h.shelf.medicine.tenant
	w := h.hold(r, v, false)
	f := &flapping{Rule: r.ID, Branch: w.Branch, Medicine: w.Medicine, Subject: w.Subject}
	if old, ok := t.matters[f.key()].(*flapping); ok {
		f.Raised = slices.DeleteFunc(slices.Clone(old.Raised), func(at time.Time) bool { return e.clock.now.Sub(at) > r.Flap.Within })
	}
	f.Raised = append(f.Raised, e.clock.now)
	f.Due = e.clock.now.Add(r.Flap.Within)
	e.keep(t, f)
}

// flaps tells whether an alert comes and goes.
func (r *rule) flaps(h *hearing, v verdict) bool {
	if r.Flap.Times == 0 {
		return false
	}
	w := h.hold(r, v, false)
	f, ok := h.shelf.medicine.tenant.matters[(&flapping{Rule: r.ID, Branch: w.Branch, Subject: w.Subject}).key()].(*flapping)
	return ok && len(f.Raised) >= r.Flap.Times
}

// lingers is how long facts must be gone before the alert resolves.
func (r *rule) lingers(h *hearing, v verdict) time.Duration {
	if r.flaps(h, v) {
		return max(r.KeepFiringFor, r.Flap.Hold)
	}
	return r.KeepFiringFor
}
