package rules

import (
	"github.com/rxvigil/rxvigil"
)

// saleChange is what the transaction at hand did to a sale, as far as rules care. It keeps nothing of the records.
type saleChange struct {
	tenant       *tenant
	branch       *branch
	id, number   string
	patient      string
	prescription string // the whole sale is of it; empty: none
	linked       bool   // the app says by which prescription something is sold, if only by none
	day          rxvigil.Day
	sold         bool // it counts as sold now
	wasSold      bool
	created      bool
	cancelled    bool // it is not to be sold any more, and was before
	lines        []soldLine
}

// soldLine is one line of a sale.
type soldLine struct {
	id       string
	shelf    *shelf
	lot      *lot // nil: the line names none that is known
	quantity rxvigil.Number
	price    rxvigil.Number // of one, without discount
	discount rxvigil.Number // of the whole line
	link     string         // the prescription's line it is sold by
}

// newSaleChange reads what became of a sale; nil when it is nothing that anybody asks for.
func (f *folding) newSaleChange(c *rxvigil.Change) *saleChange {
	r := c.Record()
	t := f.book.tenant(r.Tenant)
	s := &saleChange{
		tenant: t, branch: t.branch(r.Branch), sold: sells(c.After), wasSold: sells(c.Before), created: c.Before == nil,
		cancelled: c.Before != nil && alive(c.Before) && !isCancelled(c.Before) && (!alive(c.After) || isCancelled(c.After)),
	}
	if !s.sold && !s.cancelled {
		return nil
	}
	s.id, s.number, s.patient = cloned(r.ID), cloned(r.Text(rxvigil.SaleNumber)), cloned(r.Text(rxvigil.SalePatient))
	link := r.Value(rxvigil.SalePrescription)
	s.prescription, s.linked = cloned(link.Text()), !link.IsUnknown()
	for _, l := range c.Lines {
		s.add(f, r, l, c.Row)
	}
	return s
}

func (s *saleChange) add(f *folding, sale, r *rxvigil.Record, row uint32) {
	where := s.tenant.shelfOf(r.Text(rxvigil.SaleLineMedicine), sale.Branch, r.Text(rxvigil.SaleLineLot))
	if where == nil || r.Gone {
		return
	}
	f.touch(where, row)
	s.day, _ = f.dayOf(where, sale.Value(rxvigil.SaleAt))
	link := r.Value(rxvigil.SaleLinePrescriptionLine)
	s.linked = s.linked || !link.IsUnknown()
	s.lines = append(s.lines, soldLine{
		id: cloned(r.ID), shelf: where, lot: s.tenant.lot(r.Text(rxvigil.SaleLineLot)), quantity: r.Number(rxvigil.SaleLineQuantity),
		price: r.Number(rxvigil.SaleLineUnitPrice), discount: r.Number(rxvigil.SaleLineDiscount), link: cloned(link.Text()),
	})
}

func alive(r *rxvigil.Record) bool { return r != nil && !r.Gone }

func isCancelled(r *rxvigil.Record) bool {
	status := r.Text(rxvigil.SaleStatus)
	return status == "cancelled" || status == "void"
}

// label is what people call the sale by.
func (s *saleChange) label() string {
	if s.number != "" {
		return s.number
	}
	return s.id
}

// byShelf sums the lines of each shelf, in the order of the lines.
func (s *saleChange) byShelf() []soldLine {
	var sums []soldLine
next:
	for _, l := range s.lines {
		for i := range sums {
			if sums[i].shelf == l.shelf {
				sums[i].quantity = sums[i].quantity.Add(l.quantity)
				continue next
			}
		}
		sums = append(sums, l)
	}
	return sums
}

// subject is the sale of one medicine: a sale of three that should not have been has three alerts.
func (s *saleChange) subject(l *soldLine) rxvigil.Subject {
	m := l.shelf.medicine
	subject := rxvigil.Subject{Type: subjectSale, ID: s.id + "/" + m.id(), Name: m.name(), Medicine: m.id()}
	if l.lot != nil {
		subject.ID += "/" + l.lot.id()
		subject.Lot = l.lot.number()
	}
	return subject
}

// facts are the numbers that every alert about a sale has.
func (s *saleChange) facts(l *soldLine) rxvigil.Facts {
	return rxvigil.FactsOf(named("sale", rxvigil.TextOf(s.label())), named("quantity", rxvigil.NumberValue(l.quantity)))
}
