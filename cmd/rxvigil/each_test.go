package main

import (
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestMapTryShowsWhatListsSumsAndCustomRowsBecome(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, `CREATE TABLE goods (id int PRIMARY KEY, name text);
		CREATE TABLE moves (id int PRIMARY KEY, good int, quantity int); CREATE TABLE baskets (id int PRIMARY KEY, items jsonb);
		INSERT INTO goods VALUES (1, 'Zinc'); INSERT INTO moves VALUES (1, 1, 5), (2, 1, -2); INSERT INTO baskets VALUES (9, '[{"sku": "a", "n": 2}, {"sku": "b", "n": 3}]')`)
	svc := newServiceOf(t, dsn, `
mapping:
  medicine: {table: goods, key: id, tenant: {const: t}, fields: {name: name}}
  lot: {table: moves, key: good, sum: on_hand, tenant: {const: t}, fields: {medicine: good, on_hand: quantity}}
  sale: {table: baskets, key: id, tenant: {const: t}}
  sale_line: {table: baskets, each: items, element: sku, key: id, parent: id, fields: {quantity: {column: items, json: n}}}
  custom: {name: product, table: goods, key: id, tenant: {const: t}, fields: {title: name}}
`, "")
	for table, want := range map[string][]string{
		"baskets": {"sale 9 of tenant t", "sale_line 9/a", "quantity 2", "sale_line 9/b", "quantity 3"},
		"moves":   {"lot 1 of tenant t", "on_hand 3"},
		"goods":   {"medicine 1 of tenant t", "product 1 of tenant t", "title Zinc"},
	} {
		code, said := command(t, "map", "try", "--table", table, "--config", svc.config)
		flat := strings.Join(strings.Fields(said), " ")
		for _, w := range want {
			if code != 0 || !strings.Contains(flat, w) {
				t.Errorf("map try of %s gives %d, without %q: %s", table, code, w, said)
			}
		}
	}
	if code, said := command(t, "check", "--config", svc.config); code != 0 || !strings.Contains(said, "product from public.goods") || strings.Contains(said, "(good)") {
		t.Errorf("check gives %d: %s", code, said)
	}
}
