package rules

import (
	"testing"

	"github.com/rxvigil/rxvigil"
)

const cairoRoad, kabwata = "cairo-road", "kabwata"

func umiLot(id, branch, medicine, onHand, reserved, expires string) *rxvigil.Record {
	return aLot(id, branch, medicine, "on_hand="+onHand, "reserved="+reserved, "expires="+expires)
}

// umi seeds two medicines whose ledgers add up.
func umi(t *testing.T) *shop {
	s := setup(t)
	out := s.commit(
		aMedicine("ALU", "Artemether/Lumefantrine", 20), aMedicine("ORS", "Oral rehydration salts", 10),
		umiLot("ALU-A1", cairoRoad, "ALU", "20", "0", s.in("300")), umiLot("ALU-A2", cairoRoad, "ALU", "20", "0", s.in("400")),
		umiLot("ORS-B1", cairoRoad, "ORS", "20", "0", s.in("300")),
		aMovement("m1", cairoRoad, "ALU", "40"), aMovement("m2", cairoRoad, "ORS", "20"),
	)
	s.expect("seed", out)
	return s
}

// umiPayment is steps 36 and 37 of targets/umi: the basket, then the trigger that takes the sum of all lines from each lot.
func umiPayment(s *shop) (basket, paid Outcome) {
	basket = s.commit(
		umiLot("ALU-A1", cairoRoad, "ALU", "20", "3", s.in("300")), umiLot("ALU-A2", cairoRoad, "ALU", "20", "3", s.in("400")),
		umiLot("ORS-B1", cairoRoad, "ORS", "20", "4", s.in("300")),
	)
	paid = s.commit(
		umiLot("ALU-A1", cairoRoad, "ALU", "13", "-4", s.in("300")), umiLot("ALU-A2", cairoRoad, "ALU", "13", "-4", s.in("400")),
		umiLot("ORS-B1", cairoRoad, "ORS", "13", "-3", s.in("300")),
		aMovement("m3", cairoRoad, "ALU", "-3"), aMovement("m4", cairoRoad, "ORS", "-4"),
	)
	return basket, paid
}

func TestThePaymentThatTakesTooMuchIsToldOnceAfterTheCommit(t *testing.T) {
	t.Parallel()
	s := umi(t)
	basket, paid := umiPayment(s)
	s.expect("36", basket)
	s.expectStock("36", basket, "cairo-road/ALU 40 0 40 → 40 6 34", "cairo-road/ORS 20 0 20 → 20 4 16")
	s.expect("37", paid,
		"RAISED ledger_mismatch critical mismatch cairo-road / Artemether/Lumefantrine ledger 37 drift -11",
		"RAISED ledger_mismatch critical mismatch cairo-road / Oral rehydration salts ledger 16 drift -3",
		"RAISED negative_stock critical negative cairo-road / Artemether/Lumefantrine lots ALU-A1: on_hand 13, reserved -4; ALU-A2: on_hand 13, reserved -4",
		"RAISED negative_stock critical negative cairo-road / Oral rehydration salts lots ORS-B1: on_hand 13, reserved -3",
	)
	s.expectStock("37", paid, "cairo-road/ALU 40 6 34 → 26 -8 34", "cairo-road/ORS 20 4 16 → 13 -3 16")
	s.expect("nothing new", s.commit(umiLot("ORS-B1", cairoRoad, "ORS", "13", "-3", s.in("299"))))
	s.expect("drift moves", s.commit(aMovement("m5", cairoRoad, "ORS", "1")),
		"CHANGED ledger_mismatch critical mismatch cairo-road / Oral rehydration salts ledger 17 drift -4")
}

func TestReservationsAloneMakeStockLow(t *testing.T) {
	t.Parallel()
	s := setup(t)
	lots := func(onHand, reserved string) Outcome {
		return s.commit(umiLot("PCM-A1", cairoRoad, "PCM", onHand, reserved, s.in("500")))
	}
	s.expect("seed", s.commit(aMedicine("PCM", "Paracetamol", 100), umiLot("PCM-A1", cairoRoad, "PCM", "106", "0", "null")))
	s.expect("7", lots("106", "8"), "RAISED low_stock warning low cairo-road / Paracetamol available 98 min 100")
	s.expect("8", lots("98", "0"))
	s.expect("10", lots("0", "0"), "CHANGED low_stock critical out cairo-road / Paracetamol available 0 min 100")
	out := s.commit(umiLot("PCM-A2", cairoRoad, "PCM", "500", "0", s.in("500")))
	s.expect("11", out, "RESOLVED low_stock critical out cairo-road / Paracetamol available 500 min 100")
	out = s.commit(umiLot("PCM-A2", cairoRoad, "PCM", "350", "0", s.in("500")), umiLot("PCM-K1", kabwata, "PCM", "60", "0", "null"))
	s.expect("33 before", out, "RAISED low_stock warning low kabwata / Paracetamol available 60 min 100")
	out = s.commit(umiLot("PCM-A2", cairoRoad, "PCM", "200", "0", s.in("500")), umiLot("PCM-K2", kabwata, "PCM", "150", "0", "null"))
	s.expect("33", out, "RESOLVED low_stock warning low kabwata / Paracetamol available 210 min 100")
}

