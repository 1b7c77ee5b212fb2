package cdc

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

var (
	joinSeed = flag.Uint64("join.seed", 0, "seed of the first workload of the joins; 0: a new one")
	joinN    = flag.Int("join.n", 40, "workloads of the joins, each with the seed behind the one before")
)

const joinSchema = `
CREATE TABLE branches (id int PRIMARY KEY, tenant text, name text, code text UNIQUE);
CREATE TABLE products (id int PRIMARY KEY, tenant text, name text, pack int) PARTITION BY RANGE (id);
CREATE TABLE products_1 PARTITION OF products FOR VALUES FROM (MINVALUE) TO (6);
CREATE TABLE products_2 PARTITION OF products FOR VALUES FROM (6) TO (MAXVALUE);
CREATE TABLE batches (id int PRIMARY KEY, branch int, product int, packs int, note text) PARTITION BY RANGE (id);
CREATE TABLE batches_1 PARTITION OF batches FOR VALUES FROM (MINVALUE) TO (12);
CREATE TABLE batches_2 PARTITION OF batches FOR VALUES FROM (12) TO (MAXVALUE);
CREATE TABLE receipts (id int PRIMARY KEY, branch text, total int);
CREATE TABLE items (id int PRIMARY KEY, receipt int, batch int, quantity int);
CREATE TABLE entries (id int PRIMARY KEY, batch int, quantity int);
ALTER TABLE branches ALTER name SET STORAGE EXTERNAL;
ALTER TABLE products_1 ALTER name SET STORAGE EXTERNAL;
ALTER TABLE batches_1 ALTER note SET STORAGE EXTERNAL;
ALTER TABLE entries REPLICA IDENTITY FULL;`

const joinMapping = `
medicine: {table: products, key: id, tenant: tenant, fields: {name: name}}
lot:
  table: batches
  key: id
  tenant: {column: tenant, from: branches, by: branch}
  branch: branch
  fields: {medicine: product, on_hand: {column: pack, from: products, by: product, times: packs}}
  extra: {shop: {column: name, from: branches, by: branch}, note: note}
sale:
  table: receipts
  key: id
  tenant: {column: tenant, from: branches, by: branch, key: code}
  branch: branch
  fields: {total: total}
sale_line:
  table: items
  key: id
  parent: receipt
  fields: {medicine: {column: product, from: batches, by: batch}, lot: batch, quantity: quantity}
  extra: {name: {column: name, from: products, by: {column: product, from: batches, by: batch}}}
movement:
  table: entries
  key: id
  tenant: {column: tenant, from: branches, by: {column: branch, from: batches, by: batch}}
  fields: {medicine: {column: product, from: batches, by: batch}, quantity: quantity}`

// found is the SQL of a looked-up value as the ledger shows it: null by a key that is null, unknown where no row is.
func found(value, by, ref string) string {
	return fmt.Sprintf("CASE WHEN %[2]s IS NULL THEN 'null' WHEN %[3]s.id IS NULL THEN 'unknown' ELSE coalesce('=' || %[1]s, 'null') END", value, by, ref)
}

func own(value string) string { return fmt.Sprintf("coalesce('=' || %s, 'null')", value) }

