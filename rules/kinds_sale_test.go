package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// sell sends one transaction: a sale, completed, and the rows that it changes.
func (s *shop) sell(id, line string, rows ...*rxvigil.Record) Outcome {
	s.t.Helper()
	changes := s.net(rows...)
	return s.send(Input{Changes: append(changes, aSale(id, "x", "completed", s.at, line))})
}

// later lets time pass, and the engine hear of it.
func (s *shop) later(d time.Duration) Outcome {
	s.t.Helper()
	s.at = s.at.Add(d)
	return s.send(Input{})
}

func stockedShop(t *testing.T) *shop {
	t.Helper()
	s := setup(t)
	s.commit(
		record(rxvigil.KindMedicine, "M", "", "name=Amoxicillin", "reorder_level=1"),
		umiLot("NEAR", "x", "M", "30", "0", s.in("60")), umiLot("FAR", "x", "M", "110", "0", s.in("400")), umiLot("OLD", "x", "M", "90", "0", s.in("-20")),
		record(rxvigil.KindMedicine, "C", "", "name=Codeine", "reorder_level=0", "controlled=true"), umiLot("C1", "x", "C", "97", "0", "null"),
		record(rxvigil.KindMedicine, "R", "", "name=Doxycycline", "reorder_level=0", "requires_prescription=true"), umiLot("R1", "x", "R", "97", "0", "null"),
	)
	return s
}

func TestASaleOfAnExpiredLotIsToldAtOnceAndStaysUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	out := s.sell("S1", "M 10 lot=OLD", umiLot("OLD", "x", "M", "80", "0", s.in("-20")))
	expectMessages(t, out, "expired_dispense critical certain: 10 of Amoxicillin was sold from lot OLD, which expired on 2 Nov 2026, sale S1")
	a := out.Transitions[0].Alert
	s.boot()
	out = s.send(Input{Commands: []Command{{Op: Acknowledge, Tenant: "t", Alert: a.ID, By: "sara"}}})
	s.expect("acknowledged", out, "ACKNOWLEDGED expired_dispense critical certain x / Amoxicillin / OLD quantity 10",
		"RESOLVED expired_dispense critical certain x / Amoxicillin / OLD quantity 10")
}

func TestWithoutALotASaleIsExpiredForCertainOnlyWhereEveryLotWas(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	expectMessages(t, s.sell("S1", "M 10", umiLot("OLD", "x", "M", "80", "0", s.in("-20"))))
	s.send(Input{Changes: s.remove("lot/NEAR", "lot/FAR")})
	expectMessages(t, s.sell("S2", "M 80", umiLot("OLD", "x", "M", "0", "0", s.in("-20"))),
		"expired_dispense critical certain: 80 of Amoxicillin was sold although every lot had expired, sale S2",
		"expiry critical expired: Amoxicillin, lot OLD, is used up: nothing is left that could expire")
}

func TestTheLotThatExpiresFirstIsToBeSoldFirst(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	expectMessages(t, s.sell("S1", "M 12 lot=FAR", umiLot("FAR", "x", "M", "98", "0", s.in("400"))),
		"fefo_violation warning later_first: Amoxicillin was sold from lot FAR, which expires on 27 Dec 2027, while lot NEAR, which expires on 21 Jan 2027, had 30, sale S1")
	expectMessages(t, s.sell("S2", "M 30 lot=NEAR", umiLot("NEAR", "x", "M", "0", "0", s.in("60"))))
	expectMessages(t, s.sell("S3", "M 8 lot=FAR", umiLot("FAR", "x", "M", "90", "0", s.in("400"))))
}

func TestMoreThanThereIsCannotBeSold(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	expectMessages(t, s.sell("S1", "C 98"), "oversell critical oversold: 98 of Codeine was sold with 97 on hand, sale S1")
	s = stockedShop(t)
	opened := aSale("S1", "x", "pending", s.at, "C 97")
	s.send(Input{Changes: append(s.net(umiLot("C1", "x", "C", "0", "0", "null")), opened)})
	done := aSale("S1", "x", "completed", s.at, "C 97")
	done.Before = opened.After
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{done}}))
}

func TestAControlledSaleNeedsAPrescriptionWithinTenMinutes(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	expectMessages(t, s.sell("S1", "C 2 prescription_line=null", umiLot("C1", "x", "C", "95", "0", "null")))
	expectMessages(t, s.later(9*time.Minute))
	out := s.later(2 * time.Minute)
	expectMessages(t, out, "rx_missing critical controlled: 2 of Codeine was sold without a prescription that is known: it is controlled, sale S1")
	if at := out.Transitions[0].Alert.StartedAt; s.at.Sub(at) < 50*time.Second {
		t.Errorf("it began at %s, and is known at %s", at, s.at)
	}
}

