package rules

import "github.com/rxvigil/rxvigil"

// sale counts what a sale sold, as it is now instead of as it was. In a picture of tables it has no lines: they come on their own.
func (f *folding) sales(c *rxvigil.Change) {
	f.book.tenant(c.Record().Tenant)
	if f.sale != nil {
		if s := f.newSaleChange(c); s != nil {
			f.book.recount(s)
			f.sale(s)
		}
	}
	was := c.Was
	if was == nil {
		if sameSale(c.Before, c.After) {
			return
		}
		was = c.Lines
	}
	f.sold(c.Before, was, c.Row, -1)
	f.sold(c.After, c.Lines, c.Row, 1)
}

// line counts a line of a sale in a picture.
func (f *folding) line(c *rxvigil.Change) {
	f.book.tenant(c.Record().Tenant)
	if c.Document != nil && c.After != nil {
		f.sold(c.Document, []*rxvigil.Record{c.After}, c.Row, 1)
	}
}

func (f *folding) sold(sale *rxvigil.Record, lines []*rxvigil.Record, row uint32, sign int64) {
	if !sells(sale) {
		return
	}
	for _, l := range lines {
		f.soldLine(sale, l, row, sign)
	}
}

func (f *folding) soldLine(sale, line *rxvigil.Record, row uint32, sign int64) {
	n := line.Number(rxvigil.SaleLineQuantity)
	s := f.book.tenant(sale.Tenant).shelfOf(line.Text(rxvigil.SaleLineMedicine), sale.Branch, line.Text(rxvigil.SaleLineLot))
	if s == nil || line.Gone {
		return
	}
	day, known := f.dayOf(s, sale.Value(rxvigil.SaleAt))
	if !known {
		return
	}
	f.touch(s, row)
	if s.demand == nil {
		s.demand = &demand{}
		s.medicine.tenant.sells = true
	}
	if sign < 0 {
		n = n.Neg()
	}
	s.demand.post(day, n)
	f.moved(s)
}

// sells tells whether a sale counts as sold. One whose app knows no statuses does.
func sells(sale *rxvigil.Record) bool {
	if sale == nil || sale.Gone {
		return false
	}
	switch status := sale.Value(rxvigil.SaleStatus); status.Text() {
	case "completed", "partially_returned":
		return true
	case "":
		return status.IsUnknown() && sale.Value(rxvigil.SaleNativeStatus).IsUnknown()
	}
	return false
}

// sameSale tells whether two images of a sale sell the same: most changes of a sale are of something else.
func sameSale(before, after *rxvigil.Record) bool {
	return before != nil && after != nil && sells(before) == sells(after) && before.Tenant == after.Tenant && before.Branch == after.Branch &&
		before.Value(rxvigil.SaleAt).Equal(after.Value(rxvigil.SaleAt))
}
