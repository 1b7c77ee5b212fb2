package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

// stream is a random life of a small pharmacy, as the engine would read it.
type stream struct {
	*shop
	random   *rand.Rand
	lines    map[string][]*rxvigil.Record // of each sale
	outcomes []Outcome
	images   []map[string]*rxvigil.Record // after each transaction
	nows     []time.Time                  // engine time, likewise
}

func randomStream(t *testing.T, seed uint64, length int) *stream {
	t.Helper()
	s := &stream{shop: setupAt(t, Config{Pack: busyPack()}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)), random: rand.New(rand.NewPCG(seed, 1)), lines: map[string][]*rxvigil.Record{}}
	for range length {
		s.at = s.at.Add(time.Duration(s.random.IntN(7)) * time.Hour)
		s.outcomes = append(s.outcomes, s.send(s.next()))
		s.images = append(s.images, maps.Clone(s.rows))
		s.nows = append(s.nows, s.engine.Now())
	}
	return s
}

// busyPack is the default pack with something of everything that a rule may wait for.
func busyPack() Pack {
	p := DefaultPack()
	for i := range p.Rules {
		r := &p.Rules[i]
		switch r.Params.Kind() {
		case "low_stock":
			r.For, r.Repeat = 2*time.Hour, Repeat{After: 9 * time.Hour}
		case "negative_stock":
			r.KeepFiringFor = 5 * time.Hour
		case "expiry":
			r.Repeat, r.Escalate = Repeat{After: 5 * time.Hour, Factor: 3, Most: 2}, Escalation{After: 20 * time.Hour, To: rxvigil.Critical}
		case "price_below_cost":
			r.Escalate = Escalation{After: 8 * time.Hour, To: rxvigil.Critical}
		}
	}
	return p
}

func (s *stream) next() Input {
	in := Input{}
	switch s.random.IntN(12) {
	case 0:
		in.Commands = []Command{s.randomCommand()}
	case 1:
		wall := s.at.Truncate(24 * time.Hour).Format(wallLayout)
		in.Commands = []Command{{Op: RunTick, Tick: Tick{Scan: "daily", Tenant: "t", Wall: wall}}}
	case 2:
		in.Faults = []Fault{{Tenant: "t", Table: "sales", Reason: "odd", Text: s.pick("a", "b")}}
	case 3:
		in.Wall = s.at
	}
	written := map[string]bool{}
	for range 1 + s.random.IntN(4) {
		if c := s.randomChange(); !written[keyOf(c.Record())] {
			written[keyOf(c.Record())] = true
			c.Row = uint32(len(in.Changes))
			in.Changes = append(in.Changes, s.apply(c))
		}
	}
	return in
}

func keyOf(r *rxvigil.Record) string { return r.Kind().String() + "/" + r.ID }

// apply notes what the rows look like after the change.
func (s *stream) apply(c rxvigil.Change) rxvigil.Change {
	key := keyOf(c.Record())
	c.Before = s.rows[key]
	if c.After == nil {
		delete(s.rows, key)
	} else {
		s.rows[key] = c.After
	}
	return c
}

func (s *stream) pick(words ...string) string { return words[s.random.IntN(len(words))] }

func (s *stream) randomChange() rxvigil.Change {
	medicine := s.pick("A", "B", "C")
	switch s.random.IntN(14) {
	case 12:
		return rxvigil.Change{After: record(rxvigil.KindRecall, s.pick("r1", "r2"), "", "number="+s.pick("l1", "L-2", ""), "medicine="+s.pick("null", "A"), "reason=glass")}
	case 13:
		return s.randomReading()
	case 8, 9:
		return s.randomSale(medicine)
	case 10, 11:
		return s.randomPrescription(medicine)
	case 0:
		r := record(rxvigil.KindMedicine, medicine, "", "name="+s.pick("Aspirin", "Brufen"), fmt.Sprint("reorder_level=", s.random.IntN(20)),
			"price="+s.pick("1", "1.2", "2", "null"), "cost=1.1", "controlled="+s.pick("true", "false"), "max_level="+s.pick("10", "null"))
		r.Gone = s.random.IntN(3) == 0
		return rxvigil.Change{After: r}
	case 1:
		return rxvigil.Change{After: aMovement(fmt.Sprint("m", s.random.IntN(9)), s.pick("x", "y"), medicine, s.pick("1", "-2", "5", "0.5", "null"))}
	case 2:
		if r := s.rows["lot/"+s.pick("L1", "L2", "L3")]; r != nil {
			return rxvigil.Change{Before: r}
		}
	}
	expires := s.pick("null", "infinity", s.in("-1"), s.in("1"), s.in("3"), s.in("8"), s.in("31"), s.in("90"))
	return rxvigil.Change{After: umiLot(s.pick("L1", "L2", "L3", "L4"), s.pick("x", "y"), medicine,
		s.pick("0", "3", "8.5", "15", "40", "-1", "null"), s.pick("0", "2", "null", "-1"), expires)}
}

