//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// toldByTables are the rules whose open alerts follow from what the tables hold now; the others need what happened.
var toldByTables = []string{"low_stock", "expiry", "negative_stock", "ledger_mismatch"}

// truthSQL is what ought to be open, by the app's own tables and the words of the rules. Between the reorder level and a
// tenth above it a low stock may still be open: those rows are told as "held".
const truthSQL = `
	WITH lot AS (
		SELECT i.*, t.id::text AS tenant, (now() AT TIME ZONE t.zone)::date AS today, p.reorder_level
		FROM inventory i JOIN products p ON p.id = i.product_id JOIN tenants t ON t.id = i.tenant_id
		WHERE t.id::text = $1 AND p.status <> 'deleted'
	), shelf AS (
		SELECT branch_id, product_id, reorder_level, sum(quantity_on_hand) AS on_hand,
		       coalesce(sum(quantity_on_hand - quantity_reserved) FILTER (WHERE expiry_date IS NULL OR expiry_date >= today), 0) AS available,
		       bool_or(quantity_on_hand < 0 OR quantity_reserved < 0 OR quantity_reserved > quantity_on_hand) AS impossible
		FROM lot GROUP BY branch_id, product_id, reorder_level
	), moved AS (
		SELECT branch_id, product_id, sum(CASE movement_type WHEN 'out' THEN -quantity ELSE quantity END) AS sum
		FROM stock_movements GROUP BY branch_id, product_id
	)
	SELECT CASE WHEN available <= 0 THEN 'low_stock out' WHEN available <= reorder_level THEN 'low_stock low' ELSE 'held low_stock low' END
	       || format(' %s %s', branch_id, product_id)
	FROM shelf WHERE available <= 1.1 * reorder_level
	UNION ALL
	SELECT format('expiry %s %s %s', CASE WHEN expiry_date < today THEN 'expired' WHEN expiry_date <= today + 7 THEN 'expires_7' ELSE 'expires_30' END,
	              branch_id, id)
	FROM lot WHERE quantity_on_hand > 0 AND expiry_date <= today + 30
	UNION ALL
	SELECT format('negative_stock negative %s %s', branch_id, product_id) FROM shelf WHERE impossible
	UNION ALL
	SELECT format('ledger_mismatch mismatch %s %s', branch_id, product_id)
	FROM shelf JOIN moved USING (branch_id, product_id) WHERE on_hand <> moved.sum`

const storedSQL = `
	SELECT format('%s %s %s %s', rule, body ->> 'rung', branch, body -> 'subject' ->> 'id')
	FROM rxvigil.alerts WHERE tenant = $1 AND status <> 'resolved' AND rule <> 'blind'`

// checkAlerts compares the open alerts of both tenants, as the desk shows them, with those that the store has, and with the
// app's tables.
func (s *scene) checkAlerts() {
	s.t.Helper()
	for _, tenant := range tenants {
		shown := []string{}
		for _, a := range s.engine.open(tenant.name) {
			if a.Rule != "blind" {
				shown = append(shown, fmt.Sprintf("%s %s %s %s", a.Rule, a.Rung, a.Branch, a.Subject.ID))
			}
		}
		stored := s.server.texts(storedSQL, tenant.id)
		slices.Sort(shown)
		slices.Sort(stored)
		if diff := cmp.Diff(stored, shown); diff != "" {
			s.t.Errorf("tenant %s, open alerts (-stored +shown):\n%s", tenant.id, diff)
		}
		s.checkOpen(tenant.id, shown)
		s.t.Logf("tenant %s has %d open alerts, as its tables say", tenant.id, len(shown))
	}
}

func (s *scene) checkOpen(tenant string, shown []string) {
	s.t.Helper()
	got := slices.DeleteFunc(slices.Clone(shown), func(row string) bool {
		rule, _, _ := strings.Cut(row, " ")
		return !slices.Contains(toldByTables, rule)
	})
	want := []string{}
	for _, row := range s.server.texts(truthSQL, tenant) {
		row, held := strings.CutPrefix(row, "held ")
		if !held || slices.Contains(got, row) {
			want = append(want, row)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("tenant %s, open alerts (-tables +shown):\n%s", tenant, diff)
	}
}
