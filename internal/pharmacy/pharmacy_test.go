package pharmacy_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/pharmacy"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func setup(t *testing.T) string {
	t.Helper()
	dsn := pgtest.Database(t)
	if err := pharmacy.Load(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// stock is every product of every branch with what is on its shelf; the app's own view of the world.
const stock = `
	SELECT p.id, b.id AS branch, p.reorder_level, p.max_level, coalesce(sum(i.quantity_on_hand), 0) AS on_hand,
	       coalesce(sum(i.quantity_on_hand - i.quantity_reserved)
	                FILTER (WHERE i.expiry_date IS NULL OR i.expiry_date >= (now() AT TIME ZONE t.zone)::date), 0) AS available
	FROM products p JOIN branches b USING (tenant_id) JOIN tenants t ON t.id = b.tenant_id
	LEFT JOIN inventory i ON i.product_id = p.id AND i.branch_id = b.id
	GROUP BY p.id, b.id, t.zone`

const drift = `
	WITH stock AS (SELECT branch_id, product_id, sum(quantity_on_hand) AS n FROM inventory GROUP BY 1, 2),
	     ledger AS (SELECT branch_id, product_id, sum(CASE movement_type WHEN 'out' THEN -quantity ELSE quantity END) AS n
	                FROM stock_movements GROUP BY 1, 2)
	SELECT count(*) FROM stock FULL JOIN ledger USING (branch_id, product_id) WHERE coalesce(stock.n, 0) <> coalesce(ledger.n, 0)`

// held is how many lots whose reservation is not what open sales hold of them.
const held = `
	SELECT count(*) FROM inventory i
	LEFT JOIN (SELECT l.inventory_id, sum(l.quantity) AS n FROM sale_items l JOIN sales s ON s.id = l.sale_id
	           WHERE s.status = 'open' GROUP BY 1) AS o ON o.inventory_id = i.id
	WHERE i.quantity_reserved <> coalesce(o.n, 0)`

func TestSeedIsADayInTwoPharmacies(t *testing.T) {
	t.Parallel()
	dsn := setup(t)
	for _, c := range []struct{ what, sql, want string }{
		{
			"tenants and their zones", `SELECT string_agg(subdomain || ' ' || zone, ', ' ORDER BY id) FROM tenants`,
			"testpharmacy Africa/Addis_Ababa, lifeline Africa/Lusaka",
		},
		{"branches of each", `SELECT string_agg(n::text, ' ') FROM (SELECT count(*) AS n FROM branches GROUP BY tenant_id) AS x`, "2 2"},
		{"medicines of each", `SELECT string_agg(n::text, ' ') FROM (SELECT count(*) AS n FROM products GROUP BY tenant_id) AS x`, "25 25"},
		{"drift of the ledger", drift, "0"},
		{"stock that is out", `SELECT count(*) FROM (` + stock + `) AS s WHERE available = 0`, "2"},
		{"stock that is low", `SELECT count(*) FROM (` + stock + `) AS s WHERE available BETWEEN 1 AND reorder_level`, "5"},
		{"expired lots", `SELECT count(*) FROM inventory WHERE expiry_date < current_date - 1 AND quantity_on_hand > 0`, "2"},
		{"lots that expire", `SELECT count(*) FROM inventory WHERE expiry_date BETWEEN current_date AND current_date + 29`, "6"},
		{"waiting prescriptions", `SELECT count(*) FROM prescriptions WHERE status = 'pending'`, "4"},
		{"sales without a line", `SELECT count(*) FROM sales s WHERE total_amount < 0`, "0"},
	} {
		if got := pgtest.Ask(t, dsn, c.sql); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

// An hour at two transactions a second, as fast as they go.
func TestAnHourOfWorkKeepsTheBooks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("7200 transactions")
	}
	dsn := setup(t)
	lotsBefore := pgtest.Ask(t, dsn, "SELECT count(*) FROM inventory")
	app := pharmacy.App{Seed: 1, Transactions: 7200, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	began := time.Now()
	if err := app.Run(t.Context(), dsn, 0); err != nil {
		t.Fatal(err)
	}
	t.Logf("7200 transactions in %v, lots %s", time.Since(began), lotsBefore)
	for _, c := range []struct{ what, sql, want string }{
		{"ledger is off by one mistake at most", `SELECT (` + drift + `) <= 1`, "t"},
		{"reservations are those of open sales", held, "0"},
		{"no lot is below zero", `SELECT count(*) FROM inventory WHERE quantity_on_hand < 0 OR quantity_reserved < 0 OR quantity_reserved > quantity_on_hand`, "0"},
		{"few sales are open", `SELECT count(*) <= 12 FROM sales WHERE status = 'open'`, "t"},
		{"few prescriptions wait", `SELECT count(*) <= 34 FROM prescriptions WHERE status IN ('pending', 'partially_dispensed')`, "t"},
		{"no stock grows", `SELECT count(*) FROM (` + stock + `) AS s WHERE on_hand > 3 * max_level`, "0"},
		{"some stock is low, most is not", `SELECT count(*) FILTER (WHERE available <= reorder_level) BETWEEN 2 AND 30 FROM (` + stock + `) AS s`, "t"},
		{"lots come and go", `SELECT count(*) BETWEEN 100 AND 500 FROM inventory`, "t"},
		{"some lots expire soon, most do not", `SELECT count(*) FILTER (WHERE expiry_date <= current_date + 30 AND quantity_on_hand > 0) BETWEEN 1 AND 60 FROM inventory`, "t"},
		{"every kind of thing happened", `SELECT count(DISTINCT action) >= 14 FROM audit_log`, "t"},
		{"every audited transaction is one", `SELECT count(*) FROM audit_log`, "7200"},
	} {
		if got := pgtest.Ask(t, dsn, c.sql); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
}

func TestAppEndsQuietlyWithItsContext(t *testing.T) {
	t.Parallel()
	dsn := setup(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := (&pharmacy.App{}).Run(ctx, dsn, 100); err != nil {
		t.Error(err)
	}
}

func TestAppSaysThatItsDatabaseIsEmpty(t *testing.T) {
	t.Parallel()
	if err := (&pharmacy.App{}).Run(t.Context(), pgtest.Database(t), 0); err == nil {
		t.Error("the app worked on an empty database")
	}
}

func TestAppOutlivesARestartOfItsDatabase(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, nil)
	dsn := server.DSN("")
	if err := pharmacy.Load(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- (&pharmacy.App{}).Run(ctx, dsn, 0) }()
	pgtest.Await(t, dsn, "SELECT count(*) > 20 FROM audit_log")
	if err := server.Restart(t.Context(), privatepg.Fast); err != nil {
		t.Fatal(err)
	}
	before := pgtest.Ask(t, dsn, "SELECT count(*) FROM audit_log")
	pgtest.Await(t, dsn, "SELECT count(*) > 20 + "+before+" FROM audit_log")
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
