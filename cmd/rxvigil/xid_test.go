package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// An app can find its own transaction in the stream: the envelope carries what pg_current_xact_id() gave it, 64 bits wide.
func TestTheEnvelopeNamesTheAppsTransaction(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 19)
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)

	conn, err := pgx.Connect(t.Context(), s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var xid string
	if err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "UPDATE medicines SET current_stock = 33 WHERE id = $1", medicineID(101)); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), "SELECT pg_current_xact_id()::text").Scan(&xid)
	}); err != nil {
		t.Fatal(err)
	}
	events := s.end(t)
	if len(events) != 2 { // the stock, and that it is low
		t.Fatalf("%d events", len(events))
	}
	for _, e := range events {
		if !strings.Contains(e.raw, `"xid":"`+xid+`"`) {
			t.Errorf("want xid %s: %s", xid, e.raw)
		}
	}
	if events[0].Last || !events[1].Last {
		t.Errorf("the last event of the transaction is not marked, or another is: %v", events)
	}
}
