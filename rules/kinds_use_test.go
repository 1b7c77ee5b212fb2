package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// golden is the shop of RULES.md's numbers: 3 a day of each medicine for 90 days.
func golden(t *testing.T) *shop {
	t.Helper()
	s := setup(t)
	s.fold(aMedicine("MAG", "Magnesium trisilicate", 42), umiLot("M1", "x", "MAG", "24", "0", "null"),
		record(rxvigil.KindMedicine, "MVT", "", "name=Multivitamin", "reorder_level=50", "max_level=300", "cost=0.40"),
		umiLot("G3a", "x", "MVT", "120", "0", s.in("30")), umiLot("G3b", "x", "MVT", "200", "0", s.in("60")), umiLot("G3c", "x", "MVT", "300", "0", s.in("180")))
	s.history("MAG", 3, 90, always)
	s.history("MVT", 3, 90, always)
	return s
}

func messages(out Outcome) []string {
	var all []string
	for _, tr := range out.Transitions {
		all = append(all, fmt.Sprintf("%s %s %s: %s", tr.Alert.Rule, tr.Alert.Severity, tr.Alert.Rung, tr.Alert.Message))
	}
	return all
}

func expectMessages(t *testing.T, out Outcome, want ...string) {
	t.Helper()
	got := messages(out)
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestTheGoldenNumbersAreTold(t *testing.T) {
	t.Parallel()
	s := golden(t)
	expectMessages(t, s.boot(),
		"expiry warning expires_30: Multivitamin, lot G3a, expires in 30 days on 22 Dec 2026: 120 left",
		"low_stock high low: Magnesium trisilicate is low: 24 available, reorder level 42, enough for 8 days; order 108",
		"overstock info over: Multivitamin is overstocked: 620 available, at most 300 wanted, enough for 6.89 months",
		"projected_stockout warning soon: Magnesium trisilicate will run out on 30 Nov 2026: 24 available, enough for 8 days; order 108",
		"will_not_sell_before_expiry warning at_risk: Multivitamin will expire before it is sold: 140 units, worth 56 (30 of G3a, 110 of G3b)",
	)
	expectMessages(t, s.commit(umiLot("M1", "x", "MAG", "20", "0", "null")),
		"low_stock critical low: Magnesium trisilicate is low: 20 available, reorder level 42, enough for 6 days; order 112")
	expectMessages(t, s.commit(umiLot("M1", "x", "MAG", "200", "0", "null")),
		"low_stock critical low: Magnesium trisilicate is in stock again: 200 available, reorder level 42",
		"projected_stockout warning soon: Magnesium trisilicate lasts long enough again: 200 available")
	expectMessages(t, s.commit(umiLot("G3b", "x", "MVT", "60", "0", s.in("60")), umiLot("G3a", "x", "MVT", "90", "0", s.in("30")), umiLot("G3c", "x", "MVT", "100", "0", s.in("180"))),
		"overstock info over: Multivitamin is no longer overstocked: 250 available",
		"will_not_sell_before_expiry warning at_risk: Multivitamin will be sold before it expires")
}

func TestWithoutALevelAShelfIsLowByItsOwnUse(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fold(record(rxvigil.KindMedicine, "M", "", "name=M"), umiLot("L", "x", "M", "43", "0", "null"))
	s.history("M", 3, 90, always)
	s.boot()
	out := s.commit(umiLot("L", "x", "M", "42", "0", "null"))
	s.expect("MIN", out, "RAISED low_stock warning low x / M available 42 min 42")
	if th := out.Transitions[0].Alert.Threshold; th.Source != "usage" || th.Value.Text() != "42" {
		t.Errorf("threshold %+v", th)
	}
}

// weekday sells quantities on the same weekday, the newest last, and nothing on other days but one, so that all have a history.
func weekday(t *testing.T, quantities ...int) *shop {
	t.Helper()
	s := setup(t)
	s.fold(aMedicine("M", "M", 0), umiLot("L", "x", "M", "500", "0", "null"))
	for i, n := range quantities {
		s.history("M", n, 7*(len(quantities)-i), func(back int) bool { return back != 7*(len(quantities)-i) })
	}
	s.boot()
	return s
}

// TestASpikeIsMeasuredByTheModifiedZ is the golden number of RULES.md 2, kind 15: 12 scores 5.40, 9 scores 3.37.
func TestASpikeIsMeasuredByTheModifiedZ(t *testing.T) {
	t.Parallel()
	for sold, want := range map[int]string{
		12: "[sales_spike warning spike: M sells unusually much today: 12, usual are 4]",
		9:  "[]",
	} {
		s := weekday(t, 3, 4, 3, 5, 4, 3, 4)
		out := s.send(Input{Changes: []rxvigil.Change{aSale("S", "x", "completed", s.at, fmt.Sprint("M ", sold))}})
		if got := fmt.Sprint(messages(out)); got != want {
			t.Errorf("%d sold: %s, want %s", sold, got, want)
		}
	}
}

func TestWhereAllDaysSoldTheSameNothingSaysWhatIsTooMuch(t *testing.T) {
	t.Parallel()
	s := weekday(t, 3, 3, 3, 3, 3, 3, 3, 3)
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{aSale("S", "x", "completed", s.at, "M 20")}}))
}

