package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// Reasons why a command was not applied.
const (
	ReasonNotOpen   = "not open"
	ReasonPast      = "until is not in the future"
	ReasonUnknown   = "unknown command"
	ReasonRecorded  = "already recorded"
	ReasonNoSnoozed = "not snoozed"

	ReasonNoRule     = "no rule of that name has a threshold"
	ReasonNoMedicine = "no such medicine"
	ReasonBelowZero  = "the value is no number from 0"
)

// obey carries out one command and answers it. Repeating one is harmless.
func (e *Engine) obey(c *Command) {
	if c.Op == RunTick {
		e.tick(c.Tick)
		return
	}
	r := Receipt{Operation: c.Operation}
	if c.Op == SetThreshold {
		r.Reason = e.setThreshold(c)
		r.Applied = r.Reason == ""
		e.answer(r)
		return
	}
	o := e.alerts.byID(c.Tenant, c.Alert)
	switch {
	case e.settled:
		r.Reason, r.Applied = ReasonRecorded, true
	case o == nil:
		r.Reason = ReasonNotOpen
	default:
		e.renew(o)
		r.Reason = e.obeyOpen(c, o)
		r.Applied = r.Reason == ""
	}
	if o != nil {
		a := o.alert
		e.say(&a, "")
		r.Alert = &a
	}
	e.answer(r)
}

// answer gives a receipt to whoever waits for one.
func (e *Engine) answer(r Receipt) {
	if r.Operation != "" {
		e.out.Receipts = append(e.out.Receipts, r)
	}
}

// obeyOpen gives the reason why the command was not applied, or none.
func (e *Engine) obeyOpen(c *Command, o *open) string {
	switch c.Op {
	case Acknowledge:
		return e.acknowledge(c, o)
	case Snooze:
		return e.snooze(c, o)
	case Unsnooze:
		return e.unsnooze(c, o)
	}
	return ReasonUnknown
}

// acknowledge marks an alert as seen. A lasting one ends by it: it is told as acknowledged, then as resolved, so that
// portals need to know nothing of lasting alerts.
func (e *Engine) acknowledge(c *Command, o *open) string {
	if o.alert.Status == rxvigil.Acknowledged {
		return ""
	}
	o.alert.AcknowledgedBy, o.alert.Note = c.By, c.Note
	e.step(o, rxvigil.Acknowledged, rxvigil.AlertAcknowledged, e.clock.now, c.By, c.Note)
	if k := e.kindOf(o.alert.Rule); k != nil && k.lasting {
		e.resolve(o, c.By, c.Note)
	}
	return ""
}

func (e *Engine) snooze(c *Command, o *open) string {
	deadline := c.Until.UTC().Truncate(time.Microsecond)
	if !deadline.After(e.clock.now) {
		return ReasonPast
	}
	if o.alert.Status == rxvigil.Snoozed && o.alert.SnoozedUntil != nil && o.alert.SnoozedUntil.Equal(deadline) {
		return ""
	}
	if c.Note != "" {
		o.alert.Note = c.Note
	}
	e.stepSnoozed(o, rxvigil.AlertSnoozed, deadline, c.By, c.Note)
	return ""
}

func (e *Engine) unsnooze(c *Command, o *open) string {
	if o.alert.Status != rxvigil.Snoozed {
		return ReasonNoSnoozed
	}
	e.step(o, rxvigil.Firing, rxvigil.AlertChanged, e.clock.now, c.By, c.Note)
	return ""
}

// tick judges all shelves of a tenant, unless that moment of the scan is known already. A settled one still tells the
// stock that the day took: events are not in the store.
func (e *Engine) tick(t Tick) {
	k := scanKey{t.Scan, t.Tenant}
	before := e.scans[k]
	if t.Wall <= e.scans[k] && !e.settled {
		return
	}
	e.scans[k] = max(e.scans[k], t.Wall)
	if !e.settled {
		e.out.Occurrences = append(e.out.Occurrences, t.occurrences(e.clock.now)...)
	}
	tenant := e.book.tenants[t.Tenant]
	if tenant == nil || t.Skip {
		return
	}
	e.judgeTenant(tenant, true)
	e.resolveUnjudged(func(o *open) bool { return o.alert.Tenant == t.Tenant }, false)
	if len(e.pack.Scans) > 0 && t.Scan == e.pack.Scans[0].Name {
		e.sumUp(tenant, t.Wall, before)
	}
}

// LastOccurrence is the newest known moment of a scan, empty when there was none.
func (e *Engine) LastOccurrence(scan string, t rxvigil.Tenant) string {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.scans[scanKey{scan, t}]
}
