package rules

import (
	"cmp"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

// A transaction that is too large for memory comes in parts, kind by kind; what is told of it is the same, but for the row at
// which a shelf's stock is told: a medicine comes before the lots that are put on its new shelves.
func TestATransactionInPartsIsJudgedAsOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		s := randomStream(t, seed, 60)
		e, err := NewEngine(Config{Pack: busyPack()})
		if err != nil {
			t.Fatal(err)
		}
		for i, in := range s.log {
			changes := slices.Clone(in.Changes)
			slices.SortStableFunc(changes, func(a, b rxvigil.Change) int { return cmp.Compare(a.Record().Kind(), b.Record().Kind()) })
			for len(changes) > 1 {
				e.Part(Input{Tx: in.Tx, Wall: in.Wall, Changes: changes[:1]})
				changes = changes[1:]
			}
			in.Changes = changes
			want, got := rowless(s.outcomes[i]), rowless(e.Commit(in))
			if diff := gocmp.Diff(asJSON(t, public(want)), asJSON(t, public(got))); diff != "" {
				t.Fatalf("seed %d, transaction %d (-want +got):\n%s", seed, i, diff)
			}
		}
	}
}

func rowless(out Outcome) Outcome {
	out.Stock = slices.Clone(out.Stock)
	for i := range out.Stock {
		out.Stock[i].Row = 0
	}
	slices.SortFunc(out.Stock, compareStock)
	return out
}
