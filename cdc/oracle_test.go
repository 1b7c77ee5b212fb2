package cdc

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

var (
	oracleSeed = flag.Uint64("oracle.seed", 0, "seed of the first workload of the oracle; 0: a new one")
	oracleN    = flag.Int("oracle.n", 200, "workloads of the oracle, each with the seed behind the one before")
)

const oracleSchema = `
CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text, level numeric, rx bool, leaflet text);
CREATE TABLE sales (id text PRIMARY KEY, tenant text, branch text, total numeric(10, 2), note text);
CREATE TABLE sale_items (id int NOT NULL, sale text, medicine int, quantity int);
CREATE UNIQUE INDEX sale_items_id ON sale_items (id);
CREATE TABLE moves (id int NOT NULL, tenant text, medicine int, quantity int);
CREATE TABLE lots (id int, tenant text, medicine int, expires date, packs int, size int, note text, PRIMARY KEY (id, tenant)) PARTITION BY LIST (tenant);
CREATE TABLE lots_1 PARTITION OF lots FOR VALUES IN ('t1');
CREATE TABLE lots_2 (note text, size int, packs int, tenant text, id int, expires date, medicine int, PRIMARY KEY (id, tenant));
ALTER TABLE lots ATTACH PARTITION lots_2 FOR VALUES IN ('t2');
CREATE TABLE lots_else PARTITION OF lots DEFAULT;
ALTER TABLE medicines ALTER leaflet SET STORAGE EXTERNAL;
ALTER TABLE sales ALTER note SET STORAGE EXTERNAL;
ALTER TABLE lots_1 ALTER note SET STORAGE EXTERNAL;
ALTER TABLE lots_2 ALTER note SET STORAGE EXTERNAL;
ALTER TABLE sales REPLICA IDENTITY FULL;
ALTER TABLE moves REPLICA IDENTITY FULL;
ALTER TABLE lots_else REPLICA IDENTITY FULL;
ALTER TABLE sale_items REPLICA IDENTITY USING INDEX sale_items_id;
CREATE TABLE marks (n serial PRIMARY KEY);`

const oracleMapping = `
medicine: {table: medicines, key: id, tenant: tenant, fields: {name: name, reorder_level: level, requires_prescription: rx}, extra: {leaflet: leaflet}}
lot: {table: lots, key: id, tenant: tenant, fields: {medicine: medicine, expires: expires, on_hand: {column: packs, times: size}}, extra: {note: note}}
sale: {table: sales, key: id, tenant: tenant, branch: branch, fields: {total: total}, extra: {note: note}}
sale_line: {table: sale_items, key: id, parent: sale, fields: {medicine: medicine, quantity: quantity}}
movement: {table: moves, key: id, tenant: tenant, fields: {medicine: medicine, quantity: quantity}}`

// oracle is a shop whose tables PostgreSQL itself replicates too.
type oracle struct {
	*shop
	subscriber string
	writers    []*writer
	random     *rand.Rand
	fuse       atomic.Int64 // rows until the sink dies; 0: it lives
	told       ledger       // what the changes say, one after the other
	newest     uint64       // LSN of the last transaction told
	deaths     int
	cuts       int
	seen       int // transactions
}

// TestTheStreamFoldsToWhatPostgresReplicatesItself runs random workloads, and asks after each of them whether four agree: the
// app's tables, a native subscription to them, the images that we keep, and the changes that we told.
func TestTheStreamFoldsToWhatPostgresReplicatesItself(t *testing.T) {
	t.Parallel()
	seed, n := *oracleSeed, *oracleN
	if seed == 0 {
		seed = uint64(time.Now().UnixNano() / 1000 % 1e12)
	}
	if testing.Short() {
		n = min(n, 20)
	}
	t.Logf("-oracle.seed=%d -oracle.n=%d", seed, n)
	o := openOracle(t)
	for i := range uint64(n) {
		if o.workload(seed + i); t.Failed() {
			t.Fatalf("workload %d: replay it with -oracle.seed=%d -oracle.n=%d, or alone with -oracle.seed=%d -oracle.n=1", i, seed, i+1, seed+i)
		}
	}
	failed := 0
	for _, w := range o.writers {
		failed += w.failed
	}
	t.Logf("%d transactions, %d more gave way to others; %d parts; the sink died %d times, its power was cut %d times, the line broke %d times", o.seen, failed, o.sink.look().parted, o.deaths, o.cuts, len(o.sink.look().lost))
}

func openOracle(t *testing.T) *oracle {
	t.Helper()
	server := pgtest.Server(t, map[string]string{
		"logical_decoding_work_mem": "64kB", "deadlock_timeout": "20ms",
		"synchronous_standby_names": "oracle", "synchronous_commit": "local", // only a mark waits for the subscription
	})
	o := &oracle{shop: openAt(t, server.DSN(""), oracleSchema, oracleMapping), subscriber: server.DSN("subscriber"), told: ledger{}}
	o.exec("CREATE DATABASE subscriber", "CREATE PUBLICATION oracle FOR TABLE medicines, sales, sale_items, moves, lots, marks",
		"SELECT pg_create_logical_replication_slot('oracle', 'pgoutput')")
	pgtest.Exec(t, o.subscriber, oracleSchema)
	// streaming = on makes the apply worker of 18.4 crash every few hundred transactions of this workload, and its server with it.
	pgtest.Exec(t, o.subscriber, "CREATE SUBSCRIPTION oracle CONNECTION '"+o.dsn+"' PUBLICATION oracle WITH (create_slot = false, slot_name = 'oracle', copy_data = false, streaming = off)")
	for i := range 3 {
		o.writers = append(o.writers, newWriter(t, o.dsn, i))
	}
	o.sink.reads(func() error {
		if o.fuse.Load() > 0 && o.fuse.Add(-1) == 0 {
			return errStop
		}
		return nil
	})
	o.writers[0].work(1, 20)
	o.boot()
	o.sink.change(func() { o.sink.told = nil })
	o.told = o.kept().withoutLines()
	return o
}

