package rules

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rxvigil/rxvigil"
)

// expect commits rows and compares what was told.
func (s *shop) expect(step string, out Outcome, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, told(out)); diff != "" {
		s.t.Errorf("%s: transitions (-want +got):\n%s", step, diff)
	}
}

func (s *shop) expectStock(step string, out Outcome, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, stocks(out)); diff != "" {
		s.t.Errorf("%s: stock (-want +got):\n%s", step, diff)
	}
}

// row is one row of the app of targets/single: medicine and lot at once, no reservations.
func (s *shop) row(id, name string, level int, onHand, days string) []*rxvigil.Record {
	lot := aLot(id, "", id, "number="+id, "on_hand="+onHand, "expires="+s.in(days))
	return []*rxvigil.Record{aMedicine(id, name, level), lot}
}

// in is a date so many days from today; null and infinity stay what they are.
func (s *shop) in(days string) string {
	var n int
	if _, err := fmt.Sscan(days, &n); err != nil {
		return days
	}
	return (s.today() + rxvigil.Day(n)).String()
}

func TestOneMedicineFallsRunsOutAndIsRestockedAsOneAlert(t *testing.T) {
	t.Parallel()
	s := setup(t)
	sell := func(onHand, days string) Outcome {
		return s.commit(s.row("AMX", "Amoxicillin 500mg", 40, onHand, days)...)
	}

	s.expect("seed", sell("47", "260"))
	s.expect("43 is above", sell("43", "260"))
	out := sell("38", "260")
	s.expect("low", out, "RAISED low_stock warning low Amoxicillin 500mg available 38 min 40")
	s.expectStock("low", out, "/AMX 43 0 43 → 38 0 38")
	if got, want := out.Transitions[0].Alert.Message, "Amoxicillin 500mg is low: 38 available, reorder level 40"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	s.expect("held", sell("30", "260"))
	s.expect("out", sell("0", "260"), "CHANGED low_stock critical out Amoxicillin 500mg available 0 min 40")
	s.expect("restock", sell("150", "380"), "RESOLVED low_stock critical out Amoxicillin 500mg available 150 min 40")
}

func TestTheStoryOfTheSingleTable(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.expect("8", s.commit(s.row("NYS", "Nystatin", 10, "5", "6")...),
		"RAISED expiry critical expires_7 Nystatin / NYS days 6 quantity 5",
		"RAISED low_stock warning low Nystatin available 5 min 10")
	s.expect("9", s.commit(s.row("NYS", "Nystatin", 10, "5", "206")...),
		"RESOLVED expiry critical expires_7 Nystatin / NYS days 206 quantity 5")
	s.expect("10", s.commit(s.row("AZM", "Azithromycin", 20, "75", "30")...),
		"RAISED expiry warning expires_30 Azithromycin / AZM days 30 quantity 75")
	s.expect("11 before", s.commit(s.row("INS", "Insulin", 10, "25", "8")...),
		"RAISED expiry warning expires_30 Insulin / INS days 8 quantity 25")
	s.expect("11", s.commit(s.row("INS", "Insulin", 10, "0", "8")...),
		"RESOLVED expiry warning expires_30 Insulin / INS days 8 quantity 0",
		"RAISED low_stock critical out Insulin available 0 min 10")
	s.expect("12 before", s.commit(s.row("SAL", "Salbutamol", 10, "18", "null")...))
	out := s.commit(s.row("SAL", "Salbutamol", 25, "18", "null")...)
	s.expect("12", out, "RAISED low_stock warning low Salbutamol available 18 min 25")
	s.expectStock("12", out)
}

func TestADeletedMedicineResolvesWhatStoodOpen(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.expect("seed", s.commit(s.row("HCT", "Hydrochlorothiazide", 30, "95", "-1")...),
		"RAISED expiry critical expired Hydrochlorothiazide / HCT days -1 quantity 95",
		"RAISED low_stock critical out Hydrochlorothiazide available 0 min 30")
	out := s.commit(s.row("HCT", "Hydrochlorothiazide", 30, "12", "-1")...)
	s.expect("21", out)
	s.expectStock("21", out, "/HCT 95 0 0 → 12 0 0")
	out = s.send(Input{Changes: s.remove("medicine/HCT", "lot/HCT")})
	s.expect("22", out,
		"RESOLVED expiry critical expired Hydrochlorothiazide / HCT days -1 quantity 95 (subject gone)",
		"RESOLVED low_stock critical out Hydrochlorothiazide available 0 min 30 (subject gone)")
	s.expectStock("22", out, "/HCT 12 0 0 → none")
	if name := out.Stock[0].Level.MedicineName; name != "Hydrochlorothiazide" {
		t.Errorf("the name of a deleted medicine is %q", name)
	}
}

func TestOversellingIsNegativeStock(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(s.row("CIP", "Ciprofloxacin", 30, "0", "10")...)
	s.expect("23", s.commit(s.row("CIP", "Ciprofloxacin", 30, "-3", "10")...),
		"RAISED negative_stock critical negative Ciprofloxacin lots on_hand -3")
	if a := s.engine.OpenAlerts("t")[0]; a.Rule != "low_stock" || a.Values.Get("available").Text() != "-3" {
		t.Errorf("held numbers are not shown: %s %v", a.Rule, a.Values)
	}
}

func TestTenantsOfTheSameMedicineDoNotMeet(t *testing.T) {
	t.Parallel()
	s := setup(t)
	other := s.row("AMX-2", "Amoxicillin 500mg", 40, "0", "100")
	s.commit(s.row("AMX-1", "Amoxicillin 500mg", 40, "120", "100")...)
	s.commit(in("bole", other[0]), in("bole", other[1]))
	if got := s.engine.OpenAlerts("t"); len(got) != 0 {
		t.Errorf("tenant t sees %d alerts of bole", len(got))
	}
	if got := s.engine.OpenAlerts("bole"); len(got) != 1 {
		t.Errorf("tenant bole sees %d alerts, want 1", len(got))
	}
	if _, ok := s.engine.Alert("t", s.engine.OpenAlerts("bole")[0].ID); ok {
		t.Error("an alert of bole can be read as tenant t")
	}
}
