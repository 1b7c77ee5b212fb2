package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil"
)

// judged gives what a kind finds on a shelf of medicine M with reorder level, on 2026-11-22. Lots are written as
// "on_hand reserved expires"; missing words are unknown.
func judged(t *testing.T, rule, level string, lots ...string) string {
	t.Helper()
	b := newBook()
	f := folding{book: b, touch: func(*shelf, uint32) {}, moved: func(*shelf) {}, oddZone: func(string) {}}
	f.one(&rxvigil.Change{After: record(rxvigil.KindMedicine, "M", "", "reorder_level="+level)})
	for i, text := range lots {
		var fields []string
		for j, word := range strings.Fields(text) {
			if word != "?" {
				fields = append(fields, []string{"on_hand=", "reserved=", "expires=", "held="}[j]+word)
			}
		}
		f.one(&rxvigil.Change{After: aLot(fmt.Sprint("L", i+1), "x", "M", fields...)})
	}
	e, err := NewEngine(Config{Pack: DefaultPack()})
	if err != nil {
		t.Fatal(err)
	}
	e.book = b
	e.clock.now = localTime(t, "2026-11-22T12:00", e.zone)
	h, _ := e.hear(b.find("t", "x", "M"))
	var texts []string
	h.rule = e.ruleOf(rule)
	for _, v := range h.rule.kind.judge(nil, h) {
		texts = append(texts, strings.TrimSpace([]string{"clears", "holds", "fires", "unsure"}[v.finding]+" "+v.rung+" "+string(v.severity)))
	}
	return strings.Join(texts, ", ")
}

func TestLowStockIsALadder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		level string
		lots  []string
		want  string
	}{
		{"40", []string{"41 0 null"}, "holds low warning"},
		{"40", []string{"40 0 null"}, "fires low warning"},
		{"40", []string{"44 0 null"}, "holds low warning"},
		{"40", []string{"44.001 0 null"}, "clears"},
		{"40", []string{"0 0 null"}, "fires out critical"},
		{"40", []string{"-3 0 null"}, "fires out critical"},
		{"10", []string{"30 22 null"}, "fires low warning"},
		{"10", []string{"30 null null"}, "clears"},
		{"10", []string{"30 ? null"}, "clears"},
		{"10", []string{"30 1 null", "5 ? null"}, "unsure"},
		{"10", []string{"null 0 null"}, "unsure"},
		{"null", []string{"1 0 null"}, "clears"},
		{"null", []string{"0 0 null"}, "fires out critical"},
		{"0", []string{"0.5 0 null"}, "clears"},
		{"10", []string{"95 0 2026-11-21"}, "fires out critical"},
		{"10", []string{"95 0 2026-11-22"}, "clears"},
		{"10", []string{"95 0 infinity", "5 0 -infinity"}, "clears"},
		{"10", []string{"95 0 null true", "5 0 null"}, "fires low warning"},
		{"9999999999999999999", []string{"9999999999999999999 0 null"}, "fires low warning"},
		{"10", []string{"9999999999999999999 0 null", "1 0 null"}, "unsure"},
	} {
		if got := judged(t, "low_stock", c.level, c.lots...); got != c.want {
			t.Errorf("level %s, lots %q: %s, want %s", c.level, c.lots, got, c.want)
		}
	}
}

func TestExpiryIsALadderOfEachLot(t *testing.T) {
	t.Parallel()
	for lot, want := range map[string]string{
		"5 0 2026-12-23":    "clears",
		"5 0 2026-12-22":    "fires expires_30 warning",
		"5 0 2026-11-30":    "fires expires_30 warning",
		"5 0 2026-11-29":    "fires expires_7 critical",
		"5 0 2026-11-22":    "fires expires_7 critical",
		"5 0 2026-11-21":    "fires expired critical",
		"5 0 -infinity":     "fires expired critical",
		"5 0 infinity":      "clears",
		"null 0 infinity":   "clears",
		"5 0 null":          "unsure",
		"5 0":               "unsure",
		"0 0 2026-11-21":    "clears",
		"-1 0 2026-11-21":   "clears",
		"0 0 null":          "clears",
		"null 0 2026-11-21": "unsure",
		"0.01 0 2026-11-21": "fires expired critical",
	} {
		if got := judged(t, "expiry", "1", lot); got != want {
			t.Errorf("lot %q: %s, want %s", lot, got, want)
		}
	}
	if got := judged(t, "expiry", "1", "5 0 2026-11-21", "5 0 infinity"); got != "fires expired critical, clears" {
		t.Errorf("two lots: %s", got)
	}
}

func TestNegativeStockIsOfLotsAndNotOfTheirSum(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lots []string
		want string
	}{
		{[]string{"5 0"}, "clears negative critical"},
		{[]string{"5 5"}, "clears negative critical"},
		{[]string{"5 6"}, "fires negative critical"},
		{[]string{"50 0", "-1 0"}, "fires negative critical"},
		{[]string{"13 -4"}, "fires negative critical"},
		{[]string{"-3 ?"}, "fires negative critical"},
		{[]string{"3 ?"}, "clears negative critical"},
		{[]string{"null 0"}, "unsure negative critical"},
		{[]string{"null -1"}, "fires negative critical"},
		{[]string{"null 0", "-1 0"}, "fires negative critical"},
	} {
		if got := judged(t, "negative_stock", "1", c.lots...); got != c.want {
			t.Errorf("lots %q: %s, want %s", c.lots, got, c.want)
		}
	}
}

func TestALedgerIsComparedOnlyWhereThereIsOne(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.expect("no movement", s.commit(aMedicine("M", "M", 1), umiLot("L", "x", "M", "10", "0", "null")))
	s.expect("one", s.commit(aMovement("1", "x", "M", "9.5")), "RAISED ledger_mismatch critical mismatch x / M ledger 9.5 drift 0.5")
	s.expect("nobody knows", s.commit(aMovement("2", "x", "M", "null")))
	if a := s.engine.OpenAlerts("t")[0]; a.Values.Get("drift").IsKnown() {
		t.Errorf("the drift is shown as %v", a.Values)
	}
	s.expect("as before", s.send(Input{Changes: s.remove("movement/2")}))
	s.expect("corrected", s.commit(aMovement("1", "x", "M", "10")), "RESOLVED ledger_mismatch critical mismatch x / M ledger 10 drift 0")
	byLot := record(rxvigil.KindMovement, "3", "", "lot=L", "quantity=-1")
	s.expect("a movement that names the lot alone", s.commit(byLot), "RAISED ledger_mismatch critical mismatch x / M ledger 9 drift 1")
}
