package cdc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil"
)

// TestRecordsAreReadIntoTheSameMemoryAgain: what a record does not say is not what an earlier one said there.
func TestRecordsAreReadIntoTheSameMemoryAgain(t *testing.T) { // alone: it counts allocations
	const n = 8
	records := NewRecords()
	for round := range 5 {
		var all []*rxvigil.Record
		for i := range n + round { // more than was said
			r := records.slab.record(7)
			if r.ID != "" || r.Gone || len(r.Values) != 7 {
				t.Fatalf("a record begins as %v", r)
			}
			for j, v := range r.Values {
				if v.IsKnown() || v.IsNull() {
					t.Fatalf("round %d: value %d begins as %q", round, j, v.Text())
				}
			}
			text := append(records.slab.room(400), strings.Repeat(fmt.Sprint(i%10), 400)...)
			r.ID, r.Gone, r.Values[6] = alias(text), true, rxvigil.TextOf(alias(text))
			all = append(all, r)
		}
		for i, r := range all {
			if want := strings.Repeat(fmt.Sprint(i%10), 400); r.ID != want || r.Values[6].Text() != want {
				t.Errorf("round %d: record %d says %q", round, i, r.ID)
			}
		}
		records.Reset()
	}
	if allocs := testing.AllocsPerRun(10, func() {
		for range n {
			records.slab.record(7)
			records.slab.room(400)
		}
		records.Reset()
	}); allocs > 0 {
		t.Errorf("in the end a batch takes %v allocations", allocs)
	}
}
