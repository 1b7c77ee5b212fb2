package cdc

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

// walsender is a condition on pg_stat_replication for our session.
func (s *shop) walsender(condition string) string {
	return fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_stat_replication r JOIN pg_replication_slots ON active_pid = r.pid JOIN pg_stat_activity a ON a.pid = r.pid WHERE slot_name = '%s' AND %s)", s.cfg.Slot, condition)
}

// breakLine ends our walsender, if there is one.
func (s *shop) breakLine() {
	s.t.Helper()
	s.exec("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND slot_name = '" + s.cfg.Slot + "'")
}

func TestATransactionInProgressWhenTheLineBreaksIsToldOnce(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	held, free := make(chan struct{}), make(chan struct{})
	s.sink.commits(func(tx *Transaction) error { // the line is full of rows of the next transaction
		if len(tx.Changes) == 1 {
			close(held)
			<-free
		}
		return nil
	})
	s.exec("UPDATE lots SET packs = 7")
	<-held
	const n = 15_000
	s.exec(fmt.Sprintf("INSERT INTO medicines SELECT 100 + i, 't1', repeat('name', 250) FROM generate_series(1, %d) AS i", n))
	pgtest.Await(t, s.dsn, s.walsender("wait_event = 'WalSenderWriteData'")) // it can send no more
	s.breakLine()
	close(free)
	got := s.settle()
	if len(got) != 2 || len(got[1].Changes) != n {
		t.Fatalf("%d transactions", len(got))
	}
	if m := s.sink.look(); len(m.lost) == 0 || m.resumed == 0 || m.forgets != 1 {
		t.Errorf("lost %v, resumed %d times, booted %d times", m.lost, m.resumed, m.forgets)
	}
	s.same()
	s.rising()
}

// K8: whoever loses a row, or tells it twice, when its line is broken again and again, is not fit for a restless network.
func TestK8ALineThatBreaksAllTheTimeLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	breaks := 20
	if *long {
		breaks = 60
	}
	s := open(t, shopSchema+"INSERT INTO lots SELECT i, 't1', 'b1', 1, NULL, 5 FROM generate_series(0, 150) AS i", shopMapping)
	s.boot()
	s.exec("CREATE TABLE counter (n int)")
	w := s.busy(4)
	for n := 1; n <= breaks; n++ { // each break as soon as the stream goes on
		s.breakLine()
		s.until("the stream to go on", func(m *memory) bool { return m.resumed >= n })
	}
	w.door.Lock()
	defer w.door.Unlock()
	s.settle()
	s.same()
	s.rising()
	counts := map[uint64]bool{}
	for _, tx := range s.sink.look().told {
		if counts[tx.XID] {
			t.Errorf("transaction %d was told twice", tx.XID)
		}
		counts[tx.XID] = true
	}
	if m := s.sink.look(); m.forgets != 1 {
		t.Errorf("booted %d times", m.forgets)
	}
}

// K10: an engine that is blocked for longer than wal_sender_timeout keeps its connection.
func TestK10TheServerIsAnsweredWhileTheSinkIsBusy(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	held, free := make(chan struct{}), make(chan struct{})
	s.sink.commits(func(tx *Transaction) error {
		if len(tx.Changes) == 2 {
			close(held)
			<-free
		}
		return nil
	})
	pid := pgtest.Ask(t, s.dsn, "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '"+s.cfg.Slot+"'")
	s.exec("UPDATE medicines SET level = 7")
	<-held
	since := pgtest.Ask(t, s.dsn, "SELECT now()")
	s.exec("INSERT INTO medicines SELECT 100 + i, 't1', repeat('name', 250) FROM generate_series(1, 15000) AS i") // more than the pipe and the sockets hold
	pgtest.Await(t, s.dsn, s.walsender("reply_time > '"+since+"'::timestamptz + interval '12 seconds'"))          // four times wal_sender_timeout
	close(free)
	got := slices.DeleteFunc(s.settle(), func(tx *seen) bool { return len(tx.Changes) == 0 }) // 14 sends what the server's own work commits, too
	if len(got) != 2 || len(got[1].Changes) != 15_000 {
		t.Errorf("%d transactions", len(got))
	}
	if now := pgtest.Ask(t, s.dsn, "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '"+s.cfg.Slot+"'"); now != pid || len(s.sink.look().lost) > 0 {
		t.Errorf("walsender %s became %s; lost %v", pid, now, s.sink.look().lost)
	}
}

