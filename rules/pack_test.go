package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func TestAPackThatCannotBeMeantIsRefusedAndNamesTheRule(t *testing.T) {
	t.Parallel()
	low := Rule{Params: LowStock{Recovery: number("1.1")}}
	for want, p := range map[string]Pack{
		`two rules are called "low_stock"`:                          {Rules: []Rule{low, low}},
		`rule "x": recovery 0.9 is below 1`:                         {Rules: []Rule{{ID: "x", Params: LowStock{Recovery: number("0.9")}}}},
		`rule "x" has no kind`:                                      {Rules: []Rule{{ID: "x"}}},
		`rule "negative_stock": severity "bad"`:                     {Rules: []Rule{{Severity: "bad", Params: NegativeStock{}}}},
		`for -1s is below zero`:                                     {Rules: []Rule{{Params: NegativeStock{}, Conduct: Conduct{For: -time.Second}}}},
		`flap needs within and hold`:                                {Rules: []Rule{{Params: NegativeStock{}, Conduct: Conduct{Flap: Flap{Times: 3}}}}},
		`escalate.to "" is not`:                                     {Rules: []Rule{{Params: NegativeStock{}, Conduct: Conduct{Escalate: Escalation{After: 1}}}}},
		`digest "hourly" is not`:                                    {Rules: []Rule{{Params: NegativeStock{}, Conduct: Conduct{Digest: "hourly"}}}},
		`tier "b" is not further away than the one before it`:       {Rules: []Rule{{Params: Expiry{Tiers: []Tier{{7, "a", rxvigil.High}, {7, "b", rxvigil.High}}}}}},
		`window is not between`:                                     {Supply: Supply{Window: 400}},
		`a limit names the rule "gone"`:                             {Limits: []Limit{{Rule: "gone"}}},
		`a limit of rule "low_stock" is no number from 0`:           {Rules: []Rule{low}, Limits: []Limit{{Rule: "low_stock", Value: number("-1")}}},
		`scan "s": schedule "0 0 30 2 *": no such date exists`:      {Scans: []Scan{{Name: "s", Cron: "0 0 30 2 *"}}},
		`scan "s": catch-up "sometimes" is not latest, all or skip`: {Scans: []Scan{{Name: "s", Cron: "@daily", CatchUp: "sometimes"}}},
	} {
		if _, err := NewEngine(Config{Pack: p}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestARuleThatIsOffIsNotAsked(t *testing.T) {
	t.Parallel()
	pack := DefaultPack()
	for i := range pack.Rules {
		pack.Rules[i].Off = pack.Rules[i].Params.Kind() == "low_stock"
	}
	s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	s.expect("out of stock", s.commit(aMedicine("M", "M", 9), umiLot("L", "x", "M", "0", "0", "null")))
}

func TestTwoRulesOfOneKindTellEachForItself(t *testing.T) {
	t.Parallel()
	pack := DefaultPack()
	pack.Rules = append(pack.Rules, Rule{ID: "far", Severity: rxvigil.Info, Params: Expiry{Tiers: []Tier{{90, "expires_90", rxvigil.Warning}}}})
	s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	out := s.commit(aMedicine("M", "M", 1), umiLot("L", "x", "M", "5", "0", s.in("20")))
	s.expect("both", out, "RAISED expiry warning expires_30 x / M / L days 20 quantity 5", "RAISED far info expires_90 x / M / L days 20 quantity 5")
	if a := out.Transitions[1].Alert; a.Kind != "expiry" {
		t.Errorf("the kind of %s is %s", a.Rule, a.Kind)
	}
}
