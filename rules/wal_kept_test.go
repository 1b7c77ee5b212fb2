package rules

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

const gib = 1 << 30

// hears sends what a canary tells, and gives the transitions: event, severity, rung, sentence.
func (s *shop) hears(k Kept) string {
	s.t.Helper()
	if k.Warn == 0 {
		k.Warn, k.Critical = gib, 5*gib
	}
	out := s.send(Input{Kept: &k})
	if len(out.Transitions) == 0 {
		return ""
	}
	a := out.Transitions[0].Alert
	if a.Tenant != rxvigil.EngineTenant || len(out.Transitions) > 1 {
		s.t.Errorf("transitions of %s: %v", a.Tenant, told(out))
	}
	return string(out.Transitions[0].Event) + " " + string(a.Severity) + " " + a.Rung + ": " + a.Message
}

func TestKeptWALClimbsAndStepsDown(t *testing.T) {
	t.Parallel()
	s := setup(t)
	for i, c := range []struct {
		kept Kept
		want string
	}{
		{Kept{Bytes: gib - 1, Safe: -1, Status: "reserved"}, ""},
		{Kept{Bytes: gib, Safe: -1, Status: "extended"}, "alert_raised warning much: The source keeps 1.0 GiB of WAL for us, and will keep more without limit"},
		{Kept{Bytes: 2 * gib, Safe: -1, Status: "extended"}, ""},
		{Kept{Bytes: 5 * gib, Safe: -1, Status: "extended"}, "alert_changed critical too_much: The source keeps 5.0 GiB of WAL for us, and will keep more without limit"},
		{Kept{Bytes: 46 * gib / 10, Safe: -1, Status: "extended"}, ""}, // within a tenth
		{Kept{Bytes: 44 * gib / 10, Safe: -1, Status: "extended"}, "alert_changed warning much: The source keeps 4.4 GiB of WAL for us, and will keep more without limit"},
		{Kept{Bytes: 95 * gib / 100, Safe: -1, Status: "reserved"}, ""},
		{Kept{Bytes: 8 * gib / 10, Safe: -1, Status: "reserved"}, "alert_resolved warning much: The source keeps 819.2 MiB of WAL for us, no longer too much"},
		{Kept{Bytes: 8 * gib / 10, Safe: gib / 5, Limit: gib, Status: "extended"}, "alert_raised warning much: The source keeps 819.2 MiB of WAL for us, and 204.8 MiB may still be written before it gives our slot up"},
		{Kept{Bytes: 8 * gib / 10, Safe: 0, Limit: gib, Status: "unreserved"}, "alert_changed critical too_much: The source keeps 819.2 MiB of WAL for us, and 0 bytes may still be written before it gives our slot up"},
		{Kept{Bytes: 0, Safe: gib, Limit: gib, Status: "lost"}, ""},
		{Kept{Bytes: 0, Safe: gib * 26 / 100, Limit: gib, Status: "reserved"}, "alert_changed warning much: The source keeps 0 bytes of WAL for us, and 266.2 MiB may still be written before it gives our slot up"},
		{Kept{Bytes: 0, Safe: gib, Limit: gib, Status: "reserved"}, "alert_resolved warning much: The source keeps 0 bytes of WAL for us, no longer too much"},
		{Kept{Bytes: 100 * gib, Safe: -1, Status: "reserved", Warn: -1}, ""}, // both limits off
	} {
		if got := s.hears(c.kept); got != c.want {
			t.Errorf("step %d: %q, want %q", i, got, c.want)
		}
	}
}

func TestKeptWALIsToldTheSameWhenReplayed(t *testing.T) {
	t.Parallel()
	s := setup(t)
	var want []Outcome
	for _, bytes := range []int64{0, gib, 6 * gib, 6 * gib, 0} {
		want = append(want, s.send(Input{Kept: &Kept{Bytes: bytes, Safe: -1, Status: "reserved", Warn: gib, Critical: 5 * gib}}))
	}
	again := setup(t)
	for i, in := range s.log {
		if diff := cmp.Diff(asJSON(t, public(want[i])), asJSON(t, public(again.engine.Commit(in)))); diff != "" {
			t.Errorf("transaction %d (-first +again):\n%s", i, diff)
		}
	}
}

func TestABootLeavesKeptWALAsItIs(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.hears(Kept{Bytes: 6 * gib, Safe: -1, Status: "extended"})
	a := s.engine.OpenAlerts(rxvigil.EngineTenant)
	out := s.engine.JudgeAll(Input{Tx: rxvigil.Tx{LSN: s.lsn + 8, At: s.at}})
	if len(out.Transitions) > 0 || !slices.EqualFunc(a, s.engine.OpenAlerts(rxvigil.EngineTenant), func(x, y rxvigil.Alert) bool { return x.ID == y.ID && x.Version == y.Version }) {
		t.Errorf("a boot told %v", told(out))
	}
	e, err := NewEngine(Config{Pack: DefaultPack()})
	if err != nil {
		t.Fatal(err)
	}
	e.Restore(a, nil)
	s.engine = e
	if got := s.hears(Kept{Bytes: 1, Safe: -1, Status: "reserved"}); got == "" {
		t.Error("an alert of the engine before does not resolve")
	}
}
