package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func TestAPrescriptionWaitsInWorkingHoursAlone(t *testing.T) {
	t.Parallel()
	pack, err := DefaultPack().Lay("hours.yaml", []byte(`rules: [{prescription_pending: {after: 4h, high: 12h, partial: 24h, hours: {from: "08:00", to: "18:00"}}}]`))
	if err != nil {
		t.Fatal(err)
	}
	s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC))
	s.commit(record(rxvigil.KindMedicine, "R", "", "name=Doxycycline"), umiLot("R1", "x", "R", "97", "0", "null"))
	s.send(Input{Changes: []rxvigil.Change{aPrescription("P1", "ann", "pending", s.at, "R 14 0")}})
	expectMessages(t, s.later(15*time.Hour)) // seven in the morning
	expectMessages(t, s.later(3*time.Hour), "prescription_pending warning pending: Prescription P1 has been waiting since 22 Nov 2026")
	expectMessages(t, s.later(22*time.Hour), "prescription_pending high pending: Prescription P1 has been waiting since 22 Nov 2026")
}

func TestWhereALotExpiresOnItsDayItIsNoStockOnThatDay(t *testing.T) {
	t.Parallel()
	for onStart, want := range map[string]string{"false": "[x/M none → 8 0 8]", "true": "[x/M none → 8 0 0]"} {
		pack, err := DefaultPack().Lay("day.yaml", []byte("expires_on_start: "+onStart))
		if err != nil {
			t.Fatal(err)
		}
		s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
		out := s.commit(aMedicine("M", "Amoxicillin", 1), umiLot("L", "x", "M", "8", "0", s.in("0")))
		if got := fmt.Sprint(stocks(out)); got != want {
			t.Errorf("on start %s: %s", onStart, got)
		}
		rung := ""
		for _, tr := range out.Transitions {
			if tr.Alert.Rule == "expiry" {
				rung = tr.Alert.Rung
			}
		}
		if expired := rung == "expired"; expired != (onStart == "true") {
			t.Errorf("on start %s: rung %s", onStart, rung)
		}
	}
}

func TestWhatIsSoldByAPrescriptionIsWhatItSays(t *testing.T) {
	t.Parallel()
	for substitution, want := range map[string][]string{
		"":                    {"dispensing_mismatch high wrong: Codeine was sold on prescription P1, which says Doxycycline"},
		" substitution=true":  nil,
		" substitution=false": {"dispensing_mismatch high wrong: Codeine was sold on prescription P1, which says Doxycycline"},
	} {
		s := stockedShop(t)
		s.send(Input{Changes: []rxvigil.Change{aPrescription("P1", "ann", "validated", s.at, "R 14 0"+substitution)}})
		got := messages(s.sell("S1", "C 14 prescription_line=P1-1", umiLot("C1", "x", "C", "83", "0", "null")))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: got %q", substitution, got)
		}
	}
}

// filled is a prescription of 30 days with so many refills, of which so much is dispensed.
func filled(s *shop, written time.Time, refills, dispensed int) rxvigil.Change {
	return aPrescription("P1", "ann", "partial", written, fmt.Sprintf("R 30 %d refills=%d days_supply=30", dispensed, refills))
}

// fill dispenses more of it.
func (s *shop) fill(before rxvigil.Change, written time.Time, refills, dispensed int) (rxvigil.Change, Outcome) {
	s.t.Helper()
	next := becomes(before, filled(s, written, refills, dispensed))
	return next, s.send(Input{Changes: []rxvigil.Change{next}})
}

func TestAPrescriptionMayBeFilledOnceAndOnceForEachRefill(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	written := s.at
	rx := filled(s, written, 1, 0)
	s.send(Input{Changes: []rxvigil.Change{rx}})
	for n, want := range []bool{false, false, true} { // the third is a fill too many, however little it is
		s.later(30 * 24 * time.Hour)
		var out Outcome
		rx, out = s.fill(rx, written, 1, 10*(n+1))
		found := false
		for _, tr := range out.Transitions {
			found = found || tr.Alert.Rule == "prescription_expired" && tr.Alert.Rung == "exhausted"
		}
		if found != want {
			t.Errorf("fill %d: %q", n+1, messages(out))
		}
	}
}

