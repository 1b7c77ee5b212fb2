package rules

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func aRecall(id, number, medicine string) *rxvigil.Record {
	return record(rxvigil.KindRecall, id, "", "number="+number, "medicine="+medicine, "reason=glass splinters")
}

func TestARecallFindsTheLotHoweverItsNumberIsWritten(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("M", "Insulin", 1), umiLot("in-47/b", "x", "M", "5", "0", s.in("3")), umiLot("IN48", "x", "M", "5", "0", "null"),
		aMedicine("N", "Other", 1), umiLot("IN47B", "y", "N", "5", "0", "null"))
	expectMessages(t, s.commit(aRecall("r1", "IN 47 B", "M")),
		"expiry critical expires_7: Insulin, lot in-47/b, expires in 3 days on 25 Nov 2026: 5 left",
		"recall critical recalled: Insulin, lot in-47/b, was recalled (glass splinters): 5 left")
	sale := aSale("S1", "x", "completed", s.at, "M 2 lot=in-47/b")
	sale.After.Values[rxvigil.SalePatient] = rxvigil.ValueOf(rxvigil.TypeRef, "ann")
	out := s.send(Input{Changes: append(s.net(umiLot("in-47/b", "x", "M", "3", "0", s.in("3"))), sale)})
	expectMessages(t, out, "recalled_dispense critical recalled: 2 of Insulin was sold from lot in-47/b, which was recalled, sale S1")
	if p := out.Transitions[0].Alert.Values.Get("patient").Text(); p != "ann" {
		t.Errorf("the patient is %q", p)
	}
	expectMessages(t, s.commit(umiLot("in-47/b", "x", "M", "0", "0", s.in("3"))), "recall critical recalled: Insulin, lot in-47/b, was recalled, and nothing of it is left")
	expectMessages(t, s.commit(aRecall("r2", "in47b", "null")), "recall critical recalled: Other, lot IN47B, was recalled (glass splinters): 5 left")
	expectMessages(t, s.send(Input{Changes: s.remove("recall/r2")}), "recall critical recalled: Other, lot IN47B, was recalled, and nothing of it is left")
}

// TestTheGoldenMeanKineticTemperature is RULES.md 2, kind 17: 22 hours at 5 °C and 2 at 15 °C.
func TestTheGoldenMeanKineticTemperature(t *testing.T) {
	t.Parallel()
	var k kinetic
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for hour := range 24 {
		celsius := number("5")
		if hour >= 22 {
			celsius = number("15")
		}
		k.add(celsius, at, at.Add(time.Hour))
		at = at.Add(time.Hour)
	}
	if got := k.mean(); got.String() != "6.46" {
		t.Errorf("the mean kinetic temperature is %s", got)
	}
	if c := kelvin(number("5")); math.Abs(c-278.15) > 1e-9 {
		t.Errorf("5 °C are %f K", c)
	}
}

func (s *shop) reads(celsius string) Outcome {
	s.t.Helper()
	id := fmt.Sprint("t", s.lsn)
	return s.commit(record(rxvigil.KindReading, id, "x", "sensor=fridge", "celsius="+celsius, "at="+s.at.Format(time.RFC3339)))
}

func TestAFridgeMayBeWarmForHalfAnHour(t *testing.T) {
	t.Parallel()
	s := setup(t)
	expectMessages(t, s.reads("5"))
	s.at = s.at.Add(10 * time.Minute)
	expectMessages(t, s.reads("9.5"))
	s.at = s.at.Add(20 * time.Minute)
	expectMessages(t, s.reads("5"))
	s.at = s.at.Add(10 * time.Minute)
	expectMessages(t, s.reads("9.5"))
	expectMessages(t, s.later(31*time.Minute), "cold_chain critical out_of_limits: fridge is out of its limits: 9.5 °C, between 2 and 8 °C are allowed")
	expectMessages(t, s.reads("10"))
	expectMessages(t, s.reads("7.9"), "cold_chain critical out_of_limits: fridge keeps its limits again")
}