// randomSale is a sale that comes, or changes its status, its lines or its day.
func (s *stream) randomSale(medicine string) rxvigil.Change {
	id := fmt.Sprint("s", s.random.IntN(6))
	at := s.at.AddDate(0, 0, -s.random.IntN(40))
	c := aSale(id, s.pick("x", "y"), s.pick("completed", "completed", "pending", "cancelled"), at,
		medicine+s.pick(" 1", " 2", " 7.5", " 40")+s.pick("", " lot=L1", " prescription_line=null", " prescription_line=p1-1"), s.pick("A", "B")+s.pick(" 1", " 3"))
	return s.withLines(c)
}

// randomPrescription is one that comes, or changes its status, its lines or what was dispensed of them.
func (s *stream) randomPrescription(medicine string) rxvigil.Change {
	id := fmt.Sprint("p", s.random.IntN(4))
	at := s.at.Add(-time.Duration(s.random.IntN(60)) * time.Hour)
	c := aPrescription(id, s.pick("ann", "bob"), s.pick("pending", "pending", "partial", "dispensed", "cancelled"), at,
		medicine+s.pick(" 5 0", " 5 2", " 5 7")+s.pick("", " days_supply=30", " refills=1"))
	c.After.Values[rxvigil.PrescriptionValidUntil] = rxvigil.ValueOf(rxvigil.TypeDay, s.in(s.pick("-1", "5")))
	return s.withLines(c)
}

func (s *stream) randomReading() rxvigil.Change {
	at := "at=" + s.at.Add(-time.Duration(s.random.IntN(90))*time.Minute).Format(time.RFC3339)
	if s.random.IntN(3) > 0 {
		return rxvigil.Change{After: record(rxvigil.KindReading, fmt.Sprint("t", len(s.log)), "x", "sensor=fridge", "celsius="+s.pick("5", "5", "11"), at)}
	}
	return rxvigil.Change{After: record(rxvigil.KindReading, s.pick("b1", "b2"), "x", "sensor=fridge", "breach=HOT", at,
		"ended="+s.pick("null", s.at.Format(time.RFC3339)), "acknowledged="+s.pick("true", "false"))}
}

// withLines remembers the lines of a document, and gives those it had.
func (s *stream) withLines(c rxvigil.Change) rxvigil.Change {
	key := keyOf(c.After)
	c.Was = s.lines[key]
	s.lines[key] = c.Lines
	return c
}

func (s *stream) randomCommand() Command {
	if s.random.IntN(4) == 0 {
		return threshold(s.pick("low_stock", "overstock"), s.pick("A", "B"), rxvigil.Branch(s.pick("", "x")), s.pick("", "5", "30"))
	}
	c := Command{Op: Op(s.pick("acknowledge", "snooze", "unsnooze")), Operation: "op", Tenant: "t", By: "sara"}
	c.Until = s.at.Add(time.Duration(s.random.IntN(30)) * time.Hour)
	if open := s.engine.OpenAlerts("t"); len(open) > 0 {
		c.Alert = open[s.random.IntN(len(open))].ID
	}
	return c
}

// restart gives an engine as a warm start does: images and usage as after transaction k, alerts as stored after
// transaction stored ≥ k.
func (s *stream) restart(t *testing.T, k, stored int) *Engine {
	t.Helper()
	e, err := NewEngine(Config{Pack: busyPack()})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(s.images[k])) {
		if r := s.images[k][key]; isKept(r.Kind()) {
			e.Fold(&rxvigil.Change{After: r})
		}
	}
	usage := map[string]Usage{}
	for _, out := range s.outcomes[:k+1] {
		for _, u := range out.Usage {
			usage[u.Key()] = u
		}
	}
	for _, key := range slices.Sorted(maps.Keys(usage)) {
		u := usage[key]
		if u.Gone() {
			continue
		}
		u, err := ParseUsage(key, u.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		e.FoldUsage(u)
	}
	s.restore(t, e, stored)
	e.Refresh(s.nows[k])
	if k%2 == 0 { // else what is left is judged when transactions reach it: it makes no difference
		for e.RefreshSome(1) {
		}
	}
	return e
}