// workload lets the writers work, with some mishap on our side, and compares.
func (o *oracle) workload(seed uint64) {
	o.t.Helper()
	o.random = rand.New(rand.NewPCG(seed, 1000))
	o.cfg.spill = []int{0, 1, 3, 20}[seed%4] // from the next reader on
	before, told := o.sink.look(), maps.Clone(o.told)
	mishap := o.random.IntN(8)
	switch mishap {
	case 0: // in the middle of a transaction
		o.fuse.Store(1 + o.random.Int64N(60))
	case 1:
		must(o.t, o.stop())
	}
	var working sync.WaitGroup
	for _, w := range o.writers {
		working.Go(func() { w.work(seed, 2+int(seed%4)) })
	}
	if mishap == 2 {
		o.breakLine()
	}
	working.Wait()
	if mishap == 1 {
		o.resume()
	}
	news := o.caughtUp()
	o.compare(news)
	if mishap == 3 {
		o.cut(before, told, news)
	}
	o.reader.Confirm(before.kept.Position) // a power cut takes no more than one workload
}

// caughtUp waits until everything committed so far was handed on, to us and to the subscription, and gives what we were told.
func (o *oracle) caughtUp() []*seen {
	o.t.Helper()
	o.exec("SET synchronous_commit = remote_apply; INSERT INTO marks DEFAULT VALUES")
	id := o.canary()
	o.sink.await(patience, func(m *memory) bool { return m.over != "" || m.canaries[id] })
	if o.fuse.Store(0); o.sink.look().over != "" {
		o.dies()
		o.deaths++
		o.resume()
	}
	o.until("the canary", func(m *memory) bool { return m.canaries[id] })
	var news []*seen
	o.sink.change(func() { news, o.sink.told = o.sink.told, nil }) // they would fill the memory
	o.seen += len(news)
	return slices.DeleteFunc(news, (*seen).heldTrue)
}

// cut takes our power away: what was told since before is forgotten, and told again under the same names.
func (o *oracle) cut(before *memory, told ledger, news []*seen) {
	o.t.Helper()
	o.cuts++
	must(o.t, o.stop())
	o.sink.change(func() { o.sink.images, o.sink.kept, o.sink.told = before.images, before.kept, nil })
	o.told, o.newest = told, before.kept.Position
	o.resume()
	again := o.caughtUp()
	o.compare(again)
	for i, tx := range news {
		if i >= len(again) || again[i].LSN != tx.LSN || again[i].XID != tx.XID || again[i].String() != tx.String() {
			o.t.Fatalf("after a power cut transaction %d is told otherwise: first\n%v\nthen\n%v", tx.XID, tx, again[i:min(i+1, len(again))])
		}
	}
}

// compare asks the four for the contents of the tables.
func (o *oracle) compare(news []*seen) {
	o.t.Helper()
	want := o.tables(o.dsn)
	o.fold(news)
	o.equal("the native subscription", o.tables(o.subscriber), want)
	o.equal("the images", o.kept(), want)
	o.equal("the changes told", o.told, want.withoutLines())
}

// equal fails with the first row that differs.
func (o *oracle) equal(what string, got, want ledger) {
	o.t.Helper()
	ids := slices.Sorted(maps.Keys(want))
	for id := range got {
		if _, ok := want[id]; !ok {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		g, there := got[id]
		w, wanted := want[id]
		if g != w || there != wanted {
			o.t.Errorf("%s differs from the app's tables at %s:\n%.200q (%d bytes, there: %v)\nwant\n%.200q (%d bytes, there: %v)", what, id, g, len(g), there, w, len(w), wanted)
			return
		}
	}
}

// fold enters what was told into the ledger, and holds each change against what was there.
func (o *oracle) fold(news []*seen) {
	o.t.Helper()
	for _, tx := range news {
		if tx.LSN <= o.newest {
			o.t.Fatalf("transaction %d at %X is told after %X", tx.XID, tx.LSN, o.newest)
		}
		o.newest = tx.LSN
		for i := range tx.Changes {
			if c := &tx.Changes[i]; c.Record().Kind() != rxvigil.KindSaleLine {
				o.enter(tx, c)
			}
		}
		for _, f := range tx.Faults {
			if f.Reason != "no_parent" {
				o.t.Fatalf("transaction %d has a fault: %+v", tx.XID, f)
			}
		}
	}
}

func (o *oracle) enter(tx *seen, c *rxvigil.Change) {
	o.t.Helper()
	id := c.Record().Kind().String() + " " + c.Record().ID
	was, there := o.told[id]
	if there != (c.Before != nil) || there && was != entry(c.Before) {
		o.t.Fatalf("transaction %d changes %s, from\n%.200v\nwhich was (there: %v)\n%.200q", tx.XID, id, c.Before, there, was)
	}
	delete(o.told, id)
	if c.After != nil {
		o.told[id] = entry(c.After)
	}
}
