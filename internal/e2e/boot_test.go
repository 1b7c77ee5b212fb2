//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
)

func TestColdBootThenAnUpdateIsAnAlert(t *testing.T) {
	s := setup(t, nil)
	s.check() // what the tables said before anything changed

	s.server.exec(`UPDATE inventory SET quantity_on_hand = 0, quantity_reserved = 0 WHERE product_id = 1003 AND branch_id = 11`)
	var raised alert
	s.views[0].sees("that Ibuprofen is out", func(e event) bool {
		return e.Type == "alert_raised" && json.Unmarshal(e.Data, &raised) == nil &&
			raised.Rule == "low_stock" && raised.Rung == "out" && raised.Subject.ID == "1003" && raised.Branch == "11"
	})
	t.Log(raised.Message)

	s.server.exec(`UPDATE inventory SET quantity_on_hand = 80 WHERE product_id = 1003 AND branch_id = 11`)
	s.views[0].sees("that it is back", func(e event) bool {
		var a alert
		return e.Type == "alert_resolved" && json.Unmarshal(e.Data, &a) == nil && a.ID == raised.ID
	})
	s.check()
}