// isKept tells whether a warm start folds the images of a kind. What the others did is told by usage.
func isKept(k rxvigil.Kind) bool {
	switch k {
	case rxvigil.KindMovement, rxvigil.KindSale, rxvigil.KindPrescription, rxvigil.KindReading:
		return false
	}
	return true
}

func (s *stream) restore(t *testing.T, e *Engine, stored int) {
	t.Helper()
	alerts, episodes := map[string]rxvigil.Alert{}, map[string]int{}
	for _, out := range s.outcomes[:stored+1] {
		for _, tr := range out.Transitions {
			alerts[tr.Alert.ID] = *tr.Alert
			episodes[tr.Alert.Fingerprint()] = tr.Alert.Episode
		}
		e.RestoreOccurrences(out.Occurrences)
		e.RestoreOverrides(out.Overrides)
	}
	var open []rxvigil.Alert
	for _, a := range alerts {
		if a.Status.Open() {
			open = append(open, throughJSON(t, a))
		}
	}
	e.Restore(open, episodes)
	e.Settle(s.log[stored].Tx.LSN)
}

func throughJSON(t *testing.T, a rxvigil.Alert) (b rxvigil.Alert) {
	t.Helper()
	text, err := json.Marshal(a)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// public is what the world sees of an outcome.
func public(out Outcome) any {
	return []any{out.Stock, out.Transitions, out.Receipts, out.Occurrences, out.Overrides, out.Digests}
}

func TestARestartAnywhereChangesNothingThatIsTold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		s := randomStream(t, seed, 60)
		k := s.random.IntN(50)
		stored := min(k+s.random.IntN(4), len(s.log)-1)
		e := s.restart(t, k, stored)
		for i := k + 1; i < len(s.log); i++ {
			got, want := e.Commit(s.log[i]), s.outcomes[i]
			if i <= stored { // the store tells these transitions; the engine tells the stock
				got.Transitions, got.Receipts, got.Occurrences, got.Overrides, got.Digests = want.Transitions, want.Receipts, want.Occurrences, want.Overrides, want.Digests
			}
			if diff := cmp.Diff(asJSON(t, public(want)), asJSON(t, public(got))); diff != "" {
				t.Fatalf("seed %d, restarted after %d, stored %d, transaction %d (-want +got):\n%s", seed, k, stored, i, diff)
			}
		}
		if diff := cmp.Diff(asJSON(t, s.engine.OpenAlerts("t")), asJSON(t, e.OpenAlerts("t"))); diff != "" {
			t.Fatalf("seed %d: open alerts (-want +got):\n%s", seed, diff)
		}
	}
}

// remembered is all that an engine knows that makes a difference later.
func remembered(t *testing.T, e *Engine) string {
	t.Helper()
	var usage []string
	e.Usage(func(u Usage) bool {
		usage = append(usage, u.Key()+" "+string(u.Append(nil)))
		return true
	})
	for _, a := range e.OpenAlerts("t") { // a warm start brings the numbers of an open alert up to date, which makes no difference
		usage = append(usage, fmt.Sprintln(a.ID, a.Status, a.Severity, a.Rung, a.Version, a.StartedAt, a.ChangedAt, a.SnoozedUntil, a.Reminders, a.Escalated))
	}
	slices.Sort(usage)
	return strings.Join(usage, "\n")
}

// TestARestartAtEveryPlaceOfALongLogChangesNothing restarts after each of 2 000 transactions (each twelfth with the race detector): what
// is known then, and what is told of the next ones, is as it was.
func TestARestartAtEveryPlaceOfALongLogChangesNothing(t *testing.T) {
	t.Parallel()
	s := randomStream(t, 99, 0)
	const length, further = 2000, 3
	var known []string
	for range length {
		s.at = s.at.Add(time.Duration(s.random.IntN(7)) * time.Hour)
		s.outcomes = append(s.outcomes, s.send(s.next()))
		s.images = append(s.images, maps.Clone(s.rows))
		s.nows = append(s.nows, s.engine.Now())
		known = append(known, remembered(t, s.engine))
	}
	step := 1
	if raced {
		step = 12
	}
	for k := 0; k < length-further; k += step {
		e := s.restart(t, k, k)
		if got := remembered(t, e); got != known[k] {
			t.Fatalf("restarted after %d (-want +got):\n%s", k, cmp.Diff(known[k], got))
		}
		for i := k + 1; i <= k+further; i++ {
			if got, want := asJSON(t, public(e.Commit(s.log[i]))), asJSON(t, public(s.outcomes[i])); got != want {
				t.Fatalf("restarted after %d, transaction %d (-want +got):\n%s", k, i, cmp.Diff(want, got))
			}
		}
	}
}

