package push

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// TestARingHoldsTheNewest, and lets whole transactions go in the order in which they came, however often it goes round.
func TestARingHoldsTheNewest(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 1))
	type kept struct {
		lane   *lane
		lsn    uint64
		weight int
	}
	var (
		r     = ring{floor: rxvigil.Position{Epoch: "e1"}}
		lanes = []*lane{{}, {}, {}}
		model []kept
		bytes int
	)
	for lsn := uint64(1); lsn <= 5_000; lsn++ {
		for range 1 + draw.IntN(5) {
			e := &Event{JSON: make([]byte, draw.IntN(2_000)), At: time.Unix(int64(lsn), 0)}
			b := &batch{lsn: lsn, events: []*Event{e}}
			l := lanes[draw.IntN(len(lanes))]
			l.batches = append(l.batches, b)
			r.push(l, b)
			model, bytes = append(model, kept{l, lsn, e.weight()}), bytes+e.weight()
		}
		limit := 1_000 + draw.IntN(200_000)
		r.shrink(limit)
		for bytes > limit && model[0].lsn != lsn {
			for gone := model[0].lsn; model[0].lsn == gone; model = model[1:] {
				bytes -= model[0].weight
			}
		}
		held := map[*lane]int{}
		for _, k := range model {
			held[k.lane]++
		}
		for i, l := range lanes {
			if len(l.batches) != held[l] {
				t.Fatalf("after %d lane %d holds %d batches, want %d", lsn, i, len(l.batches), held[l])
			}
		}
		if r.n != len(model) || r.bytes != bytes || !r.oldest().Equal(time.Unix(int64(model[0].lsn), 0)) {
			t.Fatalf("after %d it holds %d of %d bytes since %v, want %d of %d since %d", lsn, r.n, r.bytes, r.oldest(), len(model), bytes, model[0].lsn)
		}
		if model[0].lsn > 1 && r.floor.LSN != model[0].lsn-1 {
			t.Fatalf("after %d its floor is %d, want %d", lsn, r.floor.LSN, model[0].lsn-1)
		}
	}
	if r.floor.LSN == 0 || len(r.slots) > 4096 {
		t.Errorf("it let go up to %d, and has %d slots", r.floor.LSN, len(r.slots))
	}
}
