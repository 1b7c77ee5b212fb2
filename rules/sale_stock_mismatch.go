package rules

import (
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// SaleStockMismatch are the parameters of sale_stock_mismatch.
type SaleStockMismatch struct {
	// Settle is how long after a sale is cancelled its stock may still come back.
	Settle time.Duration
}

// Kind is sale_stock_mismatch.
func (SaleStockMismatch) Kind() string { return "sale_stock_mismatch" }

func (p SaleStockMismatch) validate() error {
	if p.Settle < 0 {
		return errors.New("settle is below zero")
	}
	return nil
}

// watchReturn waits for the stock of a sale that is cancelled: what was sold has to come back, what was reserved has to be free. Of
// a sale that was open, nothing was reserved where the shelf holds fewer reservations than it.
func watchReturn(e *Engine, r *rule, s *saleChange) {
	if !s.cancelled {
		return
	}
	for _, l := range s.byShelf() {
		o := &owed{
			Rule: r.ID, Sale: s.id, Number: s.label(), Branch: l.shelf.branch.id, Medicine: l.shelf.medicine.id(), Way: wayBack, Quantity: l.quantity,
			Due: e.clock.now.Add(r.Params.(SaleStockMismatch).Settle),
		}
		if !s.wasSold {
			o.Way = wayFree
			if before, _ := e.stockAround(l.shelf); before == nil || !before.Reserved.Known() || before.Reserved.Cmp(atLeastOne(l.quantity)) < 0 {
				continue
			}
		}
		e.owe(s.tenant, l.shelf, o)
	}
}

// atLeastOne keeps a quantity of nothing from passing for one that is reserved.
func atLeastOne(n rxvigil.Number) rxvigil.Number {
	if n.Known() && n.Sign() > 0 {
		return n
	}
	return rxvigil.NumberOf(1)
}