func TestExpiredStockCountsOnHandButNotAvailable(t *testing.T) {
	t.Parallel()
	s := setup(t)
	out := s.commit(aMedicine("FES", "Ferrous sulfate", 50),
		umiLot("FES-a", cairoRoad, "FES", "240", "0", s.in("-1")), umiLot("FES-b", cairoRoad, "FES", "250", "0", s.in("300")))
	s.expect("seed", out, "RAISED expiry critical expired cairo-road / Ferrous sulfate / FES-a days -1 quantity 240")
	s.expectStock("seed", out, "cairo-road/FES none → 490 0 250")
	out = s.commit(umiLot("FES-b", cairoRoad, "FES", "240", "0", s.in("300")))
	s.expect("32", out)
	s.expectStock("32", out, "cairo-road/FES 490 0 250 → 480 0 240")
}

func TestNeverExpiresIsAValueOfItsOwn(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.expect("seed", s.commit(aMedicine("AMX", "Amoxicillin", 10), umiLot("AMX-31", "m", "AMX", "257", "0", "infinity")))
	s.expect("39", s.commit(umiLot("AMX-31", "m", "AMX", "257", "0", s.in("12"))),
		"RAISED expiry warning expires_30 m / Amoxicillin / AMX-31 days 12 quantity 257")
	s.expect("unknown again", s.commit(umiLot("AMX-31", "m", "AMX", "257", "0", "null")))
	s.expect("for ever", s.commit(umiLot("AMX-31", "m", "AMX", "257", "0", "infinity")),
		"RESOLVED expiry warning expires_30 m / Amoxicillin / AMX-31 quantity 257")
}

func TestASoftDeletedMedicineIsNotJudgedAndItsReturnIsANewEpisode(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.expect("seed", s.commit(aMedicine("CTZ", "Cetirizine", 10), umiLot("CTZ-11", cairoRoad, "CTZ", "137", "0", s.in("7"))),
		"RAISED expiry critical expires_7 cairo-road / Cetirizine / CTZ-11 days 7 quantity 137")
	gone := aMedicine("CTZ", "Cetirizine", 10)
	gone.Gone = true
	out := s.commit(gone)
	s.expect("23", out, "RESOLVED expiry critical expires_7 cairo-road / Cetirizine / CTZ-11 days 7 quantity 137 (subject gone)")
	s.expectStock("23", out)
	out = s.commit(aMedicine("CTZ", "Cetirizine", 10))
	s.expect("24", out, "RAISED expiry critical expires_7 cairo-road / Cetirizine / CTZ-11 days 7 quantity 137")
	if a := out.Transitions[0].Alert; a.Episode != 2 || a.Version != 1 || a.ID != rxvigil.AlertID(a.Fingerprint(), 2) {
		t.Errorf("the second episode is %d, version %d, id %s", a.Episode, a.Version, a.ID)
	}
}

func TestARenameIsShownInTheOpenAlertAndNotTold(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("IBU", "Ibuprofen", 50), umiLot("IBU-1", cairoRoad, "IBU", "50", "0", "null"))
	s.expect("2", s.commit(aMedicine("IBU", "Ibuprofen film-coated", 50)))
	a := s.engine.OpenAlerts("t")[0]
	if a.Subject.Name != "Ibuprofen film-coated" || a.Message != "Ibuprofen film-coated is low: 50 available, reorder level 50" {
		t.Errorf("the open alert says %q: %q", a.Subject.Name, a.Message)
	}
}

func TestAMedicineWithoutAnyLotHasNoStock(t *testing.T) {
	t.Parallel()
	s := setup(t)
	out := s.commit(aMedicine("LOR", "Loratadine", 20))
	s.expect("1", out)
	s.expectStock("1", out)
	out = s.commit(umiLot("LOR-11", cairoRoad, "LOR", "100", "0", s.in("400")))
	s.expect("3", out)
	s.expectStock("3", out, "cairo-road/LOR none → 100 0 100")
}

func TestALotThatMovesTouchesBothShelves(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(aMedicine("A", "A", 1), aMedicine("B", "B", 1),
		umiLot("L1", "x", "A", "5", "0", s.in("3")), umiLot("L2", "x", "B", "9", "0", "null"))
	out := s.commit(umiLot("L1", "x", "B", "5", "0", s.in("3")))
	s.expect("to another medicine: the lot's alert stays the same", out)
	s.expectStock("to another medicine", out, "x/A 5 0 5 → none", "x/B 9 0 9 → 14 0 14")
	if a := s.engine.OpenAlerts("t")[0]; a.Subject.Medicine != "B" {
		t.Errorf("the alert is of medicine %s", a.Subject.Medicine)
	}
	out = s.commit(umiLot("L1", "y", "B", "5", "0", s.in("3")))
	s.expect("to another branch", out,
		"RESOLVED expiry critical expires_7 x / B / L1 days 3 quantity 5 (subject gone)",
		"RAISED expiry critical expires_7 y / B / L1 days 3 quantity 5")
}
