package cdc

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// queue watches, from a session of its own, who waits behind a session of ours, and for how long at most.
type queue struct {
	mu      sync.Mutex
	since   map[[2]int32]time.Time
	longest time.Duration
	seen    int
}

const behindUsSQL = `
SELECT l.pid, ours.pid FROM (SELECT DISTINCT pid FROM pg_locks WHERE NOT granted) AS l
JOIN pg_stat_activity theirs ON theirs.pid = l.pid AND theirs.application_name <> 'rxvigil'
JOIN pg_stat_activity ours ON ours.application_name = 'rxvigil' AND ours.pid = ANY (pg_blocking_pids(l.pid))
WHERE theirs.datname = current_database()`

func (s *shop) watchQueue() (q *queue, stop func()) {
	s.t.Helper()
	q = &queue{since: map[[2]int32]time.Time{}}
	conn := session(s.t, s.dsn)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { // ends with stop
		for ctx.Err() == nil {
			if err := q.look(ctx, conn); err != nil && ctx.Err() == nil {
				s.t.Error(err)
				return
			}
		}
	})
	return q, func() { cancel(); done.Wait() }
}

func (q *queue) look(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, behindUsSQL)
	if err != nil {
		return err
	}
	now, waiting := time.Now(), map[[2]int32]time.Time{}
	var theirs, ours int32
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err = pgx.ForEachRow(rows, []any{&theirs, &ours}, func() error {
		key := [2]int32{theirs, ours}
		since, known := q.since[key]
		if !known {
			since = now
			q.seen++
		}
		waiting[key], q.longest = since, max(q.longest, now.Sub(since))
		return nil
	})
	q.since = waiting
	return err
}

// apart is one session of the app that does one thing again and again, which may wait for locks; the end waits for it.
func (s *shop) apart(sql string) (stop func()) {
	s.t.Helper()
	conn := session(s.t, s.dsn)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { // ends with stop
		for ctx.Err() == nil {
			if _, err := conn.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
				s.t.Error(err)
				return
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

func TestABootUnderAnOpenALTERHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	alter := session(t, s.dsn)
	run(t, alter, "BEGIN; ALTER TABLE lots ADD colour text")
	q, stop := s.watchQueue()
	behind := make(chan error, 1)
	reader := session(t, s.dsn)
	go func() { // waits for the ALTER, and for nobody else
		_, err := reader.Exec(context.Background(), "SELECT count(*) FROM lots")
		behind <- err
	}()
	others := []func(){s.apart("UPDATE medicines SET level = level + 1"), s.apart("ALTER TABLE tenants SET (fillfactor = 90)"), s.apart("VACUUM medicines")}
	s.start()
	s.until("three tries to publish", func(m *memory) bool { return len(m.lost) >= 3 })
	run(t, alter, "COMMIT")
	must(t, <-behind)
	for _, stop := range others[1:] { // a table that is altered all the time would never be read
		stop()
	}
	s.until("the boot", func(m *memory) bool { return m.booted == 1 })
	others[0]()
	stop()
	s.settle()
	s.same()
	if !s.says("source_lost", "lock timeout") {
		t.Errorf("it said\n%s", s.said)
	}
	t.Logf("somebody waited behind us %d times, for at most %s", q.seen, q.longest.Round(time.Millisecond))
	if q.seen == 0 || q.longest > 1500*time.Millisecond {
		t.Errorf("somebody waited behind us %d times, for up to %s", q.seen, q.longest)
	}
}

func TestACopyThatIsInTheWayIsGoneWithinASecond(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	q, stop := s.watchQueue()
	altered := make(chan error, 1)
	alter := s.app("ALTER TABLE medicines ADD colour text")
	pictures := 0
	s.sink.onPicture = func() error {
		if pictures++; pictures != 2 { // of the medicines: our lock is held while the sink is busy
			return nil
		}
		go func() { altered <- alter() }() // ends with the ALTER
		select {
		case err := <-altered:
			return err
		case <-time.After(patience):
			return errors.New("the ALTER waits behind our lock")
		}
	}
	s.boot()
	s.same()
	stop()
	if !s.says("source_lost", errBlocking.Error()) {
		t.Errorf("it said\n%s", s.said)
	}
	t.Logf("an ALTER waited for our copy for %s", q.longest.Round(time.Millisecond))
	if q.seen == 0 || q.longest > 1500*time.Millisecond {
		t.Errorf("somebody waited behind us %d times, for up to %s", q.seen, q.longest)
	}
	pgtest.Await(t, s.dsn, "SELECT count(*) = 0 FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
}
