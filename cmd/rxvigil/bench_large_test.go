package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// BenchmarkLargeTransaction reports how much memory one transaction of two million rows takes over what the real binary held
// before it, and how long it works on it: as sixteen updates of each of 125 000 lots, as two million new movements that cancel
// out, and as as many that make the ledger disagree with every shelf: those alerts are held in memory then.
// RXVIGIL_BENCH_ROWS changes the number.
func BenchmarkLargeTransaction(b *testing.B) {
	const lots = 125_000 // on more shelves than a transaction is told event by event
	rows := benchRows(b)
	const movements = `INSERT INTO stock_movements (tenant_id, branch_id, product_id, movement_type, quantity) SELECT tenant_id, branch_id, product_id, `
	booked := movements + `'in', quantity_on_hand FROM inventory` // so that the ledger agrees with the shelves
	cases := []struct{ name, before, sql string }{
		{"updates", "", fmt.Sprintf(`DO $$ BEGIN FOR n IN 1..%d LOOP
			UPDATE inventory SET quantity_on_hand = 100 + n, last_stock_update = now(); END LOOP; END $$`, rows/lots)},
		{"inserts", booked, movements + fmt.Sprintf(`CASE n %% 2 WHEN 0 THEN 'in' ELSE 'out' END, 1 FROM inventory, generate_series(1, %d) n`, rows/lots/2*2)},
		{"inserts, an alert a shelf", booked, movements + fmt.Sprintf(`'in', 1 FROM inventory, generate_series(1, %d)`, rows/lots)},
	}
	var lines []string
	for b.Loop() {
		for _, c := range cases {
			dsn := benchPharmacy(b, lots, 10)
			pgtest.Exec(b, dsn, "SET session_replication_role = replica; "+c.before)
			s := newService(b, dsn, "umi.yaml")
			s.start()
			s.ready()
			idle := residentMemory(b, s.cmd.Process.Pid)
			resetPeak(b, s.cmd.Process.Pid)
			atLeisure(b, dsn, "SET session_replication_role = replica; "+c.sql)
			began := time.Now()
			view := watch(b, s, "sse", "a0000000-0000-4000-8000-000000000000")
			pgtest.Exec(b, dsn, "SELECT rxvigil.notify('a0000000-0000-4000-8000-000000000000', 'the_end', '{}')")
			view.within(b, 10*time.Minute, 0, "the end", func(e envelope) bool { return e.Type == "the_end" })
			took, peak := time.Since(began), peakMemory(b, s.cmd.Process.Pid)
			s.stop()
			pgtest.Exec(b, dsn, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
			b.Logf("%s: idle %d MB, peak %d MB, %.0f s", c.name, idle>>20, peak>>20, took.Seconds())
			lines = append(lines, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%.1f\t%.0f", c.name, rows, idle>>20, peak>>20, (peak-idle)>>20, took.Seconds(), float64(rows)/took.Seconds()))
		}
		b.ReportMetric(0, "ns/op")
	}
	printTable("transaction\trows\tidle MB\tpeak MB\tover idle MB\tseconds\trows/s", lines)
}

// atLeisure runs SQL however long it takes.
func atLeisure(b *testing.B, dsn, sql string) {
	b.Helper()
	conn, err := pgx.Connect(b.Context(), dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }()
	if _, err := conn.Exec(b.Context(), sql); err != nil {
		b.Fatal(err)
	}
}

func benchRows(b *testing.B) int {
	b.Helper()
	text, ok := os.LookupEnv("RXVIGIL_BENCH_ROWS")
	if !ok {
		return 2_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// resetPeak makes the peak of resident memory what is resident now.
func resetPeak(b *testing.B, pid int) {
	b.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}
