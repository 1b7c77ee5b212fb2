package rules

import "github.com/rxvigil/rxvigil"

// fetch has the processor load what folding and judging some changes of lots will look at. Each of these places is far from the others, and
// memory is slow: one after the other they would be waited for as they are needed, row by row, which is an eighth of the time that a
// row takes. Here each step asks for the same of all rows before the next step needs it.
func (f *folding) fetch(changes []rxvigil.Change) {
	const together = 16
	var places [together]place
	for len(changes) > 0 {
		some := changes[:min(together, len(changes))]
		changes = changes[len(some):]
		f.fetched += fetch(f.places(places[:0], some))
	}
}

// place is where a lot is looked for first.
type place struct {
	index *index[*lot]
	home  int
	lot   *lot
}

func (f *folding) places(dst []place, changes []rxvigil.Change) []place {
	for i := range changes {
		r := changes[i].Record()
		if r.Kind() != rxvigil.KindLot {
			continue
		}
		t := f.book.tenants[r.Tenant]
		if t == nil || t.lots.n == 0 {
			continue
		}
		var home int
		if packed, ok := packUUID(r.ID); ok {
			home, _ = t.lots.hash(string(packed[:]))
		} else {
			home, _ = t.lots.hash(r.ID)
		}
		dst = append(dst, place{index: &t.lots, home: home})
	}
	return dst
}

// fetch gives a number that means nothing, but that cannot be known without looking.
func fetch(places []place) (looked int) {
	for i := range places {
		p := &places[i]
		looked += int(p.index.tags[p.home])
		p.lot = p.index.slots[p.home]
	}
	n := 0
	for _, p := range places {
		if p.lot != nil && p.lot.shelf != nil {
			places[n] = p
			n++
		}
	}
	places = places[:n]
	for i := range places {
		l := places[i].lot
		looked += firstByte(l.text) + int(l.shelf.mark)
	}
	for i := range places {
		s := places[i].lot.shelf
		looked += len(s.medicine.text) + len(s.branch.id)
		for _, l := range s.lots {
			looked += int(l.flags)
		}
	}
	for i := range places {
		looked += firstByte(places[i].lot.shelf.medicine.text)
	}
	return looked
}

func firstByte(s string) int {
	if s == "" {
		return 0
	}
	return int(s[0])
}