func TestAPatientWhoseDaysAreNotCoveredIsToldOf(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	written := s.at
	rx := filled(s, written, 5, 0)
	s.send(Input{Changes: []rxvigil.Change{rx}})
	rx, _ = s.fill(rx, written, 5, 30)
	s.later(40 * 24 * time.Hour)
	rx, _ = s.fill(rx, written, 5, 60) // 60 days' supply
	adherence := func(out Outcome) (lines []string) {
		for _, tr := range out.Transitions {
			if tr.Alert.Rule == "low_adherence" {
				lines = append(lines, tr.Alert.Message)
			}
		}
		return lines
	}
	if got := adherence(s.later(49 * 24 * time.Hour)); len(got) != 0 {
		t.Errorf("before 90 days: %q", got)
	}
	if got := fmt.Sprint(adherence(s.later(2 * 24 * time.Hour))); got != "[Prescription P1: what was dispensed of Doxycycline lasts for 67% of 90 days]" { // 60 of 90
		t.Errorf("after 91 days: %s", got)
	}
	_, out := s.fill(rx, written, 5, 90)
	if got := fmt.Sprint(adherence(out)); got != "[Prescription P1 is taken as it should be again]" { // 90 of 91
		t.Errorf("filled again: %s", got)
	}
}

func TestAnEngineThatIsBehindSaysSoUntilItHasCaughtUp(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for i, c := range []struct {
		behind int64
		want   string
	}{{60, ""}, {61, "alert_raised critical lag: The engine is 61 seconds behind the source"}, {500, ""}, {31, ""}, {30, "alert_resolved critical lag: The engine is 30 seconds behind the source"}, {5, ""}} {
		if got := s.hears(Kept{Safe: -1, Status: "reserved", Behind: c.behind}); got != c.want {
			t.Errorf("%d: %d seconds behind: %q, not %q", i, c.behind, got, c.want)
		}
	}
}

func TestABranchThatSellsNothingWhileItIsOpenIsToldOf(t *testing.T) {
	t.Parallel()
	s := stockedShop(t) // Sunday, 22 November, nine o'clock
	n := 0
	sell := func(at time.Time) Outcome {
		n++
		s.at = at.Add(-time.Second)
		return s.sell(fmt.Sprint("S", n), "M 1 lot=FAR")
	}
	monday := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	silent := func(out Outcome) (lines []string) {
		for _, tr := range out.Transitions {
			if tr.Alert.Rule == "no_sales" {
				lines = append(lines, string(tr.Event)+" "+tr.Alert.Message)
			}
		}
		return lines
	}
	for day := range 14 { // two weeks: a sale each half an hour from eight to six, on Mondays to Fridays
		if weekday := monday.AddDate(0, 0, day).Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			continue
		}
		for half := range 21 {
			if got := silent(sell(monday.AddDate(0, 0, day).Add(8*time.Hour + time.Duration(half)*30*time.Minute))); len(got) > 0 {
				t.Fatalf("day %d: %q", day, got)
			}
		}
	}
	quiet := func(at time.Time) []string { s.at = at.Add(-time.Second); return silent(s.send(Input{})) }
	third := monday.AddDate(0, 0, 14)
	for _, at := range []time.Time{third.Add(-30 * time.Hour), third.Add(7 * time.Hour), third.Add(9 * time.Hour)} { // a weekend, the night, an hour after opening
		if got := quiet(at); len(got) > 0 {
			t.Errorf("at %s: %q", at, got)
		}
	}
	sell(third.Add(9*time.Hour + 30*time.Minute))
	if got := quiet(third.Add(11*time.Hour + 29*time.Minute)); len(got) > 0 {
		t.Errorf("for less than two hours: %q", got)
	}
	if got := fmt.Sprint(quiet(third.Add(11*time.Hour + 31*time.Minute))); got != "[alert_raised x has sold nothing for 120 minutes, at a time at which it is open]" {
		t.Errorf("for two hours: %s", got)
	}
	if got := fmt.Sprint(silent(sell(third.Add(12 * time.Hour)))); got != "[alert_resolved x sells again]" {
		t.Errorf("a sale: %s", got)
	}
}