func TestAPrescriptionThatComesInTimeProvesTheSale(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.sell("S1", "R 14 prescription_line=P1-1", umiLot("R1", "x", "R", "83", "0", "null"))
	s.send(Input{Changes: []rxvigil.Change{aPrescription("P1", "ann", "dispensed", s.at, "R 14 14")}})
	expectMessages(t, s.later(time.Hour))
}

func TestAPrescriptionOfSomebodyElseProvesNothing(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.send(Input{Changes: []rxvigil.Change{aPrescription("P1", "ann", "pending", s.at, "R 14 0")}})
	sale := aSale("S1", "x", "completed", s.at, "R 14 prescription_line=P1-1")
	sale.After.Values[rxvigil.SalePatient] = rxvigil.TextOf("bob")
	s.send(Input{Changes: append(s.net(umiLot("R1", "x", "R", "83", "0", "null")), sale)})
	expectMessages(t, s.later(time.Hour),
		"rx_missing high on_prescription: 14 of Doxycycline was sold without a prescription that is known: it needs a prescription, sale S1")
}

func TestWhereNoSaleNamesAPrescriptionNobodyCanTell(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.sell("S1", "C 2", umiLot("C1", "x", "C", "95", "0", "null"))
	expectMessages(t, s.later(time.Hour))
}

func TestACancelledSaleHasToComeBack(t *testing.T) {
	t.Parallel()
	for back, want := range map[string][]string{
		"97": nil,
		"92": {"sale_stock_mismatch high back: Sale S1 was cancelled: of 9 of Codeine, 5 did not come back"},
	} {
		s := stockedShop(t)
		sold := aSale("S1", "x", "completed", s.at, "C 9")
		s.send(Input{Changes: append(s.net(umiLot("C1", "x", "C", "88", "0", "null")), sold)})
		gone := aSale("S1", "x", "cancelled", s.at, "C 9")
		gone.Before = sold.After
		s.send(Input{Changes: append(s.net(umiLot("C1", "x", "C", back, "0", "null")), gone)})
		expectMessages(t, s.later(20*time.Minute), want...)
	}
}

func TestWhatWasReservedForACancelledSaleHasToBeFree(t *testing.T) {
	t.Parallel()
	for _, frees := range []bool{true, false} {
		s := stockedShop(t)
		opened := aSale("S1", "x", "pending", s.at, "C 10")
		s.send(Input{Changes: append(s.net(umiLot("C1", "x", "C", "97", "10", "null")), opened)})
		gone := aSale("S1", "x", "cancelled", s.at, "C 10")
		gone.Before = opened.After
		s.send(Input{Changes: []rxvigil.Change{gone}})
		var want []string
		if frees {
			s.commit(umiLot("C1", "x", "C", "97", "0", "null"))
		} else {
			want = append(want, "sale_stock_mismatch high free: Sale S1 was cancelled: 10 of Codeine is still reserved")
		}
		expectMessages(t, s.later(20*time.Minute), want...)
	}
}

func TestWhatIsSoldHasToLeave(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.sell("S1", "M 10")
	s.commit(umiLot("FAR", "x", "M", "104", "0", s.in("400")))
	expectMessages(t, s.later(20*time.Minute), "dispensing_mismatch high out: 10 of Amoxicillin was sold, but 4 did not leave the stock, sale S1")
}

// aPrescription has lines "medicine quantity dispensed", each named after its place.
func aPrescription(id, patient, status string, at time.Time, lines ...string) rxvigil.Change {
	c := rxvigil.Change{After: record(rxvigil.KindPrescription, id, "x", "number="+id, "patient="+patient, "status="+status, "written_at="+at.Format(time.RFC3339))}
	for i, text := range lines {
		var medicine, quantity, dispensed, rest, more string
		_, _ = fmt.Sscan(text, &medicine, &quantity, &dispensed, &rest, &more)
		fields := []string{"prescription=" + id, "medicine=" + medicine, "quantity=" + quantity, "dispensed=" + dispensed}
		for _, field := range []string{rest, more} {
			if field != "" {
				fields = append(fields, field)
			}
		}
		c.Lines = append(c.Lines, record(rxvigil.KindPrescriptionLine, fmt.Sprint(id, "-", i+1), "x", fields...))
	}
	return c
}

// becomes is the change of one image of a document to the next.
func becomes(before, after rxvigil.Change) rxvigil.Change {
	after.Before, after.Was = before.After, before.Lines
	return after
}

func TestAPrescriptionThatWaitsIsToldAndSevereInThreeDays(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	written := aPrescription("P1", "ann", "pending", s.at, "R 14 0")
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{written}}))
	expectMessages(t, s.later(23*time.Hour))
	expectMessages(t, s.later(2*time.Hour), "prescription_pending warning pending: Prescription P1 has been waiting since 22 Nov 2026")
	expectMessages(t, s.later(50*time.Hour), "prescription_pending high pending: Prescription P1 has been waiting since 22 Nov 2026")
	done := becomes(written, aPrescription("P1", "ann", "cancelled", s.at, "R 14 0"))
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{done}}), "prescription_pending high pending: Prescription P1 waits no longer")
}

