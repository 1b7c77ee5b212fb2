package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestAnIndexFindsWhatAMapFinds, through growth, replacement and removal, with ids that differ a little.
func TestAnIndexFindsWhatAMapFinds(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		draw := rand.New(rand.NewPCG(seed, 7))
		tn := &tenant{}
		x := &tn.lots
		model := map[string]*lot{}
		for range 20_000 {
			id := fmt.Sprintf("d0000000-0000-4000-8000-%012d", draw.IntN(1+int(seed)*100))
			switch draw.IntN(5) {
			case 0, 1:
				l := &lot{}
				l.label(id, "LOT")
				x.put(l)
				model[id] = l
			case 2:
				if l := model[id]; l != nil {
					x.remove(l.key())
				}
				delete(model, id)
			default:
				if got := tn.lot(id); got != model[id] {
					t.Fatalf("seed %d: %s is %v, want %v", seed, id, got, model[id])
				}
			}
			if x.n != len(model) {
				t.Fatalf("seed %d: it counts %d, want %d", seed, x.n, len(model))
			}
		}
		for id, want := range model {
			if got := tn.lot(id); got != want {
				t.Errorf("seed %d: at the end %s is %v, want %v", seed, id, got, want)
			}
		}
		if tn.lot("") != nil || tn.lot("other") != nil {
			t.Errorf("seed %d: it finds what was never put", seed)
		}
	}
}