// joins say what each kind is, by joins on the server: id, tenant, branch, fields.
var joins = map[rxvigil.Kind]struct {
	fields []string
	sql    string
}{
	rxvigil.KindMedicine: {[]string{"name"}, "id::text, coalesce(tenant, ''), '', " + own("name") + " FROM products"},
	rxvigil.KindLot: {[]string{"medicine", "on_hand", "shop", "note"}, "t.id::text, coalesce(b.tenant, ''), coalesce(t.branch::text, ''), " + own("product::text") + ", " +
		"CASE WHEN product IS NULL THEN 'null' WHEN p.id IS NULL THEN 'unknown' WHEN pack IS NULL THEN 'null' WHEN packs IS NULL THEN 'unknown' ELSE '=' || pack * packs END, " +
		found("b.name", "t.branch", "b") + ", " + own("note") + " FROM batches t LEFT JOIN branches b ON b.id = t.branch LEFT JOIN products p ON p.id = t.product"},
	rxvigil.KindSale: {[]string{"total"}, "t.id::text, coalesce(b.tenant, ''), coalesce(t.branch::text, ''), " + own("total::text") + " FROM receipts t LEFT JOIN branches b ON b.code = t.branch"},
	rxvigil.KindSaleLine: {[]string{"sale", "medicine", "lot", "quantity", "name"}, "t.id::text, '', '', " + own("receipt::text") + ", " + found("b.product::text", "t.batch", "b") + ", " + own("batch::text") + ", " +
		own("quantity::text") + ", CASE WHEN t.batch IS NULL OR b.id IS NOT NULL AND b.product IS NULL THEN 'null' WHEN b.id IS NULL OR p.id IS NULL THEN 'unknown' ELSE " + own("p.name") + " END " +
		"FROM items t LEFT JOIN batches b ON b.id = t.batch LEFT JOIN products p ON p.id = b.product"},
	rxvigil.KindMovement: {[]string{"medicine", "quantity"}, "t.id::text, coalesce(r.tenant, ''), '', " + found("b.product::text", "t.batch", "b") + ", " + own("quantity::text") +
		" FROM entries t LEFT JOIN batches b ON b.id = t.batch LEFT JOIN branches r ON r.id = b.branch"},
}

// joined is a shop whose rows look each other up.
type joined struct {
	*shop
	conn    *pgx.Conn
	writers []*writer
	random  *rand.Rand
	fuse    atomic.Int64      // reads until the sink dies; 0: it lives
	told    ledger            // what the changes say, one after the other
	lines   map[string]string // of each sale, as they were told last
	deaths  int
	seen    int
}

// TestWhatIsLookedUpIsWhatTheServersJoinSays runs random workloads of several writers, with some mishap on our side, and holds
// what is kept and what was told against joins on the server.
func TestWhatIsLookedUpIsWhatTheServersJoinSays(t *testing.T) {
	t.Parallel()
	seed, n := *joinSeed, *joinN
	if seed == 0 {
		seed = uint64(time.Now().UnixNano() / 1000 % 1e12)
	}
	if testing.Short() {
		n = min(n, 8)
	}
	t.Logf("-join.seed=%d -join.n=%d", seed, n)
	j := &joined{shop: open(t, joinSchema, joinMapping)}
	j.conn = session(t, j.dsn)
	for i := range 3 {
		j.writers = append(j.writers, newWriter(t, j.dsn, i))
	}
	j.sink.reads(func() error {
		if j.fuse.Load() > 0 && j.fuse.Add(-1) == 0 {
			return errStop
		}
		return nil
	})
	j.pictured(seed)
	for i := range uint64(n) {
		if j.workload(seed + i); t.Failed() {
			t.Fatalf("workload %d: replay it with -join.seed=%d -join.n=%d, or alone with -join.seed=%d -join.n=1", i, seed, i+1, seed+i)
		}
	}
	t.Logf("%d transactions; %d parts; the sink died %d times; tables were read again %d times", j.seen, j.sink.look().parted, j.deaths, j.readAgain())
	j.bootsAlike()
}

// pictured boots while the writers work.
func (j *joined) pictured(seed uint64) {
	j.t.Helper()
	j.work(seed, 20)
	var working sync.WaitGroup
	working.Go(func() { j.work(seed+1, 10) })
	j.boot()
	working.Wait()
	j.quietBy(j.conn)
	j.sink.change(func() { j.sink.told = nil })
	j.read, j.told, j.lines = 0, j.kept().told(), map[string]string{}
	j.equal("the images of the picture", j.kept(), j.tables())
}

