package push

import (
	"net/http"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// prescriptions answers GET …/prescriptions.
func (s *Server) prescriptions(c call) (int, any, error) {
	if err := c.only("branch", "limit", "after"); err != nil {
		return 0, nil, err
	}
	p, err := c.paging()
	if err != nil {
		return 0, nil, err
	}
	q := PrescriptionQuery{Page: p, Branch: rxvigil.Branch(c.param("branch"))}
	if err := c.who.limit(Filter{Topics: []rxvigil.Topic{rxvigil.Prescriptions}, Branch: q.Branch}); err != nil {
		return 0, nil, err
	}
	items, next, err := s.Dispensary.Prescriptions(c.Context(), c.tenant.ID, q)
	if err != nil {
		return 0, nil, err
	}
	items = slices.DeleteFunc(items, func(i PrescriptionItem) bool { return !c.who.at(i.Branch) })
	for i := range items {
		if items[i].Lines == nil {
			items[i].Lines = []PrescribedItem{}
		}
	}
	return http.StatusOK, newPage(items, next, c.cursor), nil
}
