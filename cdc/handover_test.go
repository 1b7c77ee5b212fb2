package cdc

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// onTheShelves reads the lots as the app has them: id → packs × size.
func (s *shop) onTheShelves() map[string]string {
	s.t.Helper()
	rows, err := session(s.t, s.dsn).Query(s.t.Context(), "SELECT id::text, (packs * size)::text FROM lots WHERE kind = 'stock'")
	must(s.t, err)
	shelves := map[string]string{}
	var id, quantity string
	_, err = pgx.ForEachRow(rows, []any{&id, &quantity}, func() error { shelves[id] = quantity; return nil })
	must(s.t, err)
	return shelves
}

// inMemory reads the lots as the folded images have them.
func (s *shop) inMemory() map[string]string {
	s.t.Helper()
	resolved, _, err := Resolve(s.t.Context(), session(s.t, s.dsn), s.cfg.Mapping)
	must(s.t, err)
	m := &Memory{resolved}
	prefix := string(m.Prefixes(rxvigil.KindLot)[0])
	memory := map[string]string{}
	for key, image := range s.sink.look().images {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			continue
		}
		r, err := m.Record(nil, []byte(key), image)
		must(s.t, err)
		memory[r.ID] = r.Text(rxvigil.LotOnHand)
	}
	return memory
}

// same fails unless the images equal the table.
func (s *shop) same() {
	s.t.Helper()
	got, want := s.inMemory(), s.onTheShelves()
	if !maps.Equal(got, want) {
		s.t.Fatalf("images (-) against table (+):\n%s", cmp.Diff(got, want))
	}
}

// writers keep the shop busy until stopped. Whoever holds door alone finds all of them between two transactions.
type writers struct {
	door sync.RWMutex
	stop context.CancelFunc
	done sync.WaitGroup
}

func (s *shop) busy(n int) *writers {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{stop: cancel}
	for i := range n {
		conn := session(s.t, s.dsn)
		w.done.Go(func() { // ends with stop
			random := rand.New(rand.NewPCG(uint64(i), 7))
			for ctx.Err() == nil {
				w.door.RLock()
				err := trade(conn, random)
				w.door.RUnlock()
				if err != nil && conn.IsClosed() {
					s.t.Error(err)
					return
				}
			}
		})
	}
	s.t.Cleanup(func() { cancel(); w.done.Wait() })
	return w
}

// trade is one transaction of the app: a few changes, some in savepoints, some undone, in any mode of commit.
func trade(conn *pgx.Conn, random *rand.Rand) error {
	var sql strings.Builder
	sql.WriteString("BEGIN; SET LOCAL lock_timeout = '200ms';")
	if random.IntN(2) == 0 {
		sql.WriteString("SET LOCAL synchronous_commit = off;")
	}
	for n := range 1 + random.IntN(4) {
		id := random.IntN(200)
		change := fmt.Sprintf("UPDATE lots SET packs = packs + 1 WHERE id = %d;", id)
		switch random.IntN(5) {
		case 0:
			change = fmt.Sprintf("INSERT INTO lots VALUES (%d, 't1', 'b1', 1, NULL, %d) ON CONFLICT (id) DO UPDATE SET packs = 0;", id, random.IntN(9))
		case 1:
			change = fmt.Sprintf("DELETE FROM lots WHERE id = %d;", id)
		}
		if random.IntN(3) == 0 {
			end := "RELEASE"
			if random.IntN(2) == 0 {
				end = "ROLLBACK TO"
			}
			change = fmt.Sprintf("SAVEPOINT p%d; %s %s p%d;", n, change, end, n)
		}
		sql.WriteString(change)
	}
	end := "COMMIT"
	if random.IntN(5) == 0 {
		end = "ROLLBACK"
	}
	_, err := conn.PgConn().Exec(context.Background(), sql.String()+end).ReadAll()
	if err != nil { // a deadlock, or a lock not got in time
		_, _ = conn.PgConn().Exec(context.Background(), "ROLLBACK").ReadAll()
	}
	return err
}

func TestTheHandOverIsExactUnderConcurrentWriters(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+"INSERT INTO lots SELECT i, 't1', 'b1', 1, NULL, 5 FROM generate_series(0, 150) AS i", shopMapping)
	w := s.busy(6)
	rounds, folded := 20, 0
	if testing.Short() {
		rounds = 4
	}
	for range rounds {
		s.sink, s.read = newMemory(), 0
		s.boot()
		w.door.Lock()
		s.settle()
		s.same()
		w.door.Unlock()
		folded += s.sink.look().folded
		must(t, s.stop())
	}
	t.Logf("%d transactions were folded into %d pictures", folded, rounds)
}

func TestATransactionOlderThanThePublicationIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	old := session(t, s.dsn)
	run(t, old, "BEGIN; INSERT INTO lots VALUES (77, 't1', 'b1', 1, NULL, 7)")
	s.start()
	s.until("its blocker's name", func(*memory) bool {
		return false || s.says("slot_creation_waits", fmt.Sprintf("pid %d", old.PgConn().PID()))
	})
	run(t, old, "INSERT INTO lots VALUES (78, 't1', 'b1', 1, NULL, 8); COMMIT")
	s.until("the boot", func(m *memory) bool { return m.booted == 1 })
	s.settle()
	s.same()
}

func TestATableAddedUnderAnOldTransactionIsWhole(t *testing.T) {
	t.Parallel()
	small := `{medicine: {table: medicines, key: id, tenant: tenant}, lot: {table: lots, key: id, tenant: tenant, where: {column: kind, in: [none]}}}`
	s := open(t, shopSchema+stocked, small)
	s.boot()
	must(t, s.stop())
	old := session(t, s.dsn)
	run(t, old, "BEGIN; INSERT INTO moves VALUES (1, 't1', 1, 5, 'in')")
	s.cfg.Mapping = parseMapping(t, shopMapping)
	s.start()
	s.until("its blocker's name", func(*memory) bool {
		return s.says("snapshot_waits_for_transactions", fmt.Sprintf("pid %d", old.PgConn().PID()))
	})
	run(t, old, "INSERT INTO moves VALUES (2, 't1', 1, 5, 'in'); COMMIT")
	s.until("the boot", func(m *memory) bool { return m.booted == 2 })
	moves := 0
	for key := range s.sink.look().images {
		if key[0] == 'i' && (key[3:] == "1" || key[3:] == "2") && key[2] == 5 {
			moves++
		}
	}
	if moves != 2 {
		t.Errorf("%d of 2 movements are remembered", moves)
	}
}

// says tells whether the reader's log has a line with these words.
func (s *shop) says(words ...string) bool { return saysLine(s.said.String(), words...) }
