package rules

import (
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// LowAdherence are the parameters of low_adherence.
type LowAdherence struct {
	// Share of the days since the first fill that must be covered by what was dispensed: the proportion of days covered (PQA's PDC).
	Share rxvigil.Number
	// Days is how long after the first fill it is judged.
	Days int
}

// Kind is low_adherence.
func (LowAdherence) Kind() string { return "low_adherence" }

func (p LowAdherence) validate() error {
	if !p.Share.Known() || p.Share.Sign() <= 0 || p.Share.Cmp(rxvigil.NumberOf(1)) > 0 || p.Days < 1 {
		return errors.New("share is between 0 and 1, and days is above zero")
	}
	return nil
}

const day = 24 * time.Hour

// judge gives what is found of how a prescription is taken, and when it may be something else. Only lines that may be refilled tell: of
// others nobody can say that there should have been more.
func (p LowAdherence) judge(rx *prescription, now time.Time, t *tenant) (state, time.Time) {
	s := state{branch: rx.Branch, subject: rx.subject(), verdict: verdict{rung: "gaps", severity: rxvigil.Info}}
	s.values = rxvigil.FactsOf(named("medicine", rxvigil.Null(rxvigil.TypeText)), named("percent", rxvigil.Null(rxvigil.TypeNumber)), named("days", rxvigil.Null(rxvigil.TypeNumber)))
	var next time.Time
	for i := range rx.Lines {
		l := &rx.Lines[i]
		if l.First.IsZero() || l.Covered == 0 || !l.Refills.Known() || l.Refills.Sign() <= 0 || rx.Gone || rx.Status == "cancelled" || rx.Status == "expired" {
			continue
		}
		passed := int64(now.Sub(l.First) / day)
		// It falls below the share when that part of the days is more than what is covered, and is judged from Days on.
		enough := rxvigil.NumberOf(int64(l.Covered)).Quo(p.Share).Floor().Int64()
		at := l.First.Add(time.Duration(max(int64(p.Days), enough+1)) * day)
		switch {
		case !now.Before(at) && s.finding != fires:
			s.finding = fires
			covered := rxvigil.NumberOf(min(int64(l.Covered), passed)).Mul(rxvigil.NumberOf(100)).Quo(rxvigil.NumberOf(passed))
			s.values = rxvigil.FactsOf(
				named("medicine", rxvigil.TextOf(t.named(l.Medicine).name())), named("percent", rxvigil.NumberValue(covered.Round(0))),
				named("days", rxvigil.NumberValue(rxvigil.NumberOf(passed))),
			)
		case now.Before(at) && (next.IsZero() || at.Before(next)):
			next = at
		}
	}
	s.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(p.Share), Source: sourceRule}
	s.inputs = s.values
	return s, next
}
