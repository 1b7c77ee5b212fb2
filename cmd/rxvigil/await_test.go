package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const patientSchema = `
CREATE TABLE goods (id int PRIMARY KEY, name text);
CREATE TABLE lots (id int PRIMARY KEY, medicine int, quantity int);
CREATE TABLE sales (id int PRIMARY KEY, state text);
CREATE TABLE lines (id int PRIMARY KEY, sale int, medicine int, quantity int);
INSERT INTO goods VALUES (7, 'Zinc');`

const patientMapping = `
mapping:
  medicine: {table: goods, key: id, tenant: {const: t}, fields: {name: name}}
  lot: {table: lots, key: id, tenant: {const: t}, fields: {medicine: medicine, on_hand: quantity}}
  sale: {table: sales, key: id, settle: %s, tenant: {const: t}, fields: {status: {column: state, words: {open: pending, paid: completed}}}}
  sale_line: {table: lines, key: id, parent: sale, fields: {medicine: medicine, quantity: quantity}}
`

// heard is what a viewer was told since the last time, up to a mark of ours.
func heard(t *testing.T, v *viewer, dsn string, from *int, mark int) string {
	t.Helper()
	pgtest.Exec(t, dsn, fmt.Sprintf(`SELECT rxvigil.notify('t', 'story_marker', '{"step": %d}')`, mark))
	end := v.until(t, *from, "the mark", func(e envelope) bool { return e.Type == "story_marker" && e.Data["step"] == float64(mark) })
	var told []string
	for _, e := range v.seen(*from, end) {
		lines, _ := e.Data["lines"].([]any)
		told = append(told, fmt.Sprintf("%s %v with %d", e.Type, e.Data["id"], len(lines)))
	}
	*from = end + 1
	return strings.Join(told, ", ")
}

func TestADocumentWaitsForItsLines(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, patientSchema)
	svc := newServiceOf(t, dsn, fmt.Sprintf(patientMapping, "1h"), "")
	svc.start()
	svc.ready()
	v, from := watch(t, svc, "sse", "t"), 0
	v.connected(t)
	for i, step := range []struct{ sql, want string }{
		{"INSERT INTO sales VALUES (1, 'open')", ""},
		{"UPDATE sales SET state = 'paid' WHERE id = 1", ""},
		{"INSERT INTO lines VALUES (1, 1, 7, 2), (2, 1, 7, 1)", "sale_created 1 with 2, sale_completed 1 with 2"},
		{"INSERT INTO lines VALUES (3, 1, 7, 1)", "sale_updated 1 with 3"},
		{"BEGIN; INSERT INTO sales VALUES (2, 'open'); INSERT INTO lines VALUES (4, 2, 7, 1); COMMIT", "sale_created 2 with 1"},
		{"INSERT INTO sales VALUES (3, 'paid')", ""},
		{"DELETE FROM sales WHERE id = 3", ""},
		{"INSERT INTO sales VALUES (4, 'paid')", ""},
	} {
		pgtest.Exec(t, dsn, step.sql)
		if got := heard(t, v, dsn, &from, i); got != step.want {
			t.Errorf("%s told %q, not %q", step.sql, got, step.want)
		}
	}
	svc.kill() // what waits is kept
	svc.start()
	svc.ready()
	v, from = watch(t, svc, "sse", "t"), 0
	v.connected(t)
	pgtest.Exec(t, dsn, "INSERT INTO lines VALUES (5, 4, 7, 1)")
	got := heard(t, v, dsn, &from, 99)
	// What the killed engine had told and not kept is told again, under the same names; behind the last marker of then comes what is new.
	if i := strings.LastIndex(got, "story_marker"); i >= 0 {
		_, got, _ = strings.Cut(got[i:], ", ")
	}
	if got != "sale_created 4 with 1, sale_completed 4 with 1" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestADocumentToWhichNoLineComesIsToldInTheEnd(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, patientSchema)
	svc := newServiceOf(t, dsn, fmt.Sprintf(patientMapping, "1ms"), "")
	svc.start()
	svc.ready()
	v, from := watch(t, svc, "sse", "t"), 0
	v.connected(t)
	pgtest.Exec(t, dsn, "INSERT INTO sales VALUES (1, 'paid')")
	told := ""
	for i := 0; i < 20 && told == ""; i++ { // engine time moves with what is committed
		pgtest.Exec(t, dsn, "SELECT pg_sleep(0.01)")
		told = heard(t, v, dsn, &from, i)
	}
	if told != "sale_created 1 with 0, sale_completed 1 with 0" {
		t.Errorf("told %q", told)
	}
}
