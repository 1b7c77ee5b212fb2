package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// BenchmarkDrain makes a backlog and reads it three times: a copy of the slot by a client that discards what it reads, which
// is the limit of the server and the socket; another copy by pg_recvlogical, the server's own client; and the slot itself by
// the whole engine, with rules on, images and log on disk, alerts in Postgres, and everything published. Take the ratios: the
// machine is shared. One iteration is one backlog; the median counts, of a ratio the median of each backlog's own. A CPU
// profile tells raw and engine apart by the label phase, and the backlogs by the label backlog; pg_recvlogical is a process
// of its own.
func BenchmarkDrain(b *testing.B) {
	const lots, rows = 10_000, 200_000
	tcp := benchPharmacy(b, lots, 10)
	s := newService(b, tcp, "umi.yaml")
	sockets := []struct{ name, dsn string }{{"tcp", tcp}, {"unix", pgtest.SocketDSN(b, tcp)}}
	line := &drainLine{service: s}
	line.boot(b, tcp)
	var lines []string
	for _, socket := range sockets {
		for _, each := range []int{10, 1} {
			b.Run(fmt.Sprintf("%s/%d-row", socket.name, each), func(b *testing.B) {
				var raw, server, ours []spent
				for b.Loop() {
					sold := line.sell(b, rows/2*min(each, 2)/each, each)
					reads := []func(){
						func() { raw = append(raw, line.readRaw(b, socket.dsn, sold)) },
						func() { server = append(server, line.recvlogical(b, socket.dsn, sold)...) },
					}
					if len(raw)%2 == 1 { // the server may still be busy with the sales while the first reads
						slices.Reverse(reads)
					}
					for _, read := range reads {
						read()
					}
					ours = append(ours, line.run(b, socket.dsn, sold))
				}
				lines = append(lines, reportDrain(b, fmt.Sprintf("%s\t%d", socket.name, each), raw, server, ours)...)
			})
		}
	}
	printTable(drainHead, lines)
}

// spent is what reading a backlog took, from its first row to its last.
type spent struct {
	rows   int
	wall   time.Duration
	cpu    time.Duration // of the reading process, user and system
	allocs uint64
	bytes  uint64
	moved  int // transitions of alerts
}

func (s spent) rate() float64   { return float64(s.rows) / s.wall.Seconds() }
func (s spent) perRow() float64 { return float64(s.cpu.Nanoseconds()) / 1e3 / float64(s.rows) }

func (s spent) allocsPerRow() float64 { return float64(s.allocs) / float64(s.rows) }

func printTable(head string, lines []string) {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, l := range append([]string{head}, lines...) {
		_, _ = fmt.Fprintln(w, l+"\t")
	}
	_ = w.Flush()
	fmt.Println()
}

// meter measures this process between start and stop.
type meter struct {
	began time.Time
	cpu   time.Duration
	mem   runtime.MemStats
}

func startMeter() *meter {
	m := &meter{began: time.Now(), cpu: cpuTime()}
	runtime.ReadMemStats(&m.mem)
	return m
}

func (m *meter) stop(rows int) spent {
	s := spent{rows: rows, wall: time.Since(m.began), cpu: cpuTime() - m.cpu}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	s.allocs, s.bytes = mem.Mallocs-m.mem.Mallocs, mem.TotalAlloc-m.mem.TotalAlloc
	return s
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// drainLine is an engine that is stopped while a backlog grows, and started to read it: a warm start each time.
type drainLine struct {
	service  *service
	position uint64 // where the engine stands
}

// boot lets the engine read the tables, and stops it.
func (l *drainLine) boot(b *testing.B, dsn string) {
	b.Helper()
	l.start(b, dsn, 0, func(h *house) <-chan struct{} { return h.engine.ready })
}

// sell makes a backlog, sees it on the server's disk, and counts its rows.
func (l *drainLine) sell(b *testing.B, transactions, each int) int {
	b.Helper()
	dsn := l.config(b).Source.DSN
	rows, err := strconv.Atoi(pgtest.Ask(b, dsn, fmt.Sprintf("CALL bench_sell(%d, %d, 0)", transactions, each)))
	if err != nil {
		b.Fatal(err)
	}
	pgtest.Exec(b, dsn, "SELECT pg_current_xact_id()") // the sales did not wait for the disk; this commit does, and theirs are before it
	return rows
}

func (l *drainLine) config(b *testing.B) *config {
	b.Helper()
	cfg, err := loadConfig(l.service.config, func(string) (string, bool) { return "", false })
	if err != nil {
		b.Fatal(err)
	}
	return cfg
}

// run has the engine read a backlog of so many rows.
func (l *drainLine) run(b *testing.B, dsn string, rows int) spent {
	b.Helper()
	d := l.start(b, dsn, rows, nil)
	return d.spent
}

// start runs the house without its doors until a backlog is read, or until something else is true.
func (l *drainLine) start(b *testing.B, dsn string, rows int, until func(*house) <-chan struct{}) *draining {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := l.config(b)
	cfg.Source.DSN, cfg.State.DSN, cfg.Log.Level = dsn, dsn, "error"
	d := &draining{want: rows, done: make(chan struct{})}
	var err error
	pprof.Do(ctx, pprof.Labels("phase", "engine", "backlog", b.Name()), func(ctx context.Context) { err = l.drain(ctx, cancel, cfg, d, until) })
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func (l *drainLine) drain(ctx context.Context, cancel func(), cfg *config, d *draining, until func(*house) <-chan struct{}) error {
	disk, err := openState(cfg, cfg.logger())
	if err != nil {
		return err
	}
	defer func() { _ = disk.Close() }()
	h, err := build(ctx, cfg, cfg.logger(), disk)
	if err != nil {
		return err
	}
	defer h.close()
	d.engine = h.engine
	end := (<-chan struct{})(d.done)
	if until != nil {
		end = until(h)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.reader.Run(ctx, d) })
	g.Go(func() error { return h.pulse.Run(ctx) })
	g.Go(func() error { return h.engine.heap.Run(ctx) })
	g.Go(func() error {
		defer cancel()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return h.pulse.confirmSafe(ctx)
		}
	})
	err = g.Wait()
	l.position = h.engine.durable.Load()
	return err
}

