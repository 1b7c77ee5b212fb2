package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// raise opens a new episode of a fingerprint.
func (e *Engine) raise(print string, a rxvigil.Alert, home shelfKey) *open {
	episode := e.alerts.episodes[print] + 1
	e.alerts.episodes[print] = episode
	a.ID, a.Episode, a.StartedAt = rxvigil.AlertID(print, episode), episode, e.clock.now
	o := &open{alert: a, print: print, home: home}
	e.prove(o)
	e.say(o)
	e.step(o, rxvigil.Firing, rxvigil.AlertRaised, e.clock.now, "", "")
	e.alerts.add(o)
	return o
}

// prove says by which commit the alert became what it is.
func (e *Engine) prove(o *open) {
	o.alert.Why.LSN, o.alert.Why.CommittedAt = rxvigil.FormatLSN(e.tx.LSN), e.tx.At
}

func (e *Engine) say(o *open) {
	if k := e.kindOf(o.alert.Rule); k != nil {
		o.alert.Message = k.sentence(&o.alert)
	}
}

// step moves an alert to a status and tells it. Every transition goes through here: the version rises by one.
func (e *Engine) step(o *open, to rxvigil.Status, event rxvigil.EventType, at time.Time, by, note string) {
	from := o.alert.Status
	if !from.CanBecome(to) {
		panic("rules: " + string(from) + " alert cannot become " + string(to))
	}
	o.alert.Status, o.alert.ChangedAt = to, at
	o.alert.Version++
	o.remember()
	if to != rxvigil.Snoozed {
		o.alert.SnoozedUntil = nil
	}
	if to == rxvigil.Firing {
		o.alert.AcknowledgedBy, o.alert.Note = "", ""
	}
	if to != rxvigil.Resolved {
		e.alerts.index(o)
	}
	e.out.Transitions = append(e.out.Transitions, Transition{Alert: o.alert, From: from, Event: event, By: by, Note: note})
}

// change tells that rung, severity or a retold value moved. Risen severity ends an acknowledgement and a snooze.
func (e *Engine) change(o *open, to rxvigil.Severity) {
	next := o.alert.Status
	if to.Rank() > o.alert.Severity.Rank() {
		next = rxvigil.Firing
	}
	o.alert.Severity = to
	keep := o.alert.SnoozedUntil
	e.prove(o)
	e.say(o)
	if next == rxvigil.Snoozed {
		e.stepSnoozed(o, rxvigil.AlertChanged, *keep, "", "")
		return
	}
	e.step(o, next, rxvigil.AlertChanged, e.clock.now, "", "")
}

func (e *Engine) stepSnoozed(o *open, event rxvigil.EventType, deadline time.Time, by, note string) {
	o.alert.SnoozedUntil = new(deadline)
	e.step(o, rxvigil.Snoozed, event, e.clock.now, by, note)
}

// resolve ends the episode: always told, also of acknowledged and snoozed alerts.
func (e *Engine) resolve(o *open, by, note string) {
	o.alert.ResolvedAt = new(e.clock.now)
	e.prove(o)
	e.alerts.remove(o)
	status := o.alert.Status
	o.alert.Status = rxvigil.Resolved
	switch k := e.kindOf(o.alert.Rule); {
	case note == noteGone: // nothing is left to count: the numbers that were told last
		o.alert.Values, o.alert.Threshold = o.told.values, o.told.threshold
		o.alert.Message = saysGone(&o.alert)
	case k != nil:
		o.alert.Message = k.sentence(&o.alert)
	}
	o.alert.Status = status
	e.step(o, rxvigil.Resolved, rxvigil.AlertResolved, e.clock.now, by, note)
}

const noteGone = "subject gone"

// wake ends the snoozes whose time has come, in order of their deadlines, each at its own.
func (e *Engine) wake() {
	if len(e.alerts.snoozed) == 0 || e.settled {
		return
	}
	var due []*open
	for o := range e.alerts.snoozed {
		if o.alert.SnoozedUntil == nil || !o.alert.SnoozedUntil.After(e.clock.now) {
			due = append(due, o)
		}
	}
	slices.SortFunc(due, func(a, b *open) int {
		return cmp.Or(deadline(a).Compare(deadline(b)), cmp.Compare(a.alert.ID, b.alert.ID))
	})
	for _, o := range due {
		e.renew(o)
		e.step(o, rxvigil.Firing, rxvigil.AlertChanged, deadline(o), "", "snooze ended")
	}
}

func deadline(o *open) time.Time {
	if o.alert.SnoozedUntil == nil {
		return o.alert.ChangedAt
	}
	return *o.alert.SnoozedUntil
}