// work lets the writers work together.
func (j *joined) work(seed uint64, transactions int) {
	var working sync.WaitGroup
	for _, w := range j.writers {
		working.Go(func() {
			w.random = rand.New(rand.NewPCG(seed, uint64(w.number)))
			for range transactions {
				if err := w.joinTransaction(); err != nil { // it gave way to others
					_ = w.do("ROLLBACK")
				}
			}
		})
	}
	working.Wait()
}

func (j *joined) workload(seed uint64) {
	j.t.Helper()
	j.random = rand.New(rand.NewPCG(seed, 2000))
	j.cfg.spill = []int{0, 1, 3, 20}[seed%4] // from the next reader on
	mishap := j.random.IntN(6)
	switch mishap {
	case 0: // in the middle of a transaction
		j.fuse.Store(1 + j.random.Int64N(200))
	case 1:
		must(j.t, j.stop())
	}
	working := make(chan struct{})
	go func() { defer close(working); j.work(seed, 2+int(seed%4)) }() // ends before the workload does
	if mishap == 2 {
		j.breakLine()
	}
	<-working
	if mishap == 1 {
		j.resume()
	}
	j.caughtUp()
	var news []*seen
	j.sink.change(func() { news, j.sink.told = j.sink.told, nil })
	j.read = 0
	j.compare(news)
}

// caughtUp waits until everything committed so far was handed on, and no table waits to be read again.
func (j *joined) caughtUp() {
	j.t.Helper()
	id := j.canary()
	j.sink.await(patience, func(m *memory) bool { return m.over != "" || m.canaries[id] })
	if j.fuse.Store(0); j.sink.look().over != "" {
		j.dies()
		j.deaths++
		j.resume()
	}
	j.quietBy(j.conn)
}

func (j *joined) compare(news []*seen) {
	j.t.Helper()
	for _, tx := range news {
		j.seen++
		for i := range tx.Changes {
			if c := &tx.Changes[i]; c.Record().Kind() != rxvigil.KindSaleLine {
				j.enter(tx, c)
			}
		}
		for _, f := range tx.Faults {
			if f.Reason != "no_parent" && f.Reason != "no_tenant" {
				j.t.Fatalf("transaction %d has a fault: %+v", tx.XID, f)
			}
		}
	}
	want := j.tables()
	j.equal("the images", j.kept(), want)
	j.equal("the changes told", j.told, want.told())
	for id, lines := range j.lines {
		if there, _ := want.linesOf(id); there != lines {
			j.t.Errorf("the lines of sale %s were told as\n%s\nwant\n%s", id, lines, there)
		}
	}
}

// enter enters a change into the ledger, and holds it against what was there.
func (j *joined) enter(tx *seen, c *rxvigil.Change) {
	j.t.Helper()
	id := c.Record().Kind().String() + " " + c.Record().ID
	was, there := j.told[id]
	if there != (c.Before != nil) || there && was != joinEntry(c.Before) {
		j.t.Fatalf("transaction %d changes %s, from\n%.200v\nwhich was (there: %v)\n%.200q", tx.XID, id, c.Before, there, was)
	}
	delete(j.told, id)
	delete(j.lines, c.Record().ID)
	if c.After == nil {
		return
	}
	j.told[id] = joinEntry(c.After)
	if c.Record().Kind() == rxvigil.KindSale {
		var lines []string
		for _, l := range c.Lines {
			lines = append(lines, l.ID+": "+joinFields(l))
		}
		slices.Sort(lines)
		j.lines[c.Record().ID] = strings.Join(lines, "\n")
	}
}

// equal fails with the first row that differs.
func (j *joined) equal(what string, got, want ledger) {
	j.t.Helper()
	(&oracle{shop: j.shop}).equal(what, got, want)
}

// kept reads the images.
func (j *joined) kept() ledger {
	j.t.Helper()
	m := &Memory{j.reader.resolved}
	l := ledger{}
	for key, image := range j.sink.look().images {
		if key[0] != 'i' {
			continue
		}
		r, err := m.Record(nil, []byte(key), image)
		must(j.t, err)
		if r.Kind() != 0 {
			l[r.Kind().String()+" "+r.ID] = joinEntry(r)
		}
	}
	return l
}