// draining is the engine with a meter on it.
type draining struct {
	*engine
	want  int
	done  chan struct{}
	once  sync.Once
	rows  int
	moved int
	meter *meter
	spent spent
}

// Commit counts rows; the meter starts at the first.
func (d *draining) Commit(ctx context.Context, tx *cdc.Transaction) error {
	if rows := tx.Rows - len(tx.Messages); rows > 0 {
		if d.meter == nil {
			d.meter = startMeter()
		}
		d.rows += rows
	}
	if err := d.engine.Commit(ctx, tx); err != nil {
		return err
	}
	if n := len(d.group); n > 0 { // else it has been flushed, and one group's last is not counted
		d.moved += len(d.group[n-1].commit.Transitions)
	}
	return nil
}

// Flush stops the meter once everything is public.
func (d *draining) Flush(ctx context.Context) error {
	if err := d.engine.Flush(ctx); err != nil {
		return err
	}
	if d.want > 0 && d.rows >= d.want {
		d.once.Do(func() {
			d.spent = d.meter.stop(d.rows)
			d.spent.moved = d.moved
			close(d.done)
		})
	}
	return nil
}

// benchPharmacy is a database in the shape of the target umi: so many lots, two to a shelf, over so many tenants of two
// branches each. One lot in thirty expires soon, and its alert stays open.
func benchPharmacy(b *testing.B, lots, tenants int) (dsn string) {
	b.Helper()
	dsn = pgtest.Database(b)
	pgtest.Load(b, dsn, "../../testdata/targets/umi/schema.sql")
	pgtest.Exec(b, dsn, strings.NewReplacer("$lots", fmt.Sprint(lots), "$tenants", fmt.Sprint(tenants)).Replace(benchSeed))
	pgtest.Exec(b, dsn, "VACUUM ANALYZE")
	return dsn
}

const benchSeed = `
SET session_replication_role = replica;
CREATE FUNCTION bench_id(kind text, n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
	AS $$ SELECT (kind || '0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
INSERT INTO tenants (id, name, slug, subscription_plan)
	SELECT bench_id('a', t), 'Pharmacy ' || t, 'pharmacy-' || t, 'pro' FROM generate_series(0, $tenants - 1) t;
INSERT INTO branches (id, tenant_id, name, code)
	SELECT bench_id('b', n), bench_id('a', n / 2), 'Branch ' || n, 'B' || n FROM generate_series(0, 2 * $tenants - 1) n;
INSERT INTO products (id, tenant_id, name, category, strength, reorder_level, max_level, unit_cost, selling_price)
	SELECT bench_id('c', p), bench_id('a', p % $tenants), 'Amoxicillin capsules ' || p, 'Antibiotics', '500 mg', 99, 900, 1.25, 2.50
	FROM generate_series(0, $lots / 4 - 1) p;
INSERT INTO inventory (id, tenant_id, branch_id, product_id, quantity_on_hand, batch_number, expiry_date, cost_price, selling_price)
	SELECT bench_id('d', i), bench_id('a', i / 4 % $tenants), bench_id('b', 2 * (i / 4 % $tenants) + i / 2 % 2),
		bench_id('c', i / 4), 50 + i % 100, 'LOT-' || i, current_date + CASE WHEN i % 30 = 0 THEN 20 ELSE 400 END, 1.25, 2.50
	FROM generate_series(0, $lots - 1) i;
-- One sale in two hundred empties a lot, which half the time brings its shelf down to the reorder level.
CREATE PROCEDURE bench_sell(transactions integer, each integer, INOUT sold bigint) LANGUAGE plpgsql AS $$
DECLARE
	now_sold bigint;
BEGIN
	PERFORM set_config('synchronous_commit', 'off', false);
	FOR n IN 1..transactions LOOP
		UPDATE inventory
		SET quantity_on_hand = CASE WHEN random() < 0.005 THEN 0 ELSE 50 + (random() * 100)::int END, last_stock_update = now()
		WHERE id = ANY (ARRAY(SELECT bench_id('d', (random() * ($lots - 1))::int) FROM generate_series(1, each)));
		GET DIAGNOSTICS now_sold = ROW_COUNT;
		sold := sold + now_sold;
		COMMIT;
	END LOOP;
END $$;
`