func TestWhatTheAppCallsABreachEndsWhenItHasEndedAndWasAcknowledgedThere(t *testing.T) {
	t.Parallel()
	s := setup(t)
	breach := func(ended, acknowledged string) *rxvigil.Record {
		return record(rxvigil.KindReading, "b1", "x", "sensor=sensor_11", "breach=HOT_CONSECUTIVE", "low=2", "high=8", "ended="+ended, "acknowledged="+acknowledged)
	}
	expectMessages(t, s.commit(breach("null", "false")), "cold_chain critical breach: sensor_11 has a breach of its limits, 2 to 8 °C: HOT_CONSECUTIVE")
	expectMessages(t, s.commit(breach("2026-11-22T10:00:00Z", "false")))
	expectMessages(t, s.commit(breach("2026-11-22T10:00:00Z", "true")), "cold_chain critical breach: sensor_11 keeps its limits again")
}

func TestARefillIsDueAWeekBeforeTheSupplyEnds(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	filled := func(dispensed int) rxvigil.Change {
		return aPrescription("P1", "ann", "partial", s.at, fmt.Sprint("R 30 ", dispensed, " refills=2 days_supply=30"))
	}
	first, second, third := filled(30), filled(60), filled(90)
	s.send(Input{Changes: []rxvigil.Change{first}})
	s.later(22 * 24 * time.Hour)
	out := s.later(24 * time.Hour)
	s.expectRule("refill_due", out, "What P1 prescribes of Doxycycline lasts until 22 Dec 2026: a refill is due")
	s.later(3 * 24 * time.Hour)
	out = s.send(Input{Changes: []rxvigil.Change{becomes(first, second)}})
	s.expectRule("refill_due", out, "Prescription P1 was refilled, or ends")
	s.expectRule("refill_early", out)
	s.later(20 * 24 * time.Hour)
	out = s.send(Input{Changes: []rxvigil.Change{becomes(second, third)}})
	s.expectRule("refill_early", out, "Doxycycline was dispensed again on prescription P1 when 67% of its days had passed")
}

// expectRule compares what one rule tells.
func (s *shop) expectRule(rule string, out Outcome, want ...string) {
	s.t.Helper()
	var got []string
	for _, tr := range out.Transitions {
		if tr.Alert.Rule == rule {
			got = append(got, tr.Alert.Message)
		}
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		s.t.Errorf("%s: got %q, want %q", rule, got, want)
	}
}

func TestALineSoldForLessThanItCostsIsTold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(record(rxvigil.KindMedicine, "M", "", "name=Multivitamin", "price=0.50", "cost=0.40"), umiLot("L", "x", "M", "500", "0", "null"))
	expectMessages(t, s.sell("S1", "M 10 unit_price=0.50 discount=0.5", umiLot("L", "x", "M", "490", "0", "null")))
	expectMessages(t, s.sell("S2", "M 10 unit_price=0.50 discount=2", umiLot("L", "x", "M", "480", "0", "null")),
		"sold_below_cost high below_cost: 10 of Multivitamin was sold at 0.3, which costs 0.40, sale S2")
}

func TestARuleThatSaysMoreHidesAnother(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("M", "Insulin", 1), umiLot("L1", "x", "M", "5", "0", "null"), umiLot("L2", "x", "M", "5", "0", "null"))
	s.commit(aRecall("r1", "L1", "M"))
	s.expect("the recalled lot alone is hidden", s.commit(umiLot("L1", "x", "M", "5", "0", s.in("3")), umiLot("L2", "x", "M", "5", "0", s.in("3"))),
		"RAISED expiry critical expires_7 x / Insulin / L2 days 3 quantity 5")
	_, err := NewEngine(Config{Pack: Pack{Rules: []Rule{{Params: Recall{}}, {Params: NegativeStock{}}}, Inhibit: []Inhibition{{By: "negative_stock", Hides: []string{"recall"}}}}})
	if err == nil {
		t.Error("a rule hides one before it")
	}
}
