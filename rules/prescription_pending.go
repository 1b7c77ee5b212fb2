package rules

import (
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// PrescriptionPending are the parameters of prescription_pending.
type PrescriptionPending struct {
	// After is how long a prescription may wait; High is when that becomes severe.
	After, High time.Duration
	// Partial is how long the balance of one that was dispensed in part may wait.
	Partial time.Duration
	// Hours are when the pharmacy works: only they count as waiting. Nil: every hour does.
	Hours *Hours
}

// Kind is prescription_pending.
func (PrescriptionPending) Kind() string { return "prescription_pending" }

func (p PrescriptionPending) validate() error {
	if err := p.Hours.validate(); err != nil {
		return err
	}
	if p.After <= 0 || p.High < p.After || p.Partial <= 0 {
		return errors.New("after and partial are above zero, and high is no less than after")
	}
	return nil
}

// judgeAge asks what time alone does to a prescription, and notes when that is to be asked again.
func (e *Engine) judgeAge(t *tenant, p *prescription) {
	p.Look = time.Time{}
	for i := range e.rules {
		r := &e.rules[i]
		var s state
		var next time.Time
		switch params := r.Params.(type) {
		case PrescriptionPending:
			s, next = params.judge(p, e.clock.now, e.zoneOf(t, t.branches[p.Branch]))
		case LowAdherence:
			s, next = params.judge(p, e.clock.now, t)
		case RefillDue:
			s, next = params.judge(p, e.clock.now, t)
		default:
			continue
		}
		if p.Gone {
			e.endStanding(r, t, p.Branch, p.subject())
		} else {
			e.stand(r, t, s)
		}
		if p.Look.IsZero() || !next.IsZero() && next.Before(p.Look) {
			p.Look = next
		}
	}
	e.keep(t, p)
}

// since is when the wait began that is judged.
func (p PrescriptionPending) since(rx *prescription) time.Time {
	if rx.Status == "partial" {
		return rx.Since
	}
	return rx.began()
}

// judge gives what is found of a prescription, and when it may be something else.
func (p PrescriptionPending) judge(rx *prescription, now time.Time, zone *time.Location) (state, time.Time) {
	s := state{branch: rx.Branch, subject: rx.subject(), verdict: verdict{rung: "pending", severity: rxvigil.Warning}}
	limit, since := p.After, p.since(rx)
	if rx.Status == "partial" {
		s.rung, limit = "partial", p.Partial
	}
	waited := p.Hours.between(since, now, zone)
	s.values = rxvigil.FactsOf(named("since", timeValue(since)), named("day", rxvigil.ValueOf(rxvigil.TypeDay, rxvigil.DayOf(since, zone).String())))
	s.inputs = s.with("hours", rxvigil.NumberOf(int64(waited/time.Hour)))
	s.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(int64(limit / time.Hour))), Source: sourceRule}
	switch {
	case !rx.open() || rx.Status == "":
		return s, time.Time{}
	case waited < limit:
		return s, p.Hours.after(since, limit, zone)
	}
	s.finding = fires
	if waited < p.High {
		return s, p.Hours.after(since, p.High, zone)
	}
	s.severity = rxvigil.High
	return s, time.Time{}
}
