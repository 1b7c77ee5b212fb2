package rules

import (
	"slices"
	"testing"

	"github.com/rxvigil/rxvigil"
)

func ofAll(id, name string, level int) *rxvigil.Record {
	return in(rxvigil.EveryTenant, aMedicine(id, name, level))
}

func TestAMedicineOfEveryTenantIsJudgedInEachAndATenantsOwnComesFirst(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(ofAll("M", "Amoxicillin", 40))
	s.expect("two tenants have little of it", s.commit(in("a", umiLot("L", "x", "M", "30", "0", "null")), in("b", umiLot("K", "y", "M", "20", "0", "null"))),
		"RAISED low_stock warning low x / Amoxicillin available 30 min 40", "RAISED low_stock warning low y / Amoxicillin available 20 min 40")
	s.expect("the level is lowered for all", s.commit(ofAll("M", "Amoxicillin 500", 25)), "RESOLVED low_stock warning low x / Amoxicillin 500 available 30 min 25")
	own := in("b", aMedicine("M", "Amoxi", 10))
	s.expect("one has a record of its own", s.send(Input{Changes: []rxvigil.Change{{After: own}}}), "RESOLVED low_stock warning low y / Amoxi available 20 min 10")
	s.expect("which the one of all does not change", s.commit(ofAll("M", "Amoxicillin 500", 35)), "RAISED low_stock warning low x / Amoxicillin 500 available 30 min 35")
	s.expect("until it goes", s.send(Input{Changes: []rxvigil.Change{{Before: own}}}), "RAISED low_stock warning low y / Amoxicillin 500 available 20 min 35")
	if m, ok := s.engine.Medicine("b", "M"); !ok || m.Name != "Amoxicillin 500" {
		t.Errorf("b knows %+v", m)
	}
	s.expect("the one of all goes", s.send(Input{Changes: s.remove("medicine/M")}),
		"RESOLVED low_stock warning low x / Amoxicillin 500 available 30 min 35 (subject gone)", "RESOLVED low_stock warning low y / Amoxicillin 500 available 20 min 35 (subject gone)")
}

func TestATenantThatComesLaterKnowsTheMedicinesOfEveryTenant(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.commit(ofAll("M", "Amoxicillin", 40), ofAll("N", "Ibuprofen", 10), in("a", record(rxvigil.KindTenant, "a", "", "name=A")))
	if n := s.engine.MedicineCount("a"); n != 2 {
		t.Errorf("a has %d medicines, not 2", n)
	}
	s.expect("new, and nearly out", s.commit(in("c", umiLot("L", "x", "M", "3", "0", "null"))), "RAISED low_stock warning low x / Amoxicillin available 3 min 40")
	if known := s.engine.Tenants(); slices.ContainsFunc(known, func(t TenantInfo) bool { return t.ID == rxvigil.EveryTenant }) {
		t.Errorf("every tenant is none: %+v", known)
	}
}
