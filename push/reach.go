package push

import "github.com/rxvigil/rxvigil"

// reach is how far back the archive can be trusted: events after floor are complete in it. The archive lets its oldest part
// go whenever it likes, so the answer is asked again before and after each read.
type reach struct {
	floor  rxvigil.Position
	anchor rxvigil.Position // the oldest place known to follow floor without a gap; zero when nothing does yet
}

func newReach(floor, oldest rxvigil.Position) reach {
	switch {
	case oldest.IsZero():
		return reach{floor: floor}
	case oldest.Epoch != floor.Epoch:
		return reach{floor, floor}
	}
	return reach{floor, later(oldest, floor)}
}

// published notes the first entry after floor, while none is known.
func (r *reach) published(lsn uint64) {
	if r.anchor.IsZero() {
		r.anchor = rxvigil.Position{Epoch: r.floor.Epoch, LSN: lsn}
	}
}

// given is the position after which the archive is complete, now that its oldest entry is this. An archive that has become
// empty holds nothing up to fallback.
func (r reach) given(oldest, fallback rxvigil.Position) rxvigil.Position {
	switch {
	case oldest.IsZero() && r.anchor.IsZero():
		return r.floor
	case oldest.IsZero():
		return later(r.floor, fallback)
	case oldest.Epoch != r.floor.Epoch: // an earlier epoch goes first, so nothing of this one has gone
		return r.floor
	case oldest.Compare(r.anchor) <= 0:
		return r.floor
	}
	return later(r.floor, before(oldest))
}

func later(p, q rxvigil.Position) rxvigil.Position {
	if p.Compare(q) >= 0 {
		return p
	}
	return q
}

// before is the last position that sorts before p.
func before(p rxvigil.Position) rxvigil.Position {
	if p.Ordinal > 0 {
		p.Ordinal--
		return p
	}
	return rxvigil.EndOf(p.Epoch, p.LSN-1)
}
