package pgstore_test

import (
	"maps"
	"testing"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules/pgstore"
)

func TestACourierGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	s := pgstore.New(pool, pgstore.Config{})
	for _, k := range []struct{ courier, tenant, cursor string }{
		{"mail", "", "e.1"}, {"mail", "a", "e.2"}, {"mail", "a", "e.3"}, {"pager", "a", "e.9"},
	} {
		if err := s.KeepPosition(t.Context(), k.courier, rxvigil.Tenant(k.tenant), k.cursor); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Positions(t.Context(), "mail")
	if want := map[rxvigil.Tenant]string{"": "e.1", "a": "e.3"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestALetterIsBuriedOnceWithItsReason(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	s := pgstore.New(pool, pgstore.Config{})
	for _, reason := range []string{"first", "answered 400: \x00\xff{"} {
		if err := s.Bury(t.Context(), "mail", "e.1", "a", reason, []byte(`{"id":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	var reason string
	const sql = `SELECT count(*), max(reason) FROM rxvigil.dead_letters WHERE courier = 'mail' AND tenant = 'a'`
	if err := pool.QueryRow(t.Context(), sql).Scan(&n, &reason); err != nil || n != 1 || reason != "answered 400: {" {
		t.Errorf("%d letters, %q, %v", n, reason, err)
	}
}
