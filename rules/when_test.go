package rules

import (
	"strings"
	"testing"
	"time"
)

func TestAConditionThatCouldRunAwayOrLieIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"available / daily_use > 3":                       "/ is not allowed, as nobody can divide by 0: use ratio(a, b, default)",
		"on_hand % 2 == 0":                                "%",
		"any(1..1000000, # > 3)":                          "not allowed",
		"sum(map(1..1000, #)) > 3":                        "",
		"len(filter(1..1000000000, true)) > 0":            "",
		"availabel > 3":                                   "unknown name availabel",
		"available":                                       "expected bool",
		"category > 3":                                    "invalid operation",
		"let x = 3; x > 2":                                "only comparisons of single values",
		"available > 1" + strings.Repeat(" ", 2100):       "2113 bytes are too many",
		"true" + strings.Repeat(" or available > 1", 110): "exceeds maximum allowed nodes",
		"now() > date('2026-01-01')":                      "",
		"":                                                "",
	} {
		if _, err := newWhen(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{
		`category in ["vaccines", "insulin"] and available > 0`, `ratio(price, cost, 0) < 1.2`, `name contains "cillin" or controlled`,
		`lower(category) startsWith "anti" and not requires_prescription`, `days < 5 ? quantity > 10 : quantity > 100`, `name matches "^Amox"`,
	} {
		if _, err := newWhen(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// conditional is an engine with one rule that has a condition.
func conditional(t *testing.T, params Params, condition string) *shop {
	t.Helper()
	pack := Pack{Rules: []Rule{{Params: params, When: condition}}, Supply: Supply{LeadDays: 7, ReviewDays: 30}}
	return setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
}

func TestARuleIsAskedOnlyAboutWhatFulfilsItsCondition(t *testing.T) {
	t.Parallel()
	s := conditional(t, LowStock{Recovery: number("1")}, `name contains "cillin" and available < 30`)
	s.expect("not low enough", s.commit(aMedicine("M", "Amoxicillin", 40), umiLot("L", "x", "M", "35", "0", "null")))
	s.expect("another medicine", s.commit(aMedicine("Z", "Zinc", 40), umiLot("K", "x", "Z", "5", "0", "null")))
	s.expect("low enough", s.commit(umiLot("L", "x", "M", "20", "0", "null")), "RAISED low_stock warning low x / Amoxicillin available 20 min 40")
	s.expect("no longer", s.commit(umiLot("L", "x", "M", "31", "0", "null")), "RESOLVED low_stock warning low x / Amoxicillin available 31 min 40")
}

func TestAConditionOnANumberThatNobodyKnowsIsUnsure(t *testing.T) {
	t.Parallel()
	s := conditional(t, LowStock{Recovery: number("1")}, "daily_use > 2")
	s.expect("use is not known", s.commit(aMedicine("M", "M", 40), umiLot("L", "x", "M", "5", "0", "null")))
	if c := s.engine.Coverage(); len(c) != 1 || c[0].Unsure != 1 {
		t.Errorf("coverage is %+v", c)
	}
}

func TestAConditionMayAskAboutTheLot(t *testing.T) {
	t.Parallel()
	s := conditional(t, Expiry{Tiers: []Tier{{Within: 30, Rung: "soon", Severity: "warning"}}}, "quantity >= 10 or days < 3")
	s.expect("few of one lot", s.commit(aMedicine("M", "M", 1), umiLot("A", "x", "M", "9", "0", s.in("20")), umiLot("B", "x", "M", "10", "0", s.in("20"))),
		"RAISED expiry warning soon x / M / B days 20 quantity 10")
}

func BenchmarkCondition(b *testing.B) {
	c, err := newWhen(`category != "cosmetics" and ratio(price, cost, 1) > 1.1 and available < 500`)
	if err != nil {
		b.Fatal(err)
	}
	m := &medicine{tenant: &tenant{}}
	m.amounts[listPrice], m.amounts[listCost] = new(number("3")), new(number("2"))
	h := &hearing{pack: &Pack{}, shelf: &shelf{medicine: m, branch: &branch{}}}
	for b.Loop() {
		if yes, known := c.holds(h, verdict{}); !yes || !known {
			b.Fatal("it does not hold")
		}
	}
}
