package rules

import (
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil"
)

// FuzzLabel: a lot is called as it was named, and found under that name alone.
func FuzzLabel(f *testing.F) {
	const uuid = "d0a1b2c3-0000-4000-8000-00000000abcd"
	for _, id := range []string{
		"", "1", "abcdefghijklmnopq", uuid, strings.ToUpper(uuid), uuid[:35], uuid + "0", "d0a1b2c3-0000-4000-8000-00000000abcg",
		"d0a1b2c3-0000-4000-8000+00000000abcd", "d0a1b2c3-0000-4000-8000-00000000abcD", "000000000000000000000000000000000000",
	} {
		f.Add(id, "LOT-1", uuid)
		f.Add(id, "", id+" ")
	}
	f.Fuzz(func(t *testing.T, id, number, other string) {
		if strings.HasPrefix(id, string([]byte{uuidMark})) || strings.HasPrefix(other, string([]byte{uuidMark})) || len(id) > 1<<15 {
			t.Skip() // no text of Postgres
		}
		l := &lot{}
		l.label(id, number)
		if l.id() != id || l.number() != number {
			t.Errorf("it is called %q, %q; want %q, %q", l.id(), l.number(), id, number)
		}
		tn := &tenant{}
		tn.lots.put(l)
		if tn.lot(id) != l {
			t.Errorf("%q is not found", id)
		}
		if other != id && tn.lot(other) != nil {
			t.Errorf("%q finds %q", other, id)
		}
	})
}

func TestALotIsFoundWithoutAllocation(t *testing.T) {
	tn := &tenant{}
	for _, id := range []string{"d0a1b2c3-0000-4000-8000-00000000abcd", "4711"} {
		l := &lot{}
		l.label(id, "LOT-1")
		tn.lots.put(l)
		if n := testing.AllocsPerRun(100, func() {
			if tn.lot(id) != l {
				t.Fatal("it is not found")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", id, n)
		}
	}
}

// TestALotWithoutANameIsFolded: nothing that a row can say stands in the way of what is fetched ahead.
func TestALotWithoutANameIsFolded(t *testing.T) {
	t.Parallel()
	s := setup(t)
	s.send(Input{Changes: []rxvigil.Change{
		{After: aMedicine("", "", 1)}, {After: record(rxvigil.KindLot, "", "", "medicine=M", "on_hand=5")}, {After: record(rxvigil.KindLot, "L", "", "medicine=M", "on_hand=7")},
	}})
	out := s.send(Input{Changes: []rxvigil.Change{
		{After: record(rxvigil.KindLot, "", "", "medicine=M", "on_hand=4")}, {After: record(rxvigil.KindLot, "L", "", "medicine=M", "on_hand=6")},
	}})
	if len(out.Stock) != 1 || out.Stock[0].Level.Before.OnHand.String() != "12" || out.Stock[0].Level.After.OnHand.String() != "10" {
		t.Errorf("stock is told as %+v", out.Stock)
	}
}
