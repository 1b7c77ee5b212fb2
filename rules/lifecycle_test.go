package rules

import (
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// lowShelf is a shop with one alert: warning, of a shelf with 30 of 40.
func lowShelf(t *testing.T) (*shop, rxvigil.Alert) {
	s := setup(t)
	s.commit(aMedicine("M", "Metformin", 40), umiLot("M-1", "x", "M", "30", "0", "null"))
	return s, s.engine.OpenAlerts("t")[0]
}

func (s *shop) stock(onHand string) Outcome {
	return s.commit(umiLot("M-1", "x", "M", onHand, "0", "null"))
}

func (s *shop) command(c Command) Outcome {
	c.Tenant, c.Operation = "t", "op"
	return s.send(Input{Commands: []Command{c}})
}

func (s *shop) expectStatus(step string, out Outcome, from, to rxvigil.Status, event rxvigil.EventType) {
	s.t.Helper()
	if len(out.Transitions) != 1 {
		s.t.Fatalf("%s: transitions %v", step, told(out))
	}
	if tr := out.Transitions[0]; tr.From != from || tr.Alert.Status != to || tr.Event != event {
		s.t.Errorf("%s: %s → %s as %s, want %s → %s as %s", step, tr.From, tr.Alert.Status, tr.Event, from, to, event)
	}
}

func TestAnAcknowledgedAlertIsQuietUntilItGetsWorse(t *testing.T) {
	t.Parallel()
	s, a := lowShelf(t)
	out := s.command(Command{Op: Acknowledge, Alert: a.ID, By: "abebe", Note: "ordered"})
	s.expectStatus("acknowledge", out, rxvigil.Firing, rxvigil.Acknowledged, rxvigil.AlertAcknowledged)
	if r := out.Receipts[0]; !r.Applied || r.Alert.AcknowledgedBy != "abebe" || r.Alert.Note != "ordered" || r.Alert.Version != 2 {
		t.Errorf("receipt %+v", r)
	}
	out = s.command(Command{Op: Acknowledge, Alert: a.ID, By: "sara"})
	if r := out.Receipts[0]; len(out.Transitions) != 0 || !r.Applied || r.Alert.AcknowledgedBy != "abebe" {
		t.Errorf("repeated: %v, %+v", told(out), r)
	}
	s.expect("numbers move", s.stock("20"))
	s.expectStatus("worse", s.stock("0"), rxvigil.Acknowledged, rxvigil.Firing, rxvigil.AlertChanged)
	s.command(Command{Op: Acknowledge, Alert: a.ID})
	s.expectStatus("better", s.stock("10"), rxvigil.Acknowledged, rxvigil.Acknowledged, rxvigil.AlertChanged)
	s.expectStatus("resolved", s.stock("100"), rxvigil.Acknowledged, rxvigil.Resolved, rxvigil.AlertResolved)
	out = s.command(Command{Op: Acknowledge, Alert: a.ID})
	if r := out.Receipts[0]; r.Applied || r.Reason != ReasonNotOpen {
		t.Errorf("on a resolved alert: %+v", r)
	}
}

func TestASnoozeEndsAtItsTimeOrWhenSeverityRises(t *testing.T) {
	t.Parallel()
	s, a := lowShelf(t)
	until := s.at.Add(time.Hour)
	out := s.command(Command{Op: Snooze, Alert: a.ID, Until: until})
	s.expectStatus("snooze", out, rxvigil.Firing, rxvigil.Snoozed, rxvigil.AlertSnoozed)
	s.expect("again", s.command(Command{Op: Snooze, Alert: a.ID, Until: until}))
	s.at = s.at.Add(2 * time.Hour)
	out = s.stock("29")
	s.expectStatus("its time", out, rxvigil.Snoozed, rxvigil.Firing, rxvigil.AlertChanged)
	if got := out.Transitions[0].Alert.ChangedAt; !got.Equal(until) {
		t.Errorf("it ended at %v, want %v", got, until)
	}
	s.command(Command{Op: Snooze, Alert: a.ID, Until: s.at.Add(time.Hour)})
	s.expectStatus("worse", s.stock("0"), rxvigil.Snoozed, rxvigil.Firing, rxvigil.AlertChanged)
	s.command(Command{Op: Snooze, Alert: a.ID, Until: s.at.Add(time.Hour)})
	s.expectStatus("better", s.stock("10"), rxvigil.Snoozed, rxvigil.Snoozed, rxvigil.AlertChanged)
	s.expectStatus("unsnooze", s.command(Command{Op: Unsnooze, Alert: a.ID}), rxvigil.Snoozed, rxvigil.Firing, rxvigil.AlertChanged)
	if r := s.command(Command{Op: Snooze, Alert: a.ID, Until: s.at}).Receipts[0]; r.Applied || r.Reason != ReasonPast {
		t.Errorf("a snooze into the past: %+v", r)
	}
	s.command(Command{Op: Snooze, Alert: a.ID, Until: s.at.Add(time.Hour)})
	s.expectStatus("resolved", s.stock("100"), rxvigil.Snoozed, rxvigil.Resolved, rxvigil.AlertResolved)
}

func TestLowStockResolvesOnlyWellAboveTheLevel(t *testing.T) {
	t.Parallel()
	s, _ := lowShelf(t)
	s.expect("at 1.1 × 40", s.stock("44"))
	s.expect("above", s.stock("44.01"), "RESOLVED low_stock warning low x / Metformin available 44.01 min 40")
	s.expect("back inside the band", s.stock("44"))
	s.expect("low again", s.stock("40"), "RAISED low_stock warning low x / Metformin available 40 min 40")
	s.expect("out", s.stock("0"), "CHANGED low_stock critical out x / Metformin available 0 min 40")
	s.expect("out to the band", s.stock("42"), "CHANGED low_stock warning low x / Metformin available 42 min 40")
}

func TestAFaultIsToldOnceAndEndsByAcknowledgement(t *testing.T) {
	t.Parallel()
	s, _ := lowShelf(t)
	fault := Fault{Tenant: "t", Table: "sales", Column: "status", Reason: "unknown_status", Text: "layaway"}
	out := s.send(Input{Faults: []Fault{fault, fault, {Table: "sales", Reason: "no_tenant"}}})
	s.expect("faults", out,
		"RAISED blind critical fault rxvigil reason unknown_status", "RAISED blind critical fault rxvigil reason no_tenant")
	a := out.Transitions[0].Alert
	if a.Message != `sales.status holds a word that the mapping does not know: "layaway"` || a.Tenant != "t" {
		t.Errorf("tenant %s: %s", a.Tenant, a.Message)
	}
	s.expect("again", s.send(Input{Faults: []Fault{fault}}))
	s.expect("a scan leaves it", s.send(tickAt("2026-11-23T06:00")))
	s.expect("acknowledge", s.command(Command{Op: Acknowledge, Alert: a.ID, Note: "seen"}),
		"ACKNOWLEDGED blind critical fault rxvigil reason unknown_status (seen)",
		"RESOLVED blind critical fault rxvigil reason unknown_status (seen)")
	s.expect("a new one", s.send(Input{Faults: []Fault{fault}}), "RAISED blind critical fault rxvigil reason unknown_status")
}

func TestAThousandFaultsOfATenantAreEnough(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for i := range mostFaults + 50 {
		s.send(Input{Faults: []Fault{{Tenant: "t", Table: "sales", Text: time.Duration(i).String()}}})
	}
	if n := len(s.engine.OpenAlerts("t")); n != mostFaults || s.engine.Untold() != 50 {
		t.Errorf("%d open faults and %d untold, want %d and 50", n, s.engine.Untold(), mostFaults)
	}
}

func TestABlindIntervalIsToldToEveryTenant(t *testing.T) {
	t.Parallel()
	s, _ := lowShelf(t)
	s.commit(in("u", aMedicine("N", "N", 1)))
	out := s.engine.JudgeAll(Input{
		Tx:    rxvigil.Tx{LSN: 5000, At: s.at},
		Blind: &Interval{From: 0x16B3748, To: 0x16B4000, Reason: "the slot was lost"},
	})
	s.expect("blind", out, "RAISED blind critical interval rxvigil reason the slot was lost",
		"RAISED blind critical interval rxvigil reason the slot was lost")
	a := out.Transitions[0].Alert
	if a.Message != "Nothing was seen from 0/16B3748 to 0/16B4000: the slot was lost" || a.Tenant != "t" {
		t.Errorf("tenant %s: %s", a.Tenant, a.Message)
	}
}

func TestEngineTimeNeverStepsBackAndNeverRunsAhead(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var c clock
	for _, step := range []struct{ at, wall, want time.Duration }{
		{at: 0, wall: -1, want: 0},
		{at: -time.Hour, wall: -1, want: 0},
		{at: time.Second, wall: time.Second, want: time.Second},
		{at: 24 * 365 * time.Hour, wall: -1, want: 31 * time.Second},
		{at: 10 * time.Second, wall: -1, want: 31 * time.Second},
		{at: time.Minute, wall: time.Minute, want: time.Minute},
	} {
		wall := time.Time{}
		if step.wall >= 0 {
			wall = base.Add(step.wall)
		}
		c.advance(base.Add(step.at), wall)
		if got := c.now.Sub(base); got != step.want {
			t.Errorf("commit at %v with wall %v: now %v, want %v", step.at, step.wall, got, step.want)
		}
	}
}

func TestALotThatIsUsedUpIsNotCalledFresh(t *testing.T) {
	t.Parallel()
	a := rxvigil.Alert{Kind: "expiry", Status: rxvigil.Resolved, Subject: rxvigil.Subject{Name: "Cetirizine 10mg", Lot: "BOL-11A"}, Values: rxvigil.FactsOf(
		named("quantity", rxvigil.NumberValue(rxvigil.NumberOf(0))), named("days", rxvigil.NumberValue(rxvigil.NumberOf(5))),
		named("expires", rxvigil.ValueOf(rxvigil.TypeDay, "2026-11-27")),
	)}
	if got, want := speeches()[0].sentence(&a, false), "Cetirizine 10mg, lot BOL-11A, is used up: nothing is left that could expire"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