func TestAnIdleServerIsNotTakenForDead(t *testing.T) {
	t.Parallel()
	s := &shop{}
	server := pgtest.Server(t, map[string]string{"checkpoint_timeout": "1h"})
	s = openAt(t, server.DSN(""), shopSchema+stocked, shopMapping)
	s.boot()
	since := pgtest.Ask(t, s.dsn, "SELECT now()")
	pgtest.Await(t, s.dsn, s.walsender("reply_time > '"+since+"'::timestamptz + interval '13 seconds'"))
	if lost := s.sink.look().lost; len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
}

func TestAPlaceIsConfirmedOnceAndNeverBeyondOurs(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	place := s.retold("UPDATE lots SET packs = 7")[0].LSN
	slot := "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = '" + s.cfg.Slot + "'"
	pgtest.Await(t, s.dsn, s.walsender("flush_lsn IS NULL"))
	before := pgtest.Ask(t, s.dsn, slot)
	s.reader.Confirm(1 << 60)
	since := pgtest.Ask(t, s.dsn, "SELECT now()")
	pgtest.Await(t, s.dsn, s.walsender("reply_time > '"+since+"'::timestamptz + interval '2 seconds'"))
	if got := pgtest.Ask(t, s.dsn, slot); got != before {
		t.Errorf("confirmed %s, a place beyond the stream", got)
	}
	s.reader.Confirm(place)
	pgtest.Await(t, s.dsn, fmt.Sprintf("SELECT confirmed_flush_lsn = '%s' FROM pg_replication_slots WHERE slot_name = '%s'", rxvigil.FormatLSN(place), s.cfg.Slot))
	pgtest.Await(t, s.dsn, s.walsender("flush_lsn IS NULL")) // said once: a receiver that repeats it holds up a shutdown

	place = s.retold("UPDATE lots SET packs = 8")[0].LSN
	s.reader.Confirm(place)
	must(t, s.stop()) // the last word is said while leaving
	pgtest.Await(t, s.dsn, fmt.Sprintf("SELECT confirmed_flush_lsn = '%s' FROM pg_replication_slots WHERE slot_name = '%s'", rxvigil.FormatLSN(place), s.cfg.Slot))
	s.sink.kept.Confirmed = place
	s.resume()
}

func TestAFastShutdownIsNotHeldUpByABusySink(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, nil)
	s := openAt(t, server.DSN(""), shopSchema+stocked, shopMapping)
	s.boot()
	held, free := make(chan struct{}), make(chan struct{})
	s.sink.commits(func(tx *Transaction) error {
		if len(tx.Changes) == 2 {
			close(held)
			<-free
		}
		return nil
	})
	s.exec("UPDATE medicines SET level = 7")
	<-held
	s.exec("INSERT INTO medicines SELECT 100 + i, 't1', repeat('name', 250) FROM generate_series(1, 15000) AS i", "UPDATE lots SET packs = 7")
	began := time.Now()
	must(t, server.Stop(privatepg.Fast))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the server took %v to stop", took)
	}
	close(free)
	s.until("the loss", func(m *memory) bool { return len(m.lost) > 0 })
	must(t, server.Restart(context.Background(), privatepg.Fast))
	s.until("the stream to go on", func(m *memory) bool { return m.resumed > 0 })
	if got := s.settle(); len(got) != 3 || len(got[1].Changes) != 15_000 {
		t.Errorf("%d transactions", len(got))
	}
	s.same()
	s.rising()
}
