package rules

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

func stockText(lines []StockLine) []string {
	var texts []string
	for _, l := range lines {
		var text strings.Builder
		text.WriteString(fmt.Sprintf("%s %s %s/%s/%s %s", l.Medicine.Name, l.Branch.ID, l.OnHand, l.Reserved, l.Available, l.Status))
		for _, lot := range l.Lots {
			text.WriteString(" " + lot.ID)
		}
		texts = append(texts, text.String())
	}
	return texts
}

// twoBranches is a shop with four shelves.
func twoBranches(t *testing.T) *shop {
	s := setup(t)
	s.commit(
		aMedicine("A", "Aspirin", 10), aMedicine("B", "Brufen", 10), aMedicine("C", "Cetirizine", 10),
		record(rxvigil.KindBranch, "x", "x", "name=Cairo Road", "code=CR"),
		umiLot("A1", "x", "A", "5", "0", s.in("400")), umiLot("A2", "x", "A", "20", "3", s.in("10")),
		umiLot("A3", "y", "A", "7", "0", "infinity"), umiLot("B1", "x", "B", "0", "0", "null"), umiLot("C1", "y", "C", "null", "0", s.in("-2")),
	)
	return s
}

func TestStockIsReadPageByPageAndLotsByExpiry(t *testing.T) {
	t.Parallel()
	s := twoBranches(t)
	want := []string{"Aspirin x 25/3/22 ok A2 A1", "Aspirin y 7/0/7 low A3", "Brufen x 0/0/0 out B1", "Cetirizine y unknown/0/0 out C1"}
	if diff := cmp.Diff(want, stockText(s.engine.Stock("t", StockQuery{}))); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	var paged []string
	q := StockQuery{Limit: 1}
	for {
		lines := s.engine.Stock("t", q)
		if len(lines) == 0 {
			break
		}
		paged, q.After = append(paged, stockText(lines)...), lines[0].Key()
	}
	if diff := cmp.Diff(want, paged); diff != "" {
		t.Errorf("paged (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		q    StockQuery
		want []string
	}{
		{StockQuery{Branch: "y"}, []string{want[1], want[3]}},
		{StockQuery{Branches: []rxvigil.Branch{"x"}}, []string{want[0], want[2]}},
		{StockQuery{Branches: []rxvigil.Branch{"x"}, Branch: "y"}, nil},
		{StockQuery{Medicine: "A"}, want[:2]},
		{StockQuery{Text: "ruf"}, want[2:3]},
	} {
		if diff := cmp.Diff(c.want, stockText(s.engine.Stock("t", c.q))); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.q, diff)
		}
	}
	for _, c := range []struct {
		branch rxvigil.Branch
		most   int
		want   []string
	}{
		{"", 9, []string{want[2], want[3], want[1]}}, {"y", 9, []string{want[3], want[1]}}, {"", 2, want[2:4]},
	} {
		if diff := cmp.Diff(c.want, stockText(s.engine.Urgent("t", c.branch, c.most))); diff != "" {
			t.Errorf("urgent %+v (-want +got):\n%s", c, diff)
		}
	}
	if got := s.engine.Stock("another", StockQuery{}); len(got) != 0 {
		t.Errorf("another tenant sees %v", stockText(got))
	}
}

func TestExpiringListsTheSoonestFirst(t *testing.T) {
	t.Parallel()
	s := twoBranches(t)
	var got []string
	for _, l := range s.engine.Expiring("t", "", 30) {
		got = append(got, fmt.Sprintf("%s %s %d %v", l.Medicine.Name, l.Lot.ID, *l.Lot.Days, l.Lot.Expired))
	}
	if diff := cmp.Diff([]string{"Cetirizine C1 -2 true", "Aspirin A2 10 false"}, got); diff != "" {
		t.Errorf("expiring (-want +got):\n%s", diff)
	}
	if got := s.engine.Expiring("t", "x", 30); len(got) != 1 {
		t.Errorf("%d lots in x, want 1", len(got))
	}
}

