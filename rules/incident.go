package rules

import "github.com/rxvigil/rxvigil"

// incident is something that happened. It stays an alert until somebody acknowledges it: facts that come later do not undo it.
type incident struct {
	branch   rxvigil.Branch
	subject  rxvigil.Subject
	rung     string
	severity rxvigil.Severity
	values   rxvigil.Facts
	inputs   rxvigil.Facts // nil: the values
	limit    *rxvigil.Threshold
}

// The types of subjects that stand on no shelf.
const (
	subjectSale         = "sale"
	subjectPrescription = "prescription"
	subjectPatient      = "patient"
	subjectSensor       = "sensor"
	subjectBranch       = "branch"
)

// report raises an incident, unless it is open already.
func (e *Engine) report(r *rule, t *tenant, i incident) {
	print := rxvigil.Fingerprint(t.id, i.branch, r.ID, i.subject.Type, i.subject.ID)
	if e.settled || e.alerts.byPrint(t.id, print) != nil {
		return
	}
	if r.Severity != "" {
		i.severity = r.Severity
	}
	if i.inputs == nil {
		i.inputs = i.values
	}
	e.raise(print, rxvigil.Alert{
		Rule: r.ID, Kind: r.kind.name, Severity: i.severity, Rung: i.rung, Tenant: t.id, Branch: i.branch, Subject: i.subject,
		Values: i.values, Threshold: i.limit, Why: rxvigil.Why{Inputs: i.inputs},
	}, shelfKey{})
}

// state is what a rule found about something that stands on no shelf: an open prescription, a medicine's price.
type state struct {
	branch  rxvigil.Branch
	subject rxvigil.Subject
	verdict
	description
}

// stand brings the one alert about it in line.
func (e *Engine) stand(r *rule, t *tenant, s state) {
	print := rxvigil.Fingerprint(t.id, s.branch, r.ID, s.subject.Type, s.subject.ID)
	o := e.alerts.byPrint(t.id, print)
	if r.Severity != "" {
		s.severity = r.Severity
	}
	switch {
	case o == nil && s.finding == fires && !e.settled:
		o = e.raise(print, rxvigil.Alert{
			Rule: r.ID, Kind: r.kind.name, Severity: s.severity, Rung: s.rung, Tenant: t.id, Branch: s.branch, Subject: s.subject,
			Values: s.values, Threshold: s.threshold, Why: rxvigil.Why{Inputs: s.inputs},
		}, shelfKey{})
		o.pass = e.pass
	case o != nil:
		e.restand(r, o, s)
	}
}

func (e *Engine) restand(r *rule, o *open, s state) {
	o.pass = e.pass
	o.alert.Subject, o.alert.Values, o.alert.Threshold = s.subject, s.values, s.threshold
	switch {
	case e.settled:
	case s.finding == clears:
		e.resolve(o, "", "")
	case s.finding == fires && (o.alert.Rung != s.rung || o.alert.Severity != r.atLeast(&o.alert, s.severity)):
		o.alert.Rung, o.alert.Why.Inputs = s.rung, s.inputs
		e.change(o, r.atLeast(&o.alert, s.severity), "")
	}
}

// endStanding resolves the alert about something that is no more.
func (e *Engine) endStanding(r *rule, t *tenant, branch rxvigil.Branch, subject rxvigil.Subject) {
	print := rxvigil.Fingerprint(t.id, branch, r.ID, subject.Type, subject.ID)
	if o := e.alerts.byPrint(t.id, print); o != nil && !e.settled {
		e.resolve(o, "", noteGone)
	}
}
