package rules

import (
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// RefillDue are the parameters of refill_due.
type RefillDue struct {
	// Lead is how many days before the supply ends a refill is due.
	Lead int
}

// Kind is refill_due.
func (RefillDue) Kind() string { return "refill_due" }

func (p RefillDue) validate() error {
	if p.Lead < 0 {
		return errors.New("lead is below zero")
	}
	return nil
}

// RefillEarly are the parameters of refill_early.
type RefillEarly struct {
	// Share of the supply that must be used up before the next; ControlledShare for controlled medicines.
	Share           rxvigil.Number
	ControlledShare rxvigil.Number `yaml:"controlled_share"`
}

// Kind is refill_early.
func (RefillEarly) Kind() string { return "refill_early" }

func (p RefillEarly) validate() error {
	for _, n := range []rxvigil.Number{p.Share, p.ControlledShare} {
		if !n.Known() || n.Sign() < 0 || n.Cmp(rxvigil.NumberOf(1)) > 0 {
			return errors.New("share and controlled_share are between 0 and 1")
		}
	}
	return nil
}

// ends is when the supply of a line that was filled ends; zero where nobody knows.
func (l *prescribed) ends() time.Time {
	if l.Filled.IsZero() || !l.DaysSupply.Known() {
		return time.Time{}
	}
	return l.Filled.AddDate(0, 0, int(min(l.DaysSupply.Int64(), longestSupply)))
}

// refillable tells whether more may be dispensed of a line.
func (l *prescribed) refillable() bool {
	most := l.most()
	return l.Refills.Known() && most.Known() && l.Dispensed.Known() && l.Dispensed.Cmp(most) < 0
}

// noteFills remembers when each line was last filled, and tells of one that was filled again too early.
func noteFills(e *Engine, r *rule, c *prescriptionChange) {
	p, early := r.Params.(RefillEarly)
	for i := range c.now.Lines {
		l := &c.now.Lines[i]
		more := l.Dispensed.Sub(c.dispensedBefore(l.ID))
		if !early || c.was == nil || !more.Known() || more.Sign() <= 0 || l.Before.IsZero() || !l.DaysSupply.Known() || l.DaysSupply.Sign() <= 0 {
			continue
		}
		share := p.Share
		m := c.tenant.named(l.Medicine)
		if m.is(controlled) {
			share = p.ControlledShare
		}
		used := rxvigil.NumberOf(int64(e.clock.now.Sub(l.Before) / (24 * time.Hour))).Quo(l.DaysSupply)
		if used.Known() && used.Cmp(share) < 0 {
			e.report(r, c.tenant, incident{
				branch: c.now.Branch, rung: "early", severity: rxvigil.Warning, subject: c.now.subject(),
				values: rxvigil.FactsOf(named("medicine", rxvigil.TextOf(m.name())), named("percent", rxvigil.NumberValue(used.Mul(rxvigil.NumberOf(100)).Round(0)))),
				limit:  &rxvigil.Threshold{Value: rxvigil.NumberValue(share), Source: sourceRule},
			})
		}
	}
}

// judge gives what is found of a prescription's next refill, and when it may be something else.
func (p RefillDue) judge(rx *prescription, now time.Time, t *tenant) (state, time.Time) {
	s := state{branch: rx.Branch, subject: rx.subject(), verdict: verdict{rung: "due", severity: rxvigil.Info}}
	var next time.Time
	s.values = rxvigil.FactsOf(named("medicine", rxvigil.Null(rxvigil.TypeText)), named("ends", rxvigil.Null(rxvigil.TypeDay)))
	for i := range rx.Lines {
		l := &rx.Lines[i]
		ends := l.ends()
		if ends.IsZero() || !l.refillable() || rx.Gone || rx.Status == "cancelled" || rx.Status == "expired" {
			continue
		}
		due := ends.AddDate(0, 0, -p.Lead)
		switch {
		case !now.Before(due) && s.finding != fires:
			s.finding = fires
			s.values.Set("medicine", rxvigil.TextOf(t.named(l.Medicine).name()))
			s.values.Set("ends", rxvigil.ValueOf(rxvigil.TypeDay, rxvigil.DayOf(ends, time.UTC).String()))
		case now.Before(due) && (next.IsZero() || due.Before(next)):
			next = due
		}
	}
	s.inputs = s.values
	return s, next
}
