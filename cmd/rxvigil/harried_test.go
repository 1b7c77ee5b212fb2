package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

// Two engines read the same WAL: one in peace, one that is killed again and again. With several writers at once nobody knows
// the order of commits beforehand, so the one is measured by the other.

// killsVar is how often the engine is killed; the default is for every day.
const killsVar = "RXVIGIL_TEST_KILLS"

// clerk does to the pharmacy's tables what its app does not: keys that change, savepoints, whole shelves at once, commits that
// nobody waits for.
type clerk struct {
	conn  *pgx.Conn
	rng   *rand.Rand
	lots  []int // ids of our own
	fresh int
	done  int
}

// step does one transaction.
func (c *clerk) step(ctx context.Context) error {
	mode := "SET LOCAL lock_timeout = '1s';"
	if c.rng.IntN(3) == 0 {
		mode += "SET LOCAL synchronous_commit = off;"
	}
	lots := append([]int(nil), c.lots...)
	sql := c.task()
	_, err := c.conn.PgConn().Exec(ctx, "BEGIN;"+mode+sql+"COMMIT").ReadAll()
	if err == nil {
		c.done++
		return nil
	}
	c.lots = lots // a deadlock, or a lock not got in time
	_, rollback := c.conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll()
	return rollback
}

func (c *clerk) task() string {
	c.fresh++
	id := 1_000_000 + c.fresh
	if len(c.lots) < 5 {
		return c.arrive(id)
	}
	at := c.rng.IntN(len(c.lots))
	lot := c.lots[at]
	switch c.rng.IntN(9) {
	case 0:
		return c.arrive(id)
	case 1:
		c.lots = append(c.lots[:at], c.lots[at+1:]...)
		return fmt.Sprintf("DELETE FROM inventory WHERE id = %d;", lot)
	case 2: // another key
		c.lots[at] = id
		return fmt.Sprintf("UPDATE inventory SET id = %d WHERE id = %d;", id, lot)
	case 3: // a medicine's own key changes twice, while nothing stands on it
		return fmt.Sprintf(`INSERT INTO products (id, tenant_id, name, category, unit_cost, selling_price, reorder_level, max_level)
			VALUES (%[1]d, 1, 'Passing %[1]d', 'other', 1, 2, 5, 50); UPDATE products SET id = %[1]d + 5000000 WHERE id = %[1]d;
			UPDATE products SET name = 'Passed %[1]d' WHERE id = %[1]d + 5000000;`, id)
	case 4:
		return fmt.Sprintf(`UPDATE inventory SET quantity_on_hand = 3 WHERE id = %[1]d; SAVEPOINT s; DELETE FROM inventory WHERE id = %[1]d;
			ROLLBACK TO s; UPDATE inventory SET quantity_reserved = 1 WHERE id = %[1]d;`, lot)
	case 5: // a shelf at once
		return fmt.Sprintf("UPDATE inventory SET quantity_on_hand = (quantity_on_hand + 37) %% 120 WHERE branch_id = 11 AND id %% 5 = %d;", c.rng.IntN(5))
	case 6:
		return fmt.Sprintf(`WITH s AS (INSERT INTO sales (tenant_id, branch_id, status, total_amount) VALUES (1, 11, 'open', %[1]d) RETURNING id)
			INSERT INTO sale_items (sale_id, product_id, inventory_id, quantity, unit_price) SELECT s.id, 1001, %[1]d, n, 2.50 FROM s, generate_series(1, 3) AS n;
			UPDATE sales SET status = 'completed' WHERE total_amount = %[1]d AND status = 'open';`, lot)
	case 7:
		return fmt.Sprintf("UPDATE inventory SET branch_id = CASE branch_id WHEN 11 THEN 12 ELSE 11 END, expiry_date = current_date + %d WHERE id = %d;", c.rng.IntN(90)-20, lot)
	}
	return fmt.Sprintf("UPDATE inventory SET quantity_on_hand = %d WHERE id = %d;", c.rng.IntN(60)-3, lot)
}

func (c *clerk) arrive(id int) string {
	c.lots = append(c.lots, id)
	return fmt.Sprintf(`INSERT INTO inventory (id, tenant_id, branch_id, product_id, batch_number, expiry_date, quantity_on_hand)
		VALUES (%d, 1, %d, %d, 'C-%d', current_date + %d, %d);`, id, 11+c.rng.IntN(2), 1001+c.rng.IntN(10), id, c.rng.IntN(120)-10, c.rng.IntN(90))
}

