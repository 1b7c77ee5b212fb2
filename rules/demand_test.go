package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// aSale is a sale with lines "medicine quantity", each line named after its place.
func aSale(id, branch, status string, at time.Time, lines ...string) rxvigil.Change {
	c := rxvigil.Change{After: record(rxvigil.KindSale, id, branch, "number="+id, "status="+status, "at="+at.Format(time.RFC3339))}
	for i, text := range lines {
		words := strings.Fields(text)
		fields := []string{"sale=" + id, "medicine=" + words[0], "quantity=" + words[1]}
		fields = append(fields, words[2:]...)
		c.Lines = append(c.Lines, record(rxvigil.KindSaleLine, fmt.Sprint(id, "-", i+1), branch, fields...))
	}
	return c
}

// history tells an engine that boots of a sale a day, from so many days ago to yesterday, except on days that are skipped.
func (s *shop) history(medicine string, quantity, days int, skip func(back int) bool) {
	for back := days; back > 0; back-- {
		if skip(back) {
			continue
		}
		id := fmt.Sprint(medicine, "-", back)
		sale := aSale(id, "x", "completed", s.at.AddDate(0, 0, -back), fmt.Sprint(medicine, " ", quantity))
		s.engine.Fold(&rxvigil.Change{After: sale.After})
		s.engine.Fold(&rxvigil.Change{After: sale.Lines[0], Document: sale.After})
	}
}

func always(int) bool { return false }

// boot ends a boot.
func (s *shop) boot() Outcome {
	s.lsn += 8
	return s.engine.JudgeAll(Input{Tx: rxvigil.Tx{LSN: s.lsn, At: s.at}})
}

func (s *shop) fold(records ...*rxvigil.Record) {
	for _, r := range records {
		s.rows[keyOf(r)] = r
		s.engine.Fold(&rxvigil.Change{After: r})
	}
}

func (s *shop) forecast(medicine string) forecast {
	h, _ := s.engine.hear(s.engine.book.find("t", "x", medicine))
	return h.forecast()
}

func says(n rxvigil.Number) string { return n.Round(2).String() }

// TestTheGoldenNumbersOfUse are those of RULES.md 2: ADU, AMC, DoC, MIN, MAX, ORDER.
func TestTheGoldenNumbersOfUse(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fold(aMedicine("ASC", "Ascorbic acid", 10), umiLot("A1", "x", "ASC", "300", "0", "null"),
		aMedicine("MAG", "Magnesium trisilicate", 42), umiLot("M1", "x", "MAG", "24", "0", "null"))
	s.history("ASC", 3, 90, func(back int) bool { return back >= 31 && back <= 60 })
	s.history("MAG", 3, 90, always)
	day := func(back int) string { return "at=" + s.at.AddDate(0, 0, -back).Format(time.RFC3339) }
	s.fold(record(rxvigil.KindMovement, "in", "x", "medicine=ASC", "quantity=93", day(100)),
		record(rxvigil.KindMovement, "out", "x", "medicine=ASC", "quantity=-93", day(61)),
		record(rxvigil.KindMovement, "more", "x", "medicine=ASC", "quantity=300", day(30)))
	s.boot()
	f := s.forecast("ASC")
	if f.out != 30 || says(f.sold) != "180" || says(f.adu()) != "3" || says(f.amc()) != "90" || says(f.cover(number("300"))) != "100" {
		t.Errorf("out on %d days, sold %s, ADU %s, AMC %s", f.out, f.sold, f.adu(), f.amc())
	}
	f = s.forecast("MAG")
	got := []string{says(f.min()), says(f.max()), says(f.order(number("24"))), says(f.cover(number("24"))), says(f.months(number("620")))}
	if want := "[42 132 108 8 6.89]"; fmt.Sprint(got) != want {
		t.Errorf("MIN, MAX, ORDER, DoC and MOS are %v, want %s", got, want)
	}
}

