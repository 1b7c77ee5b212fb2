package cdc

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestAPartitionIsKnownAlsoBeforeOthersSeeIt(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{"synchronous_standby_names": "nobody", "synchronous_commit": "local"})
	s := openAt(t, server.DSN(""), partitioned, partitionedMapping)
	s.boot()
	app := session(t, s.dsn)
	done := make(chan error, 1)
	go func() { // ends when its commit no longer waits
		_, err := app.PgConn().Exec(context.Background(), `SET synchronous_commit = on; BEGIN;
			CREATE TABLE lots_4 PARTITION OF lots FOR VALUES IN ('t4'); INSERT INTO lots VALUES (4, 't4', 7, 1); COMMIT`).ReadAll()
		done <- err
	}()
	waits := fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %d AND wait_event = 'SyncRep')", app.PgConn().PID())
	pgtest.Await(t, s.dsn, waits)
	pgtest.Await(t, s.dsn, s.walsender("r.sent_lsn >= pg_current_wal_flush_lsn()")) // it has been told to us
	pgtest.Exec(t, s.dsn, fmt.Sprintf("SELECT pg_cancel_backend(%d)", app.PgConn().PID()))
	must(t, <-done)
	want(t, "a new partition", all(s.settle()), "+ lot 4 [t/t4] on_hand=1 note=null")
}

func TestAStreamIsWaitedForOnlyWhenNothingIsWorkedOn(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	s.boot()
	s.settle()
	working, goOn := make(chan bool), make(chan struct{})
	var first sync.Once
	s.sink.commits(func(*Transaction) error {
		first.Do(func() {
			_, waiting := s.reader.Progress()
			working <- waiting
			<-goOn
		})
		return nil
	})
	s.exec("UPDATE lots SET packs = 3")
	if <-working {
		t.Error("the stream seems to stand while a transaction is worked on")
	}
	close(goOn)
	s.settle()
	s.same()
}