func TestTenantsAreThoseWithARecordOrElseThoseSeen(t *testing.T) {
	t.Parallel()
	s := twoBranches(t)
	got := s.engine.Tenants()
	if len(got) != 1 || got[0].ID != "t" || got[0].Name != "t" || got[0].Zone != "UTC" || len(got[0].Branches) != 2 ||
		got[0].Branches[0] != (BranchInfo{ID: "x", Name: "Cairo Road", Code: "CR"}) {
		t.Fatalf("without records: %+v", got)
	}
	s.commit(in("u", record(rxvigil.KindTenant, "u", "", "name=Lifeline", "subdomain=lifeline", "zone=Africa/Lusaka")))
	if got = s.engine.Tenants(); len(got) != 1 || got[0].ID != "u" {
		t.Errorf("with a record: %+v", got)
	}
	for _, name := range []string{"u", "lifeline"} {
		if got, ok := s.engine.FindTenant(name); !ok || got.Name != "Lifeline" || got.Zone != "Africa/Lusaka" {
			t.Errorf("%s is %+v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "t", "Lifeline"} {
		if got, ok := s.engine.FindTenant(name); ok {
			t.Errorf("%q is %+v", name, got)
		}
	}
}

func TestMedicinesAreCountedWhileTheyExist(t *testing.T) {
	t.Parallel()
	s := twoBranches(t)
	gone := aMedicine("C", "Cetirizine", 10)
	gone.Gone = true
	s.commit(gone)
	if n := s.engine.MedicineCount("t"); n != 2 {
		t.Errorf("%d medicines, want 2", n)
	}
	if _, ok := s.engine.Medicine("t", "C"); ok {
		t.Error("a deleted medicine can be read")
	}
	if m, ok := s.engine.Medicine("t", "A"); !ok || m.Name != "Aspirin" || m.ReorderLevel.String() != "10" {
		t.Errorf("medicine %+v, %v", m, ok)
	}
}

func TestCoverageCountsWhatCannotBeJudged(t *testing.T) {
	t.Parallel()
	s := twoBranches(t)
	got := map[string]string{}
	for _, c := range s.engine.Coverage() {
		got[c.Rule] = fmt.Sprint(c.Unsure, " of ", c.Shelves)
	}
	want := map[string]string{
		"low_stock": "0 of 4", "negative_stock": "1 of 4", "expiry": "1 of 4", "ledger_mismatch": "4 of 4",
		"projected_stockout": "2 of 4", "will_not_sell_before_expiry": "4 of 4", "overstock": "4 of 4", "dead_stock": "3 of 4", "sales_spike": "4 of 4", "recall": "0 of 4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	// A warm start counts it bit by bit.
	before := s.engine.Coverage()
	clear(s.engine.unknown)
	for _, t := range s.engine.book.tenants {
		t.eachShelf(func(s *shelf) { s.unknown = 0 })
	}
	s.engine.Refresh(s.engine.Now())
	for n := 0; s.engine.RefreshSome(1); n++ {
		if n > 4 {
			t.Fatal("it never ends")
		}
	}
	if diff := cmp.Diff(before, s.engine.Coverage()); diff != "" {
		t.Errorf("after a warm start (-want +got):\n%s", diff)
	}
	s.commit(aMedicine("A", "Aspirin", 10), aMovement("m", "x", "A", "25"), umiLot("C1", "y", "C", "1", "0", s.in("9")))
	for _, c := range s.engine.Coverage() {
		if c.Rule == "ledger_mismatch" && c.Unsure != 3 || c.Rule == "expiry" && c.Unsure != 0 {
			t.Errorf("after: %+v", c)
		}
	}
}

func TestADayBeginsWhereTheBranchIs(t *testing.T) {
	t.Parallel()
	late := time.Date(2026, 11, 22, 22, 30, 0, 0, time.UTC) // the 23rd in Lusaka, the 22nd in Lagos at 23:30
	zones := map[rxvigil.Tenant]*time.Location{"t": mustZone(t, "Africa/Lusaka")}
	s := setupAt(t, Config{Pack: DefaultPack(), Zones: zones}, late)
	lots := []*rxvigil.Record{umiLot("L-x", "x", "M", "5", "0", "2026-11-22"), umiLot("L-y", "y", "M", "5", "0", "2026-11-22")}
	s.expect("seed", s.commit(append(lots, aMedicine("M", "M", 1), record(rxvigil.KindBranch, "y", "y", "zone=Africa/Lagos"))...),
		"RAISED expiry critical expired x / M / L-x days -1 quantity 5",
		"RAISED expiry critical expires_7 y / M / L-y days 0 quantity 5",
		"RAISED low_stock critical out x / M available 0 min 1")
	s.expect("the tenant moves", s.commit(in("t", record(rxvigil.KindTenant, "t", "", "zone=Africa/Lagos"))),
		"CHANGED expiry critical expires_7 x / M / L-x days 0 quantity 5",
		"RESOLVED low_stock critical out x / M available 5 min 1")
}

func TestReadersMayReadWhileTheEngineWrites(t *testing.T) {
	t.Parallel()
	s := twoBranches(t)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					readAll(s.engine)
				}
			}
		})
	}
	for i := range 200 {
		s.commit(umiLot("A1", "x", "A", fmt.Sprint(i%30), "0", s.in("400")))
	}
	close(stop)
	readers.Wait()
}

func readAll(e *Engine) {
	for _, a := range e.OpenAlerts("t") {
		_ = strings.Join([]string{a.Message, a.Values.Get("available").Text()}, "")
	}
	e.Tenants()
	e.Stock("t", StockQuery{})
	e.Expiring("t", "", 30)
	e.Coverage()
	e.Now()
	e.Usage(func(Usage) bool { return true })
}
