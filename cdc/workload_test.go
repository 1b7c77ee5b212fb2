package cdc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// writer is one of several sessions of an app that does all that an app may do to its tables.
type writer struct {
	conn   *pgx.Conn
	random *rand.Rand
	number int // of this writer: lots are its own, everything else is everybody's
	fresh  int // ids that nobody else uses
	failed int // transactions that gave way to others
}

func newWriter(t testing.TB, dsn string, number int) *writer {
	t.Helper()
	w := &writer{conn: session(t, dsn), number: number}
	run(t, w.conn, "SET lock_timeout = '500ms'")
	return w
}

// work runs some transactions; the same seed gives the same ones.
func (w *writer) work(seed uint64, transactions int) {
	w.random = rand.New(rand.NewPCG(seed, uint64(w.number)))
	for range transactions {
		if err := w.transaction(); err != nil {
			w.failed++
			_, _ = w.conn.PgConn().Exec(context.Background(), "ROLLBACK").ReadAll() // the next one shows a lost connection
		}
	}
}

func (w *writer) transaction() error {
	if err := w.do("BEGIN; SET LOCAL synchronous_commit = " + w.one("local", "off")); err != nil {
		return err
	}
	if w.chance(40) { // more subtransactions than a backend keeps in shared memory
		for range 70 {
			if err := w.part(2); err != nil {
				return err
			}
		}
	}
	for range 1 + w.random.IntN(5) {
		if err := w.part(0); err != nil {
			return err
		}
	}
	if w.chance(10) {
		return w.do("ROLLBACK")
	}
	return w.do("COMMIT")
}

// part is a statement, or a subtransaction of some that may be undone.
func (w *writer) part(depth int) error {
	if depth < 2 && !w.chance(4) {
		return w.statement()
	}
	if err := w.do("SAVEPOINT part"); err != nil {
		return err
	}
	for range 1 + w.random.IntN(3) {
		deed := w.statement
		if depth == 0 {
			deed = func() error { return w.part(1) }
		}
		if err := deed(); err != nil {
			return err
		}
	}
	return w.do(w.one("RELEASE part", "ROLLBACK TO part"))
}

func (w *writer) statement() error {
	switch {
	case w.chance(80):
		return w.do("TRUNCATE " + w.one("medicines", "sales", "sale_items", "moves", "lots", "sales, sale_items", "lots, medicines"))
	case w.chance(20):
		return w.copyIn()
	}
	deeds := []func() string{w.medicine, w.medicine, w.sale, w.item, w.move, w.lot, w.lot}
	return w.do(deeds[w.random.IntN(len(deeds))]())
}

func (w *writer) medicine() string {
	a, b := w.random.IntN(40), w.random.IntN(40)
	switch w.random.IntN(9) {
	case 0, 1:
		return fmt.Sprintf("INSERT INTO medicines VALUES (%d, %s, 'Medicine %d', %s, %s, %s) ON CONFLICT (id) DO UPDATE SET name = excluded.name, rx = excluded.rx",
			a, w.tenant(), b, w.one("0.30", "12345678901234567.25", "NULL", "1e-7"), w.one("true", "false", "NULL"), w.text())
	case 2, 3:
		return fmt.Sprintf("UPDATE medicines SET name = 'Renamed %d', level = %d.50 WHERE id = %d", b, b, a)
	case 4:
		return fmt.Sprintf("UPDATE medicines SET leaflet = %s WHERE id BETWEEN %d AND %d", w.text(), a, a+3)
	case 5:
		return fmt.Sprintf("UPDATE medicines SET id = %d, tenant = %s WHERE id = %d AND NOT EXISTS (SELECT FROM medicines WHERE id = %[1]d)", b, w.one("tenant", w.tenant()), a)
	case 6: // two keys exchanged
		return fmt.Sprintf("UPDATE medicines SET id = %[3]d WHERE id = %[1]d; UPDATE medicines SET id = %[1]d WHERE id = %[2]d; UPDATE medicines SET id = %[2]d WHERE id = %[3]d", a, b, -1-w.number)
	case 7:
		return fmt.Sprintf("UPDATE medicines SET name = name WHERE id < %d", a)
	}
	return fmt.Sprintf("DELETE FROM medicines WHERE id IN (%d, %d) OR id > 1000 AND id %% 3 = %d", a, b, w.random.IntN(3))
}

// sale changes a table whose old rows are sent whole.
func (w *writer) sale() string {
	a, b := w.random.IntN(30), w.random.IntN(30)
	switch w.random.IntN(6) {
	case 0, 1:
		return fmt.Sprintf("INSERT INTO sales VALUES ('s%d', %s, %s, %d.50, %s) ON CONFLICT (id) DO UPDATE SET branch = excluded.branch, total = excluded.total",
			a, w.tenant(), w.one("'b1'", "'b2'", "NULL"), b, w.text())
	case 2:
		return fmt.Sprintf("UPDATE sales SET total = total + 1 WHERE id = 's%d'", a)
	case 3:
		return fmt.Sprintf("UPDATE sales SET note = %s, tenant = %s WHERE id LIKE 's%d%%'", w.text(), w.tenant(), a)
	case 4:
		return fmt.Sprintf("UPDATE sales SET id = 's%d' WHERE id = 's%d' AND NOT EXISTS (SELECT FROM sales WHERE id = 's%[1]d')", a, b)
	}
	return fmt.Sprintf("DELETE FROM sales WHERE id = 's%d'", a)
}