// told leaves out what has no tenant, and lines, which are told with their sales.
func (l ledger) told() ledger {
	rest := maps.Clone(l)
	maps.DeleteFunc(rest, func(id, row string) bool {
		return strings.HasPrefix(row, "[/") || strings.HasPrefix(id, rxvigil.KindSaleLine.String())
	})
	return rest
}

// linesOf gives the lines of a sale.
func (l ledger) linesOf(sale string) (string, int) {
	var lines []string
	for id, row := range l {
		if id, ok := strings.CutPrefix(id, "sale_line "); ok && strings.HasPrefix(row, "[/] ="+sale+" ") {
			lines = append(lines, id+": "+strings.TrimPrefix(row, "[/] "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), len(lines)
}

func joinEntry(r *rxvigil.Record) string {
	return fmt.Sprintf("[%s/%s] %s", r.Tenant, r.Branch, joinFields(r))
}

func joinFields(r *rxvigil.Record) string {
	return strings.Join(valuesIn(r, joins[r.Kind()].fields), " ")
}

// tables asks the server for its joins.
func (j *joined) tables() ledger {
	j.t.Helper()
	l := ledger{}
	for kind, join := range joins {
		rows, err := j.conn.Query(j.t.Context(), "SELECT "+join.sql)
		must(j.t, err)
		values := make([]string, 3+len(join.fields))
		var into []any
		for i := range values {
			into = append(into, &values[i])
		}
		_, err = pgx.ForEachRow(rows, into, func() error {
			l[kind.String()+" "+values[0]] = fmt.Sprintf("[%s/%s] %s", values[1], values[2], strings.Join(values[3:], " "))
			return nil
		})
		must(j.t, err)
	}
	return l
}

// bootsAlike makes sure that a boot finds the same images, and the same indexes, as the stream did.
func (j *joined) bootsAlike() {
	j.t.Helper()
	must(j.t, j.stop())
	streamed := j.sink.look().images
	j.sink.change(func() { j.sink.kept = Kept{} })
	j.boot()
	for key, image := range j.sink.look().images {
		if was, there := streamed[key]; !there || string(was) != string(image) {
			j.t.Errorf("%q is booted as %q, and was (there: %v) %q", key, image, there, was)
		}
		delete(streamed, key)
	}
	for key := range streamed {
		j.t.Errorf("%q is left of the stream", key)
	}
}

func (w *writer) joinTransaction() error {
	if err := w.do("BEGIN; SET LOCAL synchronous_commit = " + w.one("local", "off")); err != nil {
		return err
	}
	for range 1 + w.random.IntN(6) {
		if err := w.do(w.joinStatement()); err != nil {
			return err
		}
	}
	if w.chance(10) {
		return w.do("ROLLBACK")
	}
	return w.do("COMMIT")
}

func (w *writer) joinStatement() string {
	a, b := w.random.IntN(24), w.random.IntN(24)
	if w.chance(40) {
		return "TRUNCATE " + w.one("branches", "products", "batches", "receipts", "items", "entries", "branches, products", "products_2", "batches_1")
	}
	switch w.random.IntN(22) {
	case 0, 1:
		return fmt.Sprintf("INSERT INTO branches VALUES (%d, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant, name = excluded.name", a%5, w.one("'t1'", "'t2'", "NULL"), w.text(), w.one("NULL", fmt.Sprintf("(SELECT 'c%d' WHERE NOT EXISTS (SELECT FROM branches WHERE code = 'c%[1]d'))", b%5)))
	case 2:
		return fmt.Sprintf("UPDATE branches SET tenant = %s WHERE id = %d", w.one("'t1'", "'t2'", "'t3'"), a%5)
	case 3:
		return fmt.Sprintf("UPDATE branches SET id = %d WHERE id = %d AND NOT EXISTS (SELECT FROM branches WHERE id = %[1]d)", a%5, b%5)
	case 4:
		return fmt.Sprintf("DELETE FROM branches WHERE id = %d", a%5)
	case 5, 6:
		return fmt.Sprintf("INSERT INTO products VALUES (%d, %s, %s, %d) ON CONFLICT (id) DO UPDATE SET name = excluded.name, pack = excluded.pack", a%12, w.tenant(), w.text(), b)
	case 7:
		return fmt.Sprintf("UPDATE products SET pack = %s WHERE id BETWEEN %d AND %[2]d + 3", w.one("NULL", "3", "pack + 1"), a%12)
	case 8: // from leaf to leaf
		return fmt.Sprintf("UPDATE products SET id = %d WHERE id = %d AND NOT EXISTS (SELECT FROM products WHERE id = %[1]d)", a%12, b%12)
	case 9:
		return fmt.Sprintf("DELETE FROM products WHERE id = %d", a%12)
	case 10, 11:
		return fmt.Sprintf("INSERT INTO batches VALUES (%d, %s, %s, %d, %s) ON CONFLICT (id) DO UPDATE SET branch = excluded.branch, packs = excluded.packs",
			a, w.one("NULL", fmt.Sprint(b%5), fmt.Sprint(b%4)), w.one("NULL", fmt.Sprint(b%12), fmt.Sprint(b%11)), b, w.text())
	case 12:
		return fmt.Sprintf("UPDATE batches SET %s WHERE id BETWEEN %d AND %[2]d + 2", w.one("packs = packs + 1", "branch = branch + 1", fmt.Sprintf("product = %d", b%12), "branch = NULL", "packs = NULL"), a)
	case 13:
		return fmt.Sprintf("UPDATE batches SET id = %d WHERE id = %d AND NOT EXISTS (SELECT FROM batches WHERE id = %[1]d)", a, b)
	case 14:
		return fmt.Sprintf("DELETE FROM batches WHERE id IN (%d, %d)", a, b)
	case 15:
		return fmt.Sprintf("INSERT INTO receipts VALUES (%d, 'c%d', %d) ON CONFLICT (id) DO UPDATE SET branch = excluded.branch", a%10, b%5, a)
	case 16:
		return fmt.Sprintf("%s WHERE id = %d", w.one("DELETE FROM receipts", "UPDATE receipts SET total = total + 1", "UPDATE receipts SET branch = NULL"), a%10)
	case 17:
		return fmt.Sprintf("INSERT INTO items VALUES (%d, %d, %d, %d) ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, receipt = excluded.receipt", a, b%10, b, a)
	case 18:
		return fmt.Sprintf("UPDATE branches SET code = 'c%d' WHERE id = %d AND NOT EXISTS (SELECT FROM branches WHERE code = 'c%[1]d')", a%5, b%5)
	case 19: // a code that is handed on
		return fmt.Sprintf("UPDATE branches SET code = 'x' WHERE id = %d; UPDATE branches SET code = 'c%d' WHERE id = %[3]d AND NOT EXISTS (SELECT FROM branches WHERE code = 'c%[2]d'); UPDATE branches SET code = NULL WHERE code = 'x'", a%5, b%5, (a+1)%5)
	case 20:
		return fmt.Sprintf("%s WHERE id = %d", w.one("DELETE FROM items", "UPDATE items SET quantity = quantity + 1", "UPDATE items SET batch = NULL", "UPDATE items SET batch = batch + 1"), a)
	}
	return w.one(fmt.Sprintf("INSERT INTO entries VALUES (%d, %d, %d) ON CONFLICT (id) DO NOTHING", a, b, a), fmt.Sprintf("UPDATE entries SET batch = %d WHERE id = %d", a, b), fmt.Sprintf("DELETE FROM entries WHERE id = %d", a))
}
