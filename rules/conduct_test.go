package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// conducted is a shop whose low_stock behaves as told, with a medicine at level 10 and 50 of it.
func conducted(t *testing.T, c Conduct) *shop {
	t.Helper()
	p := DefaultPack()
	for i := range p.Rules {
		if p.Rules[i].Params.Kind() == "low_stock" {
			p.Rules[i].Conduct = c
		}
	}
	s := setupAt(t, Config{Pack: p}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	s.commit(aMedicine("M", "M", 10), umiLot("L", "x", "M", "50", "0", "null"))
	return s
}

func (s *shop) holds(n int) Outcome {
	s.t.Helper()
	return s.commit(umiLot("L", "x", "M", fmt.Sprint(n), "0", "null"))
}

const (
	raisedLow   = "RAISED low_stock warning low x / M available 5 min 10"
	resolvedLow = "RESOLVED low_stock warning low x / M available 50 min 10"
)

func TestAFindingThatMustLastIsToldWhenItHas(t *testing.T) {
	t.Parallel()
	s := conducted(t, Conduct{For: time.Hour})
	s.expect("low", s.holds(5))
	s.expect("not for long", s.later(30*time.Minute))
	s.expect("over", s.holds(50))
	s.expect("again", s.holds(5))
	s.expect("an hour after the first", s.later(45*time.Minute))
	out := s.later(time.Hour)
	s.expect("an hour after the second", out, raisedLow)
	if at := out.Transitions[0].Alert.StartedAt; s.at.Sub(at) < 44*time.Minute {
		t.Errorf("it began at %s, now is %s", at, s.at)
	}
}

func TestAnAlertResolvesWhenItsFactsHaveBeenGoneForLongEnough(t *testing.T) {
	t.Parallel()
	s := conducted(t, Conduct{KeepFiringFor: time.Hour})
	s.expect("low", s.holds(5), raisedLow)
	s.expect("gone", s.holds(50))
	s.expect("back", s.holds(5))
	s.expect("an hour after the first", s.later(2*time.Hour))
	s.expect("gone again", s.holds(50))
	s.expect("for an hour", s.later(61*time.Minute), resolvedLow)
}

func TestAnAlertThatNobodyAcknowledgesIsToldAgainAndEachTimeLater(t *testing.T) {
	t.Parallel()
	s := conducted(t, Conduct{Repeat: Repeat{After: time.Hour, Most: 2}})
	s.holds(5)
	reminder := "CHANGED low_stock warning low x / M available 5 min 10 (reminder)"
	s.expect("an hour", s.later(61*time.Minute), reminder)
	s.expect("an hour later", s.later(61*time.Minute))
	s.expect("two hours later", s.later(61*time.Minute), reminder)
	s.expect("no more", s.later(100*time.Hour))

	s = conducted(t, Conduct{Repeat: Repeat{After: time.Hour}})
	id := s.holds(5).Transitions[0].Alert.ID
	s.ask(Command{Op: Acknowledge, Tenant: "t", Alert: id, By: "sara"})
	s.expect("acknowledged", s.later(100*time.Hour))
}

func TestAnAlertThatNobodyAcknowledgesBecomesMoreSevere(t *testing.T) {
	t.Parallel()
	s := conducted(t, Conduct{Escalate: Escalation{After: 4 * time.Hour, To: rxvigil.High}})
	s.holds(5)
	s.expect("four hours", s.later(5*time.Hour), "CHANGED low_stock high low x / M available 5 min 10 (nobody acknowledged it)")
	s.expect("it stays so", s.holds(4))
	s.expect("out", s.holds(0), "CHANGED low_stock critical out x / M available 0 min 10")
	s.expect("low again", s.holds(4), "CHANGED low_stock high low x / M available 4 min 10")
	s.expect("over", s.holds(50), "RESOLVED low_stock high low x / M available 50 min 10")
	s.expect("a new one", s.holds(5), raisedLow)
}

func TestAnAlertThatComesAndGoesIsHeldAndMarked(t *testing.T) {
	t.Parallel()
	s := conducted(t, Conduct{Flap: Flap{Times: 3, Within: time.Hour, Hold: 30 * time.Minute}})
	for range 2 {
		s.expect("low", s.holds(5), raisedLow)
		s.expect("over", s.holds(50), resolvedLow)
	}
	s.expect("low for the third time", s.holds(5), raisedLow)
	s.expect("held", s.holds(50))
	s.expect("and not told again", s.holds(5))
	s.holds(50)
	if a := s.engine.OpenAlerts("t")[0]; a.Values.Get("flapping").Text() != "true" {
		t.Errorf("the alert is not marked: %v", a.Values)
	}
	s.expect("gone for long enough", s.later(31*time.Minute), resolvedLow)
	s.later(2 * time.Hour)
	s.expect("long after", s.holds(5), raisedLow)
	s.expect("as ever", s.holds(50), resolvedLow)
}

func TestAPackMayNotLetWaitWhatHappensOnce(t *testing.T) {
	t.Parallel()
	if _, err := NewEngine(Config{Pack: Pack{Rules: []Rule{{Params: Oversell{}, Conduct: Conduct{For: 1}}}}}); err == nil {
		t.Error("an oversell may last")
	}
}
