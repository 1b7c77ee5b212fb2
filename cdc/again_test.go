package cdc

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// poke changes rows of partitions that come and go, as an app would that does not know of it.
func poke(conn *pgx.Conn, random *rand.Rand, newest int) {
	id := 5000 + 10*random.IntN(newest+1) + random.IntN(10)
	sql := []string{
		"UPDATE lots SET packs = packs + 1 WHERE id = %d",
		"UPDATE lots SET packs = packs + 1 WHERE id BETWEEN %d AND %[1]d + 5",
		"UPDATE lots SET note = 'long ' || repeat(md5(random()::text), 200) WHERE id = %d",
		"UPDATE lots SET note = NULL, size = 3 WHERE id = %d",
		"UPDATE lots SET tenant = 't1' WHERE id = %d",
		"UPDATE lots SET tenant = 't2', packs = 0 WHERE id = %d",
		"UPDATE lots SET id = id + 100000 WHERE id = %d",
		"UPDATE lots SET id = id - 100000 WHERE id = %d + 100000",
		"DELETE FROM lots WHERE id = %d",
	}[random.IntN(9)]
	_, _ = conn.PgConn().Exec(context.Background(), fmt.Sprintf(sql, id)).ReadAll() // it may give way to the others
}

// TestTablesThatAreReadAgainUnderWritersAgreeWithTheStream lets partitions come and go while the app goes on, and holds every
// change against what was told before it.
func TestTablesThatAreReadAgainUnderWritersAgreeWithTheStream(t *testing.T) {
	t.Parallel()
	o := &oracle{shop: open(t, oracleSchema, oracleMapping), told: ledger{}}
	for i := range 3 {
		o.writers = append(o.writers, newWriter(t, o.dsn, i))
	}
	o.writers[0].work(1, 20)
	o.boot()
	o.settle()
	o.sink.change(func() { o.sink.told = nil })
	o.read, o.told = 0, o.kept().withoutLines()

	rounds := 6
	if *long {
		rounds = 40
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var working sync.WaitGroup
	for i, w := range o.writers {
		pokes := session(t, o.dsn)
		run(t, pokes, "SET lock_timeout = '500ms'")
		working.Go(func() { // ends with cancel
			random := rand.New(rand.NewPCG(uint64(i), 3))
			for seed := uint64(0); ctx.Err() == nil; seed++ {
				w.work(seed, 1)
				poke(pokes, random, rounds)
			}
		})
	}
	conn := session(t, o.dsn)
	for n := range rounds {
		insist(t, conn, fmt.Sprintf("CREATE TABLE lots_r%d (LIKE lots INCLUDING ALL)", n),
			fmt.Sprintf("INSERT INTO lots_r%d (id, tenant, packs, size, note) SELECT i, 'r%[1]d', 1, 2, repeat(md5(i::text), 200) FROM generate_series(%d, %[2]d + 9) AS i", n, 5000+10*n),
			fmt.Sprintf("ALTER TABLE lots_r%d ALTER note SET STORAGE EXTERNAL", n),
			fmt.Sprintf("ALTER TABLE lots ATTACH PARTITION lots_r%d FOR VALUES IN ('r%[1]d')", n))
		o.looked()
		insist(t, conn, strings.ReplaceAll([]string{
			"TRUNCATE lots_r%d", "ALTER TABLE lots DETACH PARTITION lots_r%d", "VACUUM FULL lots_r%d", "DROP TABLE lots_r%d",
			"ALTER TABLE lots ALTER packs TYPE bigint; ALTER TABLE lots ALTER packs TYPE int; SELECT %d", "TRUNCATE lots_r%d, lots_1",
		}[n%6], "%d", fmt.Sprint(n)))
		o.looked()
	}
	cancel()
	working.Wait()
	o.quiet()
	var news []*seen
	o.sink.change(func() { news = o.sink.told })
	changes := 0
	for _, tx := range news {
		if len(tx.Messages) > 0 && tx.Messages[0].Op == rereadOp {
			changes += len(tx.Changes)
		}
	}
	t.Logf("%d transactions, tables read again %d times, with %d changes", len(news), o.readAgain(), changes)
	want := o.tables(o.dsn)
	o.fold(news)
	o.equal("the images", o.kept(), want)
	o.equal("the changes told", maps.Clone(o.told), want.withoutLines())
	o.sameBoot()
}
