package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// A transaction too large to tell event by event is told as one resync for each tenant, with its alerts: it never fills
// the log, and no alert is lost in it.
func TestAGiantTransactionIsToldAsAResyncWithItsAlerts(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 17)
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)
	other := watch(t, s.svc, "sse", "a0000000-0000-4000-8000-000000000002")
	other.connected(t)

	pgtest.Exec(t, s.dsn, fmt.Sprintf(`
		INSERT INTO medicines (id, tenant_id, name, current_stock, min_stock_level)
		SELECT gen_random_uuid(), '%s', 'Bulk ' || n, CASE WHEN n %% 3000 = 0 THEN 1 ELSE 100 END, 10
		FROM generate_series(1, 30000) AS n`, tenantOne))
	events := s.end(t)

	var raised int
	for _, e := range events {
		if e.Type == "alert_raised" {
			raised++
			continue
		}
		t.Errorf("told one by one: %s", e.raw)
	}
	if raised != 10 {
		t.Errorf("%d alerts raised, want 10", raised)
	}
	if _, resyncs := s.view.heard(); !slices.Equal(resyncs, []string{"transaction_too_large"}) {
		t.Errorf("resyncs %v", resyncs)
	}
	if events, resyncs := other.heard(); len(events) != 0 || len(resyncs) != 0 {
		t.Errorf("another tenant heard of it: %v %v", events, resyncs)
	}
	checkOpenAgainstTables(t, s)
}

// A transaction that is too large for memory but not for its viewers is told event by event, in the order of its rows, and
// goes to the disk in one piece.
func TestATransactionTooLargeForMemoryIsStillToldInOrder(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 18)
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)

	const rows = 9_000
	pgtest.Exec(t, s.dsn, fmt.Sprintf(`
		INSERT INTO medicines (id, tenant_id, name, current_stock, min_stock_level)
		SELECT gen_random_uuid(), '%s', 'Bulk ' || n, 100, 10 FROM generate_series(1, %d) AS n`, tenantOne, rows))
	pgtest.Exec(t, s.dsn, "UPDATE medicines SET name = name || ' (new)', current_stock = current_stock - 1 WHERE name LIKE 'Bulk %'")
	events := s.end(t)

	types := map[string]int{}
	for i, e := range events {
		types[e.Type]++
		if i > 0 && e.ID <= events[i-1].ID {
			t.Fatalf("event %d at %s, behind one at %s", i, e.ID, events[i-1].ID)
		}
	}
	want := map[string]int{"medicine_created": rows, "medicine_updated": rows, "lot_received": rows, "stock_level_changed": 2 * rows}
	for kind, n := range want {
		if types[kind] != n {
			t.Errorf("%d times %s, want %d: %v", types[kind], kind, n, types)
		}
	}
	if _, resyncs := s.view.heard(); len(resyncs) > 0 {
		t.Errorf("resyncs %v", resyncs)
	}
	checkOpenAgainstTables(t, s)
}