func TestADropIsToldWhenTheDayIsOver(t *testing.T) {
	t.Parallel()
	s := weekday(t, 30, 34, 33, 35, 34, 33, 34)
	s.at = s.at.AddDate(0, 0, 1)
	expectMessages(t, s.commit(umiLot("L", "x", "M", "499", "0", "null")),
		"sales_spike warning drop: M sold unusually little yesterday: 0, usual are 34")
}

func TestStockThatIsNoLongerSoldIsDead(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fold(aMedicine("M", "M", 0), umiLot("L", "x", "M", "5", "0", "null"), aMedicine("N", "New", 0), umiLot("N1", "x", "N", "5", "0", "null"))
	s.history("M", 1, 180, func(back int) bool { return back != 180 })
	expectMessages(t, s.boot(), "dead_stock info dead: M does not sell: 5 on hand, the last sale was on 26 May 2026")
	s.send(Input{Changes: []rxvigil.Change{aSale("S", "x", "completed", s.at, "M 1")}})
	if open := s.engine.OpenAlerts("t"); len(open) != 0 {
		t.Errorf("after a sale: %+v", open)
	}
}

func TestALimitIsTheMostParticularAndSaysWhereItComesFrom(t *testing.T) {
	t.Parallel()
	pack := DefaultPack()
	pack.Limits = []Limit{
		{Rule: "low_stock", Tenant: "t", Value: number("10")},
		{Rule: "low_stock", Tenant: "t", Branch: "x", Value: number("20")},
		{Rule: "low_stock", Category: "insulin", Value: number("30")},
		{Rule: "low_stock", Medicine: "M", Value: number("40")},
		{Rule: "low_stock", Tenant: "u", Value: number("900")},
	}
	s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		branch   string
		medicine *rxvigil.Record
		want     string
	}{
		{"y", record(rxvigil.KindMedicine, "A", "", "name=A"), "10 tenant"},
		{"x", record(rxvigil.KindMedicine, "B", "", "name=B"), "20 branch"},
		{"x", record(rxvigil.KindMedicine, "C", "", "name=C", "category=insulin"), "30 category"},
		{"x", record(rxvigil.KindMedicine, "M", "", "name=M", "category=insulin"), "40 medicine"},
		{"x", record(rxvigil.KindMedicine, "R", "", "name=R", "category=insulin", "reorder_level=5"), "5 app"},
	} {
		id := c.medicine.ID
		out := s.commit(c.medicine, umiLot("L"+id, c.branch, id, "1", "0", "null"))
		if th := out.Transitions[0].Alert.Threshold; th.Value.Text()+" "+th.Source != c.want {
			t.Errorf("medicine %s: %+v, want %s", id, th, c.want)
		}
	}
}
