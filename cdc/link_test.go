package cdc

import (
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const twoShops = shopSchema + `
CREATE TABLE orders (id text PRIMARY KEY, tenant text, kind text);
CREATE TABLE order_items (id int PRIMARY KEY, order_id text REFERENCES orders, sale text, quantity int);`

const withOrders = oneMedicine + `lot: {table: lots, key: id, tenant: tenant}
sale:
  - {table: sales, key: id, tenant: tenant}
  - {table: orders, key: id, tenant: tenant, where: {column: kind, in: [web]}, extra: {how: {const: web}}}
  - {table: orders, key: id, tenant: tenant, where: {column: kind, in: [post]}, extra: {how: {const: post}}}
`

func TestLinesBelongToTheTableThatTheirParentComesFrom(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string]string{
		"by a foreign key": `sale_line:
  - {table: sale_items, key: id, parent: sale, of: sales, fields: {quantity: quantity}}
  - {table: order_items, key: id, parent: order_id, fields: {quantity: quantity}}`,
		"by name": `sale_line:
  - {table: order_items, key: id, parent: order_id, of: orders, fields: {quantity: quantity}}
  - {table: sale_items, key: id, parent: sale, of: sales, fields: {quantity: quantity}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, twoShops, withOrders+lines)
			s.boot()
			for _, spill := range []int{0, 1} {
				must(t, s.stop())
				s.cfg.spill = spill
				s.resume()
				want(t, "one of each, under the same id", s.tells(`BEGIN; INSERT INTO sales VALUES ('1', 't1'); INSERT INTO orders VALUES ('1', 't2', 'web');
					INSERT INTO sale_items VALUES (1, '1', 7, 1); INSERT INTO order_items VALUES (1, '1', NULL, 2); COMMIT`), `
					+ sale 1 [t1/]
					| 1 [t1/] sale=1 quantity=1
					+ sale 1 [t2/] how=web
					| 1 [t2/] sale=1 quantity=2
					+ sale_line 1 [t1/] sale=1 quantity=1
					+ sale_line 1 [t2/] sale=1 quantity=2`)
				want(t, "a line of the second", s.tells("UPDATE order_items SET quantity = 3"), `
					~ sale 1 [t2/]
					| was 1 [t2/] sale=1 quantity=2
					| 1 [t2/] sale=1 quantity=3
					~ sale_line 1 [t2/] quantity=2>3`)
				want(t, "an order that becomes one of the other kind", s.tells("BEGIN; UPDATE orders SET kind = 'post'; UPDATE order_items SET quantity = 4; COMMIT"), `
					- sale 1 [t2/] how=web
					| was 1 [t2/] sale=1 quantity=3
					| 1 [t2/] sale=1 quantity=4
					+ sale 1 [t2/] how=post
					| 1 [t2/] sale=1 quantity=4
					~ sale_line 1 [t2/] quantity=3>4`)
				s.tells("BEGIN; DELETE FROM sale_items; DELETE FROM order_items; DELETE FROM sales; DELETE FROM orders; COMMIT")
			}
		})
	}
}

func TestEachMistakeInALinkIsOneSentenceWithTheCure(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, twoShops)
	conn := session(t, dsn)
	for lines, want := range map[string]string{
		"{table: sale_items, key: id, parent: sale}":                                                                         `$.mapping.sale_line: a sale may come from sales or orders, and nothing tells where the parents of these lines do: add of: with the table`,
		"{table: sale_items, key: id, parent: sale, of: order}":                                                              `$.mapping.sale_line.of: no sale comes from a table "order": did you mean "orders"?`,
		"[{table: sale_items, key: id, parent: sale, of: sales}, {table: order_items, key: id, parent: sale, of: sales}]":    `$.mapping.sale_line[1]: the lines of public.sales come from public.sale_items already: map one source of lines for each`,
		"{table: order_items, key: id, parent: order_id}":                                                                    ``,
		"{table: sale_items, key: id, parent: sale, of: sales}\nbranch: {table: orders, key: id, tenant: tenant, of: sales}": `$.mapping.branch.of: of: says where a line's parent comes from, and a branch is no line: leave it out`,
	} {
		_, findings, err := Resolve(t.Context(), conn, parseMapping(t, withOrders+"sale_line: "+lines))
		must(t, err)
		switch {
		case want == "" && len(findings) == 0:
		case want == "" || len(findings) != 1 || !strings.HasPrefix(oneLine(findings[0]), want):
			t.Errorf("%s\ngives %d findings: %s\nwant %s", lines, len(findings), findings, want)
		}
	}
}
