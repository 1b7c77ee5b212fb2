package rules

import (
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil"
)

func threshold(rule, medicine string, branch rxvigil.Branch, value string) Command {
	o := Override{Rule: rule, Medicine: medicine, Branch: branch}
	if value != "" {
		o.Value = new(number(value))
	}
	return Command{Op: SetThreshold, Operation: "op", Tenant: "t", By: "sara", Override: o}
}

func (s *shop) ask(c Command) Outcome {
	s.t.Helper()
	return s.send(Input{Commands: []Command{c}})
}

func TestAnOverrideCountsAtOnceBeforeTheAppsColumnAndUntilItIsWithdrawn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("M", "Amoxicillin", 40), umiLot("L", "x", "M", "50", "0", "null"), umiLot("K", "y", "M", "50", "0", "null"))
	out := s.ask(threshold("low_stock", "M", "", "60"))
	s.expect("of every branch", out, "RAISED low_stock warning low x / Amoxicillin available 50 min 60", "RAISED low_stock warning low y / Amoxicillin available 50 min 60")
	if a := out.Transitions[0].Alert; a.Threshold.Source != "override" || !out.Receipts[0].Applied || len(out.Overrides) != 1 || out.Overrides[0].By != "sara" {
		t.Errorf("threshold %+v, receipts %+v, to be stored %+v", a.Threshold, out.Receipts, out.Overrides)
	}
	s.expect("of one", s.ask(threshold("low_stock", "M", "x", "20")), "RESOLVED low_stock warning low x / Amoxicillin available 50 min 20")
	var got []string
	for _, l := range s.engine.Thresholds("t", "M", "") {
		if l.Rule == "low_stock" {
			got = append(got, fmt.Sprint(l.Branch, " ", l.Value.Text(), " ", l.Source))
		}
	}
	if fmt.Sprint(got) != "[x 20 override y 60 override]" {
		t.Errorf("thresholds %q", got)
	}
	s.expect("withdrawn", s.ask(threshold("low_stock", "M", "", "")), "RESOLVED low_stock warning low y / Amoxicillin available 50 min 40")
	if all := s.engine.Overrides("t"); len(all) != 1 || all[0].Branch != "x" {
		t.Errorf("overrides %+v", all)
	}
}

func TestAnOverrideThatMeansNothingIsRefused(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("M", "Amoxicillin", 40), umiLot("L", "x", "M", "50", "0", "null"))
	for want, c := range map[string]Command{
		ReasonNoRule:     threshold("negative_stock", "M", "", "60"),
		ReasonNoMedicine: threshold("low_stock", "N", "", "60"),
		ReasonBelowZero:  threshold("low_stock", "M", "", "-1"),
	} {
		if out := s.ask(c); out.Receipts[0].Applied || out.Receipts[0].Reason != want || len(out.Overrides) != 0 {
			t.Errorf("got %+v, want %s", out.Receipts, want)
		}
	}
}
