package cdc

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const basketSchema = `
CREATE TABLE goods (id int PRIMARY KEY, tenant text);
CREATE TABLE lots (id int PRIMARY KEY, medicine int, tenant text);
CREATE TABLE orders (id int PRIMARY KEY, tenant text, state text, total numeric, items jsonb, note text);`

const basketMapping = `
medicine: {table: goods, key: id, tenant: tenant}
lot: {table: lots, key: id, tenant: tenant, fields: {medicine: medicine}}
sale: {table: orders, key: id, tenant: tenant, fields: {total: total, status: {column: state, words: {open: pending, paid: completed}}}}
sale_line:
  table: orders
  each: items
  element: sku
  key: id
  parent: id
  fields: {medicine: {column: items, json: product.id}, quantity: {column: items, json: qty}}`

func TestTheElementsOfAListAreLinesAndAnUpdateTellsWhichChanged(t *testing.T) {
	t.Parallel()
	s := open(t, basketSchema, basketMapping)
	s.exec(`INSERT INTO orders VALUES (1, 't', 'paid', 9, '[{"sku": "a", "product": {"id": 7}, "qty": 2}, {"sku": "b", "product": {"id": 8}, "qty": 1}]', 'x')`)
	s.boot()
	want(t, "a new one", s.tells(`INSERT INTO orders VALUES (2, 't', 'open', 5, '[{"sku": "c/1", "product": {"id": 9}, "qty": 4.5}]')`), `
		+ sale 2 [t/] status=pending total=5
		| 2/c\/1 [t/] sale=2 medicine=9 quantity=4.5
		+ sale_line 2/c\/1 [t/] sale=2 medicine=9 quantity=4.5`)
	want(t, "one goes, one comes, one changes", s.tells(`UPDATE orders SET items = '[{"sku": "b", "product": {"id": 8}, "qty": 3}, {"sku": "d", "product": {"id": 7}, "qty": 1}]' WHERE id = 1`), `
		~ sale 1 [t/]
		| was 1/a [t/] sale=1 medicine=7 quantity=2
		| was 1/b [t/] sale=1 medicine=8 quantity=1
		| 1/b [t/] sale=1 medicine=8 quantity=3
		| 1/d [t/] sale=1 medicine=7 quantity=1
		- sale_line 1/a [t/] sale=1 medicine=7 quantity=2
		~ sale_line 1/b [t/] quantity=1>3
		+ sale_line 1/d [t/] sale=1 medicine=7 quantity=1`)
	want(t, "another order of the same", s.tells(`UPDATE orders SET items = '[{"sku": "d", "product": {"id": 7}, "qty": 1}, {"sku": "b", "product": {"id": 8}, "qty": 3}]' WHERE id = 1`), ``)
	want(t, "of nothing that is mapped", s.tells(`UPDATE orders SET note = repeat('y', 10) WHERE id = 1`), ``)
	want(t, "no list", s.tells(`UPDATE orders SET items = '{"sku": "d"}' WHERE id = 1`), `
		~ sale 1 [t/]
		| was 1/b [t/] sale=1 medicine=8 quantity=3
		| was 1/d [t/] sale=1 medicine=7 quantity=1
		- sale_line 1/b [t/] sale=1 medicine=8 quantity=3
		- sale_line 1/d [t/] sale=1 medicine=7 quantity=1
		! bad_json of sale_line public.orders.items "" []`)
	want(t, "gone", s.tells(`DELETE FROM orders WHERE id = 2`), `
		- sale 2 [t/] status=pending total=5
		| was 2/c\/1 [t/] sale=2 medicine=9 quantity=4.5
		- sale_line 2/c\/1 [t/] sale=2 medicine=9 quantity=4.5`)
}

func TestAListTooLongToBeSentAgainIsTheSame(t *testing.T) {
	t.Parallel()
	s := open(t, basketSchema+"ALTER TABLE orders ALTER items SET STORAGE EXTERNAL", basketMapping)
	s.exec(`INSERT INTO orders SELECT 1, 't', 'open', 9, jsonb_agg(jsonb_build_object('sku', n, 'product', jsonb_build_object('id', n), 'qty', 1)) FROM generate_series(1, 200) n`)
	s.boot()
	told := s.tells(`UPDATE orders SET state = 'paid' WHERE id = 1`)
	if strings.Count(told, "| 1/") != 200 || strings.Contains(told, "sale_line") || !strings.Contains(told, "pending>completed") {
		t.Errorf("another state told\n%s", told)
	}
	want(t, "another tenant", fmt.Sprint(len(s.tells(`UPDATE orders SET tenant = 'u' WHERE id = 1`)) > 200*50), "true")
	s.exec("TRUNCATE orders")
	s.settle()
	s.exec(`INSERT INTO orders VALUES (1, 't', 'open', 5, '[{"sku": "a", "product": {"id": 9}, "qty": 4}]')`)
	s.settle()
	want(t, "after a truncate", s.tells(`UPDATE orders SET items = '[]' WHERE id = 1`), `
		~ sale 1 [t/]
		| was 1/a [t/] sale=1 medicine=9 quantity=4
		- sale_line 1/a [t/] sale=1 medicine=9 quantity=4`)
}

func TestElementsHaveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	var list []json.RawMessage
	must(t, json.Unmarshal([]byte(`[{"id": 5}, {}, {"id": 5}, 7, {"id": ""}]`), &list))
	var ids []string
	for _, e := range identified(list, "id") {
		ids = append(ids, string(e.id))
	}
	if got := fmt.Sprint(ids); got != "[5 1 5.2 3 4]" {
		t.Errorf("ids %s", got)
	}
}