// TestReplayedAndShuffledTransactionsGiveTheSameAlerts is T6.
func TestReplayedAndShuffledTransactionsGiveTheSameAlerts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		s := randomStream(t, seed, 60)
		e, err := NewEngine(Config{Pack: busyPack()})
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range s.log {
			in.Changes = slices.Clone(in.Changes)
			s.random.Shuffle(len(in.Changes), func(a, b int) { in.Changes[a], in.Changes[b] = in.Changes[b], in.Changes[a] })
			got := e.Commit(in)
			if diff := cmp.Diff(asJSON(t, public(s.outcomes[i])), asJSON(t, public(got))); diff != "" {
				t.Fatalf("seed %d, transaction %d (-want +got):\n%s", seed, i, diff)
			}
			if again := e.Commit(in); len(again.Transitions)+len(again.Stock)+len(again.Usage) != 0 {
				t.Fatalf("seed %d: transaction %d told twice", seed, i)
			}
		}
	}
}

func TestAColdBootFindsTheSameStandingAlertsAndNoNews(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		s := randomStream(t, seed, 40)
		e, err := NewEngine(Config{Pack: busyPack()})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range s.rows {
			e.Fold(&rxvigil.Change{After: r})
			for _, l := range s.lines[keyOf(r)] {
				e.Fold(&rxvigil.Change{After: l, Document: r})
			}
		}
		for _, out := range s.outcomes {
			e.RestoreOverrides(out.Overrides)
		}
		out := e.JudgeAll(Input{Wall: s.at, Tx: rxvigil.Tx{LSN: s.lsn, At: s.at}})
		s.engine.JudgeAll(Input{Wall: s.at, Tx: rxvigil.Tx{LSN: s.lsn + 1, At: s.at}})
		if len(out.Stock) != 0 {
			t.Errorf("seed %d: a boot tells news of stock", seed)
		}
		want := standing(s.engine)
		for id := range standing(e) {
			if !want[id] {
				t.Errorf("seed %d: %s stands after a boot only", seed, id)
			}
		}
	}
}

// standing names the open alerts about shelves. A booted engine lacks those that only the recovery band or an unknown input
// still holds open, never the other way around; except of what is used in a day, for it does not know when shelves were empty.
func standing(e *Engine) map[string]bool {
	found := map[string]bool{}
	for _, a := range e.OpenAlerts("t") {
		switch a.Rule {
		case ruleBlind, "projected_stockout", "will_not_sell_before_expiry", "overstock", "cold_chain": // and readings of the past are history
		default:
			found[a.Rule+" "+a.Rung+" "+string(a.Branch)+" "+a.Subject.ID] = true
		}
	}
	return found
}

func TestUsageIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	n, err := rxvigil.ParseNumber("-12.50")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []Usage{
		{Tenant: "ቤት", Branch: "b 1", Medicine: "m", Ledger: n, Movements: 3, Unknown: 1, Told: 20000},
		{Tenant: "t", Told: 20000},
		{Ledger: rxvigil.UnknownNumber},
		{Now: time.Unix(1, 5000).UTC(), Wall: time.Unix(2, 0).UTC()},
		{Tenant: "t", Medicine: "m", First: 20000, AsOf: 20011, Closed: [2]uint64{1 << 63, 3}, Sold: []DaySold{{20000, n}, {20010, rxvigil.UnknownNumber}}},
		{Tenant: "t", Medicine: "m", First: 20000, AsOf: 20011},
	} {
		got, err := ParseUsage(u.Key(), u.Append(nil))
		if err != nil || asJSON(t, got) != asJSON(t, u) {
			t.Errorf("%+v came back as %+v, %v", u, got, err)
		}
	}
	for _, bad := range []string{"", "1 2 3", "x 0 0 0 0 0", "1 0 0 0 0 y", "1 0 0 0 0 0 1", "1 0 0 0 0 0 1 1 1 x", "1 0 0 0 0 0 1 1 1 1 1", "1 0 0 0 0 0 1 1 1 1 1:x"} {
		if _, err := ParseUsage("\x00\x00", []byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
