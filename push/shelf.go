package push

import (
	"net/http"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// stock answers GET …/stock.
func (s *Server) stock(c call) (int, any, error) {
	if err := c.only("branch", "q", "medicine", "sort", "limit", "after"); err != nil {
		return 0, nil, err
	}
	p, err := c.paging()
	if err != nil {
		return 0, nil, err
	}
	sort := c.param("sort")
	if sort != "" && sort != "name" && sort != "urgency" {
		return 0, nil, bad("sort %.20q is not one of [name urgency]", sort)
	}
	q := StockQuery{Page: p, Urgent: sort == "urgency", Branch: rxvigil.Branch(c.param("branch")), Medicine: c.param("medicine"), Text: c.param("q")}
	if err := c.who.limit(Filter{Topics: []rxvigil.Topic{rxvigil.Inventory}, Branch: q.Branch}); err != nil {
		return 0, nil, err
	}
	items, next, err := s.Shelf.Stock(c.Context(), c.tenant.ID, q)
	if err != nil {
		return 0, nil, err
	}
	items = slices.DeleteFunc(items, func(i StockItem) bool { return !c.who.at(i.Branch) })
	for i := range items {
		if items[i].Lots == nil {
			items[i].Lots = []LotItem{}
		}
	}
	return http.StatusOK, newPage(items, next, c.cursor), nil
}

// expiring answers GET …/expiring.
func (s *Server) expiring(c call) (int, any, error) {
	if err := c.only("branch", "within", "limit", "after"); err != nil {
		return 0, nil, err
	}
	p, err := c.paging()
	if err != nil {
		return 0, nil, err
	}
	q := ExpiringQuery{Page: p, Branch: rxvigil.Branch(c.param("branch")), Days: 30}
	if w := c.param("within"); w != "" {
		d, err := span(w)
		if q.Days = int(d.Hours() / 24); err != nil || d < 0 || q.Days > 3650 {
			return 0, nil, bad("within %.20q is not a number of days such as 30d, up to 3650d", w)
		}
	}
	if err := c.who.limit(Filter{Topics: []rxvigil.Topic{rxvigil.Inventory}, Branch: q.Branch}); err != nil {
		return 0, nil, err
	}
	items, next, err := s.Shelf.Expiring(c.Context(), c.tenant.ID, q)
	if err != nil {
		return 0, nil, err
	}
	items = slices.DeleteFunc(items, func(i ExpiringItem) bool { return !c.who.at(i.Branch) })
	return http.StatusOK, newPage(items, next, c.cursor), nil
}

// at is in, of a branch as the API shows it.
func (r *rights) at(b *Branch) bool { return b == nil || r.in(b.ID) }