func TestUseIsUnknownWithoutTwoWeeksOfHistoryOrOfStock(t *testing.T) {
	t.Parallel()
	for days, known := range map[int]bool{13: false, 14: true, 90: true, 200: true} {
		s := setup(t)
		s.fold(aMedicine("M", "M", 1), umiLot("L", "x", "M", "50", "0", "null"))
		s.history("M", 2, days, always)
		s.boot()
		if f := s.forecast("M"); f.known() != known || known && says(f.adu()) != "2" {
			t.Errorf("%d days of history: ADU %s", days, f.adu())
		}
	}
	s := setup(t)
	s.fold(aMedicine("M", "M", 1), umiLot("L", "x", "M", "50", "0", "null"))
	s.boot()
	if f := s.forecast("M"); f.known() || f.cover(number("1")).Known() || f.order(number("1")).Known() {
		t.Error("nothing was ever sold, and yet a forecast is known")
	}
}

func TestNothingSoldIsKnownAndLastsForNoKnownTime(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fold(aMedicine("M", "M", 1), umiLot("L", "x", "M", "50", "0", "null"))
	s.history("M", 2, 150, func(back int) bool { return back < 120 })
	s.boot()
	if f := s.forecast("M"); !f.known() || f.adu().Sign() != 0 || f.cover(number("1")).Known() {
		t.Errorf("ADU %s, cover %s", f.adu(), f.cover(number("1")))
	}
}

func TestASaleCountsOnItsOwnDayAndNoLongerWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("M", "M", 1), umiLot("L", "x", "M", "50", "0", "null"))
	sale := aSale("S", "x", "completed", s.at.AddDate(0, 0, -3), "M 4", "M 1.5")
	s.send(Input{Changes: []rxvigil.Change{sale}})
	d := s.engine.book.find("t", "x", "M").demand
	if n := d.on(s.today() - 3); n.String() != "5.5" || d.first != s.today()-3 {
		t.Errorf("sold %s, first on %s", n, d.first)
	}
	again := aSale("S", "x", "completed", s.at.AddDate(0, 0, -3), "M 4", "M 1.5", "M 2")
	again.Before, again.Was = sale.After, sale.Lines
	out := s.send(Input{Changes: []rxvigil.Change{again}})
	if n := d.on(s.today() - 3); n.String() != "7.5" || len(out.Usage) != 1 {
		t.Errorf("sold %s with a line more, usage %+v", n, out.Usage)
	}
	gone := aSale("S", "x", "cancelled", s.at.AddDate(0, 0, -3), "M 4", "M 1.5", "M 2")
	gone.Before = again.After
	s.send(Input{Changes: []rxvigil.Change{gone}})
	if _, sold := d.last(); sold || d.first != s.today()-3 {
		t.Errorf("sold %v, first on %s", d.sold, d.first)
	}
}

func TestADayWithoutStockIsNoDayOfSales(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.fold(aMedicine("M", "M", 1), umiLot("L", "x", "M", "50", "0", "null"))
	s.history("M", 2, 90, always)
	s.boot()
	s.commit(umiLot("L", "x", "M", "0", "0", "null"))
	s.at = s.at.AddDate(0, 0, 10)
	s.commit(umiLot("L", "x", "M", "5", "0", "null"))
	f := s.forecast("M")
	if f.out != 9 || f.days != 81 || says(f.sold) != "160" {
		t.Errorf("out on %d days, %d with stock, sold %s", f.out, f.days, f.sold)
	}
	s.at = s.at.AddDate(0, 0, 5)
	s.commit(umiLot("L", "x", "M", "4", "0", "null"))
	if f := s.forecast("M"); f.out != 9 || f.days != 81 {
		t.Errorf("five days later: out on %d days, %d with stock", f.out, f.days)
	}
}

func TestSafetyStockMayFollowTheDeviationOfUse(t *testing.T) {
	t.Parallel()
	pack := DefaultPack()
	pack.Supply.SafetyFactor = number("1.65")
	s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	s.fold(aMedicine("M", "M", 1), umiLot("L", "x", "M", "50", "0", "null"))
	s.history("M", 2, 90, func(back int) bool { return back%2 == 1 })
	s.boot()
	f := s.forecast("M")
	if says(f.adu()) != "1" || says(f.deviation()) != "1" || says(f.safety()) != "4.37" {
		t.Errorf("ADU %s, deviation %s, safety stock %s", f.adu(), f.deviation(), f.safety())
	}
}
