package pgstore_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/pgstore"
)

// lotOf is the medicine Metformin, reorder level 10, and its one lot.
func lotOf(lsn uint64, onHand string) rules.Input {
	medicine := &rxvigil.Record{Schema: rxvigil.NewSchema(rxvigil.KindMedicine), ID: "M", Tenant: "t", Values: make([]rxvigil.Value, 10)}
	medicine.Values[rxvigil.MedicineName] = rxvigil.TextOf("Metformin")
	medicine.Values[rxvigil.MedicineReorderLevel] = rxvigil.ValueOf(rxvigil.TypeNumber, "10")
	lot := &rxvigil.Record{Schema: rxvigil.NewSchema(rxvigil.KindLot), ID: "L", Tenant: "t", Branch: "b", Values: make([]rxvigil.Value, 7)}
	lot.Values[rxvigil.LotMedicine] = rxvigil.ValueOf(rxvigil.TypeRef, "M")
	lot.Values[rxvigil.LotOnHand] = rxvigil.ValueOf(rxvigil.TypeNumber, onHand)
	lot.Values[rxvigil.LotExpires] = rxvigil.ValueOf(rxvigil.TypeDay, "2026-12-01")
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC).Add(time.Duration(lsn) * time.Second)
	return rules.Input{Tx: rxvigil.Tx{LSN: lsn, XID: lsn, At: at}, Changes: []rxvigil.Change{{After: medicine}, {Row: 1, After: lot}}}
}

func newEngine(t *testing.T) *rules.Engine {
	t.Helper()
	e, err := rules.NewEngine(rules.Config{Pack: rules.DefaultPack()})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnEngineThatDiesAfterStoringTellsTheSameTransitionsUnderTheSameNames(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	first, _ := claim(t, pool, pgstore.Config{})
	stream := []rules.Input{lotOf(1, "5"), lotOf(2, "0"), lotOf(3, "4"), lotOf(4, "50")}
	e := newEngine(t)
	var commits []rules.Commit
	for _, in := range stream[:3] {
		out := e.Commit(in)
		commits = append(commits, rules.Commit{Epoch: "e", Tx: in.Tx, Transitions: out.Transitions, Occurrences: out.Occurrences})
	}
	if err := first.Save(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
	want := e.Commit(stream[3])

	// The next engine's own disk knows the first transaction alone.
	second, row := claim(t, pool, pgstore.Config{})
	e = newEngine(t)
	for i := range stream[0].Changes {
		e.Fold(&stream[0].Changes[i])
	}
	snapshot, err := second.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.Restore(snapshot.Alerts, snapshot.Episodes)
	e.Settle(row.Position.LSN)
	recorded, err := second.Since(t.Context(), "e", 1)
	if err != nil {
		t.Fatal(err)
	}
	var again []rules.Commit
	for _, r := range recorded {
		if len(again) == 0 || again[len(again)-1].Tx != r.Tx {
			again = append(again, rules.Commit{Epoch: r.Pos.Epoch, Tx: r.Tx})
		}
		last := &again[len(again)-1]
		last.Transitions = append(last.Transitions, r.Transition)
	}
	same(t, "transitions told again", again, commits[1:])
	for _, in := range stream[1:3] {
		if out := e.Commit(in); len(out.Transitions) != 0 || len(out.Stock) != 1 {
			t.Errorf("transaction %d: %d transitions and %d stock changes of its own", in.Tx.LSN, len(out.Transitions), len(out.Stock))
		}
	}
	same(t, "the first new transaction", e.Commit(stream[3]).Transitions, want.Transitions)
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	var texts [2]string
	for i, v := range []any{want, got} {
		b, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	if diff := cmp.Diff(texts[0], texts[1]); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