func TestABootTellsAtOnceHowLongAPrescriptionHasWaited(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for _, p := range []rxvigil.Change{
		aPrescription("OLD", "ann", "pending", s.at.AddDate(0, 0, -12), "R 14 0"), aPrescription("NEW", "bob", "pending", s.at, "R 14 0"),
		aPrescription("DONE", "bob", "dispensed", s.at.AddDate(0, 0, -12), "R 14 14"),
	} {
		s.engine.Fold(&rxvigil.Change{After: p.After})
		s.engine.Fold(&rxvigil.Change{After: p.Lines[0], Document: p.After})
	}
	expectMessages(t, s.boot(), "prescription_pending high pending: Prescription OLD has been waiting since 10 Nov 2026")
}

func TestAPrescriptionOutOfDateIsNotToBeDispensed(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	written, done := aPrescription("P1", "ann", "pending", s.at, "R 14 0"), aPrescription("P1", "ann", "dispensed", s.at, "R 14 14")
	for _, c := range []*rxvigil.Change{&written, &done} {
		c.After.Values[rxvigil.PrescriptionValidUntil] = rxvigil.ValueOf(rxvigil.TypeDay, s.in("-5"))
	}
	s.send(Input{Changes: []rxvigil.Change{written}})
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{becomes(written, done)}}),
		"prescription_expired high expired: Prescription P1 was dispensed although it was valid until 17 Nov 2026 only")
}

func TestWhatIsDispensedIsSoldAndNoMoreThanPrescribed(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.sell("S0", "C 1 prescription_line=P0", umiLot("C1", "x", "C", "96", "0", "null"))
	written, done := aPrescription("P1", "ann", "pending", s.at, "R 14 0"), aPrescription("P1", "ann", "dispensed", s.at, "R 14 30")
	s.send(Input{Changes: []rxvigil.Change{written}})
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{becomes(written, done)}}),
		"dispensing_mismatch high over: On prescription P1 30 of Doxycycline was dispensed, 16 more than prescribed")
	written, done = aPrescription("P2", "ann", "pending", s.at, "R 14 0 refills=1"), aPrescription("P2", "ann", "partial", s.at, "R 14 14 refills=1")
	s.send(Input{Changes: []rxvigil.Change{written}})
	s.send(Input{Changes: []rxvigil.Change{becomes(written, done)}})
	expectMessages(t, s.later(20*time.Minute), "dispensing_mismatch high unsold: On prescription P2 14 of Doxycycline was dispensed, and no sale of it was recorded")
}

func TestThePatientWhoHasItAlreadyIsToldOf(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.send(Input{Changes: []rxvigil.Change{aPrescription("P1", "ann", "pending", s.at, "R 14 0")}})
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{aPrescription("P2", "bob", "pending", s.at, "R 14 0")}}))
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{aPrescription("P3", "ann", "pending", s.at, "R 14 0")}}),
		"duplicate_therapy high identical: Prescription P3 is of the same things as P1, for the same patient")
	expectMessages(t, s.send(Input{Changes: []rxvigil.Change{aPrescription("P4", "ann", "pending", s.at, "R 7 0", "C 1 0")}}),
		"duplicate_therapy high overlap: Prescription P4 has Doxycycline, which the same patient still has by P1")
}

// TestSupplyMayOverlapByThreeDays follows the days that a dispensed prescription lasts for.
func TestSupplyMayOverlapByThreeDays(t *testing.T) {
	t.Parallel()
	for days, want := range map[int]int{26: 1, 27: 0, 30: 0} {
		s := stockedShop(t)
		s.send(Input{Changes: []rxvigil.Change{aPrescription("P1", "ann", "dispensed", s.at, "R 30 30 days_supply=30")}})
		s.later(time.Duration(days) * 24 * time.Hour)
		out := s.send(Input{Changes: []rxvigil.Change{aPrescription("P2", "ann", "pending", s.at, "R 30 0 days_supply=30")}})
		if len(out.Transitions) != want {
			t.Errorf("%d days later: %q", days, messages(out))
		}
	}
}

func TestAPriceBelowCostStandsAndASuddenPriceIsTold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	medicine := func(price string) *rxvigil.Record {
		return record(rxvigil.KindMedicine, "M", "", "name=Multivitamin", "price="+price, "cost=0.40")
	}
	s.commit(medicine("0.50"))
	expectMessages(t, s.commit(medicine("0.30")), "price_below_cost high below_cost: Multivitamin is sold for less than it should be: price 0.30, cost 0.40")
	expectMessages(t, s.commit(medicine("0.40")), "price_below_cost high below_cost: Multivitamin is sold for enough again: price 0.40, cost 0.40",
		"price_change high changed: The price of Multivitamin went from 0.30 to 0.40, by 33.3%")
	expectMessages(t, s.commit(medicine("0.52")))
}
