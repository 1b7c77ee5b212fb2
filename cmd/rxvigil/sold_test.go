package main

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestARecallTellsWhatWasSoldAndToWhom(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, `CREATE TABLE goods (id int PRIMARY KEY, name text);
		CREATE TABLE lots (id int PRIMARY KEY, medicine int, number text, quantity int);
		CREATE TABLE sales (id int PRIMARY KEY, state text, patient text, at timestamptz);
		CREATE TABLE lines (id int PRIMARY KEY, sale int, lot int, medicine int, quantity int);
		CREATE TABLE recalls (id int PRIMARY KEY, number text);
		INSERT INTO goods VALUES (7, 'Zinc'); INSERT INTO lots VALUES (1, 7, 'Z-47', 90), (2, 7, 'Z-48', 90);
		INSERT INTO sales VALUES (1, 'paid', 'ann', now()), (2, 'paid', 'bob', now()), (3, 'void', 'eve', now()), (4, 'paid', NULL, now());
		INSERT INTO lines VALUES (1, 1, 1, 7, 2), (2, 2, 1, 7, 3), (3, 3, 1, 7, 50), (4, 4, 1, 7, 1), (5, 1, 2, 7, 9);`)
	svc := newServiceOf(t, dsn, `
mapping:
  medicine: {table: goods, key: id, tenant: {const: t}, fields: {name: name}}
  lot: {table: lots, key: id, tenant: {const: t}, fields: {medicine: medicine, number: number, on_hand: quantity}}
  sale: {table: sales, key: id, tenant: {const: t}, fields: {patient: patient, at: at, status: {column: state, words: {paid: completed, void: void}}}}
  sale_line: {table: lines, key: id, parent: sale, fields: {medicine: medicine, lot: lot, quantity: quantity}}
  recall: {table: recalls, key: id, tenant: {const: t}, fields: {number: number}}
`, "")
	recall := func() string {
		var page struct {
			Items []struct {
				Rule, Message string
				Values        map[string]any
			}
		}
		if err := json.Unmarshal(svc.get("/api/tenant/t/alerts?rule=recall"), &page); err != nil || len(page.Items) != 1 {
			t.Fatalf("%v: %+v", err, page)
		}
		a := page.Items[0]
		return fmt.Sprintf("%s; %v, %v", a.Message, a.Values["sold"], a.Values["patients"])
	}
	svc.start()
	svc.ready()
	v, from := watch(t, svc, "sse", "t"), 0
	v.connected(t)
	pgtest.Exec(t, dsn, "INSERT INTO recalls VALUES (1, 'z 47')")
	heard(t, v, dsn, &from, 1)
	if got := recall(); got != "Zinc, lot Z-47, was recalled: 90 left, 6 sold; 6, ann, bob" {
		t.Errorf("recalled: %s", got)
	}
	pgtest.Exec(t, dsn, "BEGIN; INSERT INTO sales VALUES (5, 'paid', 'sam', now()); INSERT INTO lines VALUES (6, 5, 1, 7, 4); UPDATE lots SET quantity = 86 WHERE id = 1; COMMIT")
	heard(t, v, dsn, &from, 2)
	want := "Zinc, lot Z-47, was recalled: 86 left, 10 sold; 10, ann, bob, sam"
	if got := recall(); got != want {
		t.Errorf("sold again: %s", got)
	}
	svc.kill()
	svc.start()
	svc.ready()
	v, from = watch(t, svc, "sse", "t"), 0
	v.connected(t)
	heard(t, v, dsn, &from, 3) // ready is sooner than what the killed one had not kept is read again
	if got := recall(); got != want {
		t.Errorf("after a restart: %s", got)
	}
}
