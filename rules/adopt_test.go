package rules

import (
	"testing"

	"github.com/rxvigil/rxvigil"
)

func TestAnAdoptedPackKeepsTheAlertsWhoseRuleAndSubjectStay(t *testing.T) {
	t.Parallel()
	s := setup(t)
	raised := s.commit(aMedicine("M", "M", 40), umiLot("L", "x", "M", "38", "0", s.in("20")), umiLot("B", "x", "M", "0", "3", "null"))
	low := find(raised, "low_stock")
	s.send(Input{Commands: []Command{{Op: Acknowledge, Tenant: "t", Alert: low.ID, By: "ann"}}})
	pack, err := ReadPack("mine.yaml", []byte(`
rules:
  - low_stock: {recovery: 2}
  - expiry: {tiers: [{within: 10, rung: expires_10, severity: critical}, {within: 60, rung: expires_60, severity: info}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Adopt(pack); err != nil {
		t.Fatal(err)
	}
	s.expect("with the next transaction", s.commit(),
		"CHANGED expiry info expires_60 x / M / L days 20 quantity 38",
		"RESOLVED negative_stock critical negative x / M lots B: on_hand 0, reserved 3 (rule withdrawn)")
	if now, ok := s.engine.Alert("t", low.ID); !ok || now.Status != rxvigil.Acknowledged || now.AcknowledgedBy != "ann" || now.Episode != 1 {
		t.Errorf("the acknowledged alert is %+v", now)
	}
	s.expect("by the new recovery", s.commit(umiLot("L", "x", "M", "79", "0", s.in("20"))))
	s.expect("beyond it", s.commit(umiLot("L", "x", "M", "84", "0", s.in("20"))), "RESOLVED low_stock warning low x / M available 81 min 40")
}

func TestAPackThatCannotBeMeantLeavesTheRunningOne(t *testing.T) {
	t.Parallel()
	s := setup(t)
	rule := Rule{Params: NegativeStock{}}
	if err := s.engine.Adopt(Pack{Rules: []Rule{rule, rule}}); err == nil {
		t.Error("two rules of one id are adopted")
	}
	s.expect("still judged", s.commit(aMedicine("M", "M", 40), umiLot("L", "x", "M", "38", "0", "null")),
		"RAISED low_stock warning low x / M available 38 min 40")
}

func find(out Outcome, rule string) rxvigil.Alert {
	for _, t := range out.Transitions {
		if t.Alert.Rule == rule {
			return *t.Alert
		}
	}
	return rxvigil.Alert{}
}
