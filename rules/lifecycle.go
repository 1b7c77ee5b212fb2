package rules

import (
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
	e.step(o, rxvigil.Firing, rxvigil.AlertRaised, e.clock.now, "", "")
	e.alerts.add(o)
	e.disturb(o)
	return o
}

// prove says by which commit the alert became what it is.
func (e *Engine) prove(o *open) {
	o.alert.Why.LSN, o.alert.Why.CommittedAt = rxvigil.FormatLSN(e.tx.LSN), e.tx.At
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
	e.attend(o)
	e.say(&o.alert, note)
	told := o.alert // the next step changes the alert, not what was told
	e.out.Transitions = append(e.out.Transitions, Transition{Alert: &told, From: from, Event: event, By: by, Note: note})
}

// change tells that rung, severity or a retold value moved. Risen severity ends an acknowledgement and a snooze.
func (e *Engine) change(o *open, to rxvigil.Severity, note string) {
	next := o.alert.Status
	if to.Rank() > o.alert.Severity.Rank() {
		next, o.alert.Reminders = rxvigil.Firing, 0
	}
	o.alert.Severity = to
	keep := o.alert.SnoozedUntil
	e.prove(o)
	if next == rxvigil.Snoozed {
		e.stepSnoozed(o, rxvigil.AlertChanged, *keep, "", note)
		return
	}
	e.step(o, next, rxvigil.AlertChanged, e.clock.now, "", note)
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
	if note == noteGone { // nothing is left to count: the numbers that were told last
		o.alert.Values, o.alert.Threshold = o.told.values, o.told.threshold
	}
	e.step(o, rxvigil.Resolved, rxvigil.AlertResolved, e.clock.now, by, note)
}

// Why an alert ended although its facts did not.
const (
	noteGone   = "subject gone"
	noteHidden = "another alert says more"
)