// item changes a table whose replica identity is a unique index.
func (w *writer) item() string {
	a, b := w.random.IntN(60), w.random.IntN(60)
	switch w.random.IntN(6) {
	case 0, 1:
		return fmt.Sprintf("INSERT INTO sale_items VALUES (%d, 's%d', %d, %d) ON CONFLICT (id) DO UPDATE SET quantity = excluded.quantity", a, b%30, b%40, w.random.IntN(9))
	case 2:
		return fmt.Sprintf("UPDATE sale_items SET quantity = quantity + 1 WHERE id BETWEEN %d AND %d", a, a+4)
	case 3:
		return fmt.Sprintf("UPDATE sale_items SET sale = 's%d' WHERE id = %d", b%30, a)
	case 4:
		return fmt.Sprintf("UPDATE sale_items SET id = %d WHERE id = %d AND NOT EXISTS (SELECT FROM sale_items WHERE id = %[1]d)", a, b)
	}
	return fmt.Sprintf("DELETE FROM sale_items WHERE id IN (%d, %d)", a, b)
}

// move changes a table without a key, whose identity is the whole row.
func (w *writer) move() string {
	switch w.random.IntN(4) {
	case 0, 1:
		n := 1 + w.random.IntN(20)
		return fmt.Sprintf("INSERT INTO moves SELECT %d + i, %s, %d, i FROM generate_series(0, %d) AS i", w.freshIDs(n), w.tenant(), w.random.IntN(40), n-1)
	case 2:
		return fmt.Sprintf("UPDATE moves SET quantity = -quantity WHERE id %% 17 = %d", w.random.IntN(17))
	}
	return fmt.Sprintf("DELETE FROM moves WHERE id %% 5 = %d", w.random.IntN(5))
}

// lot changes a partitioned table. Its key is that of a lot and a tenant; that no two tenants have the same lot is the app's
// promise, and each writer keeps it for lots of its own.
func (w *writer) lot() string {
	a, b := 100*w.number+w.random.IntN(30), 100*w.number+w.random.IntN(30)
	switch w.random.IntN(8) {
	case 0, 1, 2:
		return fmt.Sprintf("INSERT INTO lots (id, tenant, medicine, expires, packs, size, note) SELECT %d, %s, %d, %s, %d, 10, %s WHERE NOT EXISTS (SELECT FROM lots WHERE id = %[1]d)",
			a, w.tenant(), w.random.IntN(40), w.one("'2027-01-31'", "'infinity'", "NULL"), w.random.IntN(90), w.text())
	case 3:
		return fmt.Sprintf("UPDATE lots SET packs = packs + 1 WHERE id BETWEEN %d AND %d", a, a+5)
	case 4:
		return fmt.Sprintf("UPDATE lots SET tenant = %s WHERE id = %d", w.tenant(), a)
	case 5: // from leaf to leaf, and a value with it
		return fmt.Sprintf("UPDATE lots SET tenant = %s, packs = 0, note = %s WHERE id = %d", w.tenant(), w.one("note", w.text()), a)
	case 6:
		return fmt.Sprintf("UPDATE lots SET id = %d, tenant = %s WHERE id = %d AND NOT EXISTS (SELECT FROM lots WHERE id = %[1]d)", b, w.one("tenant", w.tenant()), a)
	}
	return fmt.Sprintf("DELETE FROM lots WHERE id IN (%d, %d)", a, b)
}

// copyIn adds many rows by one COPY.
func (w *writer) copyIn() error {
	n := 1 + w.random.IntN(60)
	first := w.freshIDs(n)
	var lines strings.Builder
	table := w.one("moves (id, tenant, quantity)", "medicines (id, tenant, level)")
	for i := range n {
		fmt.Fprintf(&lines, "%d\tt%d\t%d\n", first+i, 1+i%4, i)
	}
	_, err := w.conn.PgConn().CopyFrom(context.Background(), strings.NewReader(lines.String()), "COPY "+table+" FROM STDIN")
	return err
}

func (w *writer) do(sql string) error {
	_, err := w.conn.PgConn().Exec(context.Background(), sql).ReadAll()
	return err
}

func (w *writer) chance(in int) bool { return w.random.IntN(in) == 0 }

func (w *writer) one(of ...string) string { return of[w.random.IntN(len(of))] }

func (w *writer) tenant() string { return w.one("'t1'", "'t2'", "'t3'", "'t4'") }

// text is null, short, or too long to be sent again with every change of its row.
func (w *writer) text() string {
	return w.one("NULL", "''", fmt.Sprintf("'short %d'", w.random.IntN(100)), fmt.Sprintf("repeat('long %d ', %d)", w.random.IntN(100), 400+w.random.IntN(800)))
}

// freshIDs gives the first of n ids that were never used.
func (w *writer) freshIDs(n int) int {
	first := 10_000_000*(w.number+1) + w.fresh
	w.fresh += n
	return first
}
