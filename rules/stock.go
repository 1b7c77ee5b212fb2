package rules

import "github.com/rxvigil/rxvigil"

// stock sums the lots as they count on a day. Nil: the shelf holds no lot at all.
func (s *shelf) stock(today rxvigil.Day) *rxvigil.Stock { return s.stockIn(new(rxvigil.Stock), today) }

// stockIn is stock, written to sum.
func (s *shelf) stockIn(sum *rxvigil.Stock, today rxvigil.Day) *rxvigil.Stock {
	if len(s.lots) == 0 {
		return nil
	}
	*sum = rxvigil.Stock{}
	reserves := s.reserves()
	for _, l := range s.lots {
		reserved := l.reservedOn(reserves)
		sum.OnHand = sum.OnHand.Add(l.onHand)
		sum.Reserved = sum.Reserved.Add(reserved)
		if l.usable(today) {
			sum.Available = sum.Available.Add(l.onHand.Sub(reserved))
		}
	}
	return sum
}

// reserves tells whether the app's schema knows reservations: unknown on every lot means that it does not.
func (s *shelf) reserves() bool {
	for _, l := range s.lots {
		if l.flags&lotReservedUnknown == 0 {
			return true
		}
	}
	return false
}

func (l *lot) reservedOn(reserves bool) rxvigil.Number {
	if !reserves {
		return rxvigil.Number{}
	}
	return numberAt(l.reserved)
}

// usable through the day of expiry itself, and without a known date for ever.
func (l *lot) usable(today rxvigil.Day) bool {
	return l.flags&lotHeld == 0 && !l.expired(today)
}

// expired tells whether a lot is not to be used any more: the day behind its date, or already on it where the pack says so.
func (l *lot) expired(today rxvigil.Day) bool {
	return l.flags&lotDated != 0 && (today > l.expires || today == l.expires && l.shelf.medicine.tenant.book.expiresOnStart)
}

func sameStock(a, b *rxvigil.Stock) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.OnHand.Equal(b.OnHand) && a.Reserved.Equal(b.Reserved) && a.Available.Equal(b.Available)
}

// toldDay is the day for which the shelf's stock was last told to the world.
func (s *shelf) toldDay() rxvigil.Day { return max(s.told, s.medicine.tenant.told) }
