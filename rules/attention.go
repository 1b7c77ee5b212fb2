package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// What becomes of an alert that fires and that nobody acknowledges: it is told again, and becomes more severe.

// remindAt is when the alert is told again; zero: never.
func (r *rule) remindAt(a *rxvigil.Alert) time.Time {
	if a.Status != rxvigil.Firing || r.Repeat.After == 0 || a.Reminders >= r.Repeat.most() {
		return time.Time{}
	}
	wait := r.Repeat.After
	for range a.Reminders {
		wait *= time.Duration(r.Repeat.factor())
	}
	return a.ChangedAt.Add(wait)
}

func (p *Repeat) most() int {
	if p.Most == 0 {
		return 5
	}
	return p.Most
}

func (p *Repeat) factor() int {
	if p.Factor == 0 {
		return 2
	}
	return p.Factor
}

// escalateAt is when the alert becomes more severe; zero: never.
func (r *rule) escalateAt(a *rxvigil.Alert) time.Time {
	if a.Status != rxvigil.Firing || r.Escalate.After == 0 || a.Escalated || a.Severity.Rank() >= r.Escalate.To.Rank() {
		return time.Time{}
	}
	return a.StartedAt.Add(r.Escalate.After)
}

// atLeast keeps an alert that was escalated from becoming milder than that.
func (r *rule) atLeast(a *rxvigil.Alert, s rxvigil.Severity) rxvigil.Severity {
	if a.Escalated && s.Rank() < r.Escalate.To.Rank() {
		return r.Escalate.To
	}
	return s
}

// attend notes when an alert is looked at again.
func (e *Engine) attend(o *open) {
	if until := o.alert.SnoozedUntil; until != nil {
		e.await(*until, o.alert.Tenant, alertKey+o.print)
	}
	if r := e.ruleOf(o.alert.Rule); r != nil {
		e.await(r.escalateAt(&o.alert), o.alert.Tenant, alertKey+o.print)
		e.await(r.remindAt(&o.alert), o.alert.Tenant, alertKey+o.print)
	}
}

// wakeAlert looks at an open alert whose time has come.
func (e *Engine) wakeAlert(t rxvigil.Tenant, print string, at time.Time) {
	o := e.alerts.byPrint(t, print)
	if o == nil {
		return
	}
	if until := o.alert.SnoozedUntil; o.alert.Status == rxvigil.Snoozed && until != nil && until.Equal(at) {
		e.renew(o)
		e.step(o, rxvigil.Firing, rxvigil.AlertChanged, at, "", "snooze ended")
		return
	}
	r := e.ruleOf(o.alert.Rule)
	switch {
	case r == nil:
	case r.escalateAt(&o.alert).Equal(at):
		e.renew(o)
		o.alert.Escalated = true
		e.change(o, r.Escalate.To, "nobody acknowledged it")
	case r.remindAt(&o.alert).Equal(at):
		e.renew(o)
		o.alert.Reminders++
		e.step(o, rxvigil.Firing, rxvigil.AlertChanged, e.clock.now, "", "reminder")
	}
}