// crowd is three writers at once, until stopped.
func crowd(t *testing.T, dsn string, seed uint64) (stop func() (clerked int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &clerk{conn: session(t, dsn), rng: rand.New(rand.NewPCG(seed, 3))}
	var all sync.WaitGroup
	for n := range uint64(2) {
		app := pharmacy.App{Seed: seed + n}
		all.Go(func() { // ends with ctx
			if err := app.Run(ctx, dsn, 25); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() { // ends with ctx
		pace := time.NewTicker(25 * time.Millisecond)
		defer pace.Stop()
		for ctx.Err() == nil {
			if err := c.step(context.Background()); err != nil {
				t.Error(err)
				return
			}
			<-pace.C
		}
	})
	return func() int { cancel(); all.Wait(); return c.done }
}

// besides is a second service on the same tables, in peace: with a slot, a publication, a disk and a database for its alerts of
// its own. It has the first one's key, so that it reads the same messages.
func (s *service) besides(dsn string) *service {
	s.t.Helper()
	other := newService(s.t, dsn, demoMapping)
	alerts := pgtest.Database(s.t)
	other.configure("publication: rxv_besides")
	text, err := os.ReadFile(other.config)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(other.config, append(fmt.Appendf(nil, "state: {dsn: %q}\n", alerts), text...), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if code, said := command(s.t, "migrate", "up", "--config", other.config); code != 0 {
		s.t.Fatal(said)
	}
	key := pgtest.Ask(s.t, dsn, "SELECT format('UPDATE rxvigil.install SET ipad = %L, opad = %L', ipad, opad) FROM rxvigil.install")
	pgtest.Exec(s.t, alerts, key)
	other.alerts = alerts
	return other
}

// comparable is an event as any engine on the same WAL must tell it: without the epoch, which says when an engine began, and
// without the beginnings of alerts that an engine found when it began.
func comparable(t *testing.T, e envelope) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(e.raw), &all); err != nil {
		t.Fatal(err)
	}
	_, all["id"], _ = strings.Cut(e.ID, ".")
	if data, ok := all["data"].(map[string]any); ok && strings.HasPrefix(e.Type, "alert_") {
		delete(data, "started_at")
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestKilledAgainAndAgainItTellsWhatAnEngineInPeaceTells(t *testing.T) {
	t.Parallel()
	kills := 30
	if testing.Short() {
		kills = 10
	}
	if n, err := strconv.Atoi(os.Getenv(killsVar)); err == nil {
		kills = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, kills)
	dsn, harried := openPharmacy(t)
	harried.start()
	harried.ready()
	calm := harried.besides(dsn)
	calm.start()
	calm.ready()

	tenants := []string{"1", "2"}
	views := map[*service][]*viewer{}
	for _, s := range []*service{calm, harried} {
		for _, tenant := range tenants {
			v := watch(t, s, "sse", tenant)
			v.connected(t)
			views[s] = append(views[s], v)
		}
	}
	mark := func(name string) map[*viewer]int {
		at := map[*viewer]int{}
		for i, tenant := range tenants {
			pgtest.Exec(t, dsn, fmt.Sprintf("SELECT rxvigil.notify('%s', '%s', '{}')", tenant, name))
			for _, s := range []*service{calm, harried} {
				at[views[s][i]] = views[s][i].until(t, 0, name, func(e envelope) bool { return e.Type == name })
			}
		}
		return at
	}

	from := mark("the_beginning")
	stop := crowd(t, dsn, seed)
	killer := rand.New(rand.NewPCG(seed, 1))
	began := time.Now()
	for range kills {
		timer := time.NewTimer(time.Duration(killer.IntN(1500)) * time.Millisecond)
		<-timer.C
		harried.kill()
		harried.start()
	}
	clerked := stop()
	to := mark("the_end")

	told := 0
	for i, tenant := range tenants {
		v, w := views[calm][i], views[harried][i]
		want, got := v.seen(from[v], to[v]+1), w.seen(from[w], to[w]+1)
		told += len(got)
		if err := ordered(got); err != nil {
			t.Errorf("tenant %s: %v", tenant, err)
		}
		if _, resyncs := w.heard(); len(resyncs) > 0 {
			t.Errorf("tenant %s was told to resync: %v", tenant, resyncs)
		}
		var wanted, gotten []string
		for _, e := range want {
			wanted = append(wanted, comparable(t, e))
		}
		for _, e := range got {
			gotten = append(gotten, comparable(t, e))
		}
		if diff := cmp.Diff(wanted, gotten); diff != "" {
			t.Errorf("tenant %s, %d events (-in peace +killed):\n%s", tenant, len(want), tailOf(diff, 6000))
		}
	}
	if diff := cmp.Diff(alertTable(t, calm.alerts), alertTable(t, dsn)); diff != "" {
		t.Errorf("alert table (-in peace +killed):\n%s", tailOf(diff, 6000))
	}
	alerts := len(alertTable(t, dsn))
	t.Logf("%d kills in %v: %d events of %d odd transactions and two apps, %d alerts",
		kills, time.Since(began).Round(time.Second), told, clerked, alerts)
	if told < 10*kills || alerts == 0 || clerked < kills {
		t.Errorf("the writers did too little: %d events, %d alerts, %d odd transactions", told, alerts, clerked)
	}
}
