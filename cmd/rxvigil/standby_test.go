package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

// Stories of two engines on one slot.

// mate is a second service with the same configuration, but for where it listens.
func (s *service) mate() *service {
	s.t.Helper()
	other := s.twin()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(other.config, []byte(strings.Replace(string(text), s.addr, other.addr, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return other
}

func (s *service) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// gone waits until the service has ended by itself, and gives its last words.
func (s *service) gone() string {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(60 * time.Second):
		s.t.Fatalf("the service does not end:\n%s", tailOf(s.log.String(), 4000))
	}
	s.cmd = nil
	return tailOf(s.log.String(), 300)
}

// mark sends an event of the app's own and waits until the viewer has it; it gives how many it has by then.
func (s *shop) mark(t *testing.T, name string) int {
	t.Helper()
	pgtest.Exec(t, s.dsn, fmt.Sprintf(`SELECT rxvigil.notify('%s', '%s', '{}')`, tenantOne, name))
	return s.view.until(t, 0, name, func(e envelope) bool { return e.Type == name }) + 1
}

func TestASecondEngineTakesOverAndTheFirstWritesNothingMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away, back func(first *service, w *wire)
	}{
		"killed":              {func(s *service, _ *wire) { s.kill() }, nil},
		"frozen":              {func(s *service, _ *wire) { s.signal(syscall.SIGSTOP) }, func(s *service, _ *wire) { s.signal(syscall.SIGCONT) }},
		"cut off the network": {func(_ *service, w *wire) { w.cut() }, func(_ *service, w *wire) { w.mend() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, pgtest.Database(t), 13)
			w, through := lay(t, s.dsn)
			first, second := s.svc, s.svc.twin()
			first.readThrough(s.dsn, through)
			first.start()
			first.ready()
			s.view = watch(t, first, "sse", tenantOne)
			s.view.connected(t)
			second.start()
			second.says("standing_by")
			<-s.work(t, 50, time.Millisecond)
			heard := s.mark(t, "before_the_end")

			began := time.Now()
			c.away(first, w)
			working := s.work(t, 100, 10*time.Millisecond)
			second.ready()
			t.Logf("taken over after %v", time.Since(began).Round(10*time.Millisecond))
			<-working
			old := s.view
			s.svc, s.view = second, watch(t, second, "sse", tenantOne)
			s.view.connected(t)
			<-s.work(t, 50, time.Millisecond)
			s.mark(t, "after_the_end")

			if c.back != nil {
				c.back(first, w)
				if said := first.gone(); !strings.Contains(said, "another engine has taken over: this one stops") {
					t.Errorf("the first engine ended with %q", said)
				}
			}
			if events, _ := old.heard(); len(events) > heard {
				t.Errorf("the first engine told %d events more: %s", len(events)-heard, events[heard].raw)
			}
			<-s.work(t, 50, time.Millisecond)
			if err := ordered(s.end(t)); err != nil {
				t.Error(err)
			}
			if strings.Contains(second.log.String(), "source_lost") {
				t.Error("the second engine was disturbed")
			}
			checkOpenAgainstTables(t, s)
		})
	}
}

// readThrough makes the service reach its server by another address.
func (s *service) readThrough(dsn, through string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.config, []byte(strings.Replace(string(text), dsn, through, 1)), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestASecondEngineOnTheSameDiskGoesOnWhereTheFirstWasKilled(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 19)
	second := s.svc.mate()
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)
	second.start()
	second.says("standing_by")
	<-s.work(t, 50, time.Millisecond)
	working := s.work(t, 100, 10*time.Millisecond)
	began := time.Now()
	s.svc.kill()
	second.ready()
	t.Logf("taken over warm after %v", time.Since(began).Round(10*time.Millisecond))
	s.view.move(second.addr)
	s.svc = second
	<-working
	if err := ordered(s.end(t)); err != nil {
		t.Error(err)
	}
	if _, resyncs := s.view.heard(); len(resyncs) > 0 || strings.Contains(second.log.String(), "cold_boot") {
		t.Errorf("resyncs %v; the second engine said\n%s", resyncs, tailOf(second.log.String(), 2000))
	}
	checkOpenAgainstTables(t, s)
}

// freezeWhileStoring stops the engine in the middle of a transaction that stores alerts: it holds the row that says who may.
func freezeWhileStoring(t *testing.T, s *shop) {
	t.Helper()
	door := session(t, s.dsn)
	run(t, door, "BEGIN; LOCK TABLE rxvigil.alerts IN SHARE MODE")
	pgtest.Exec(t, s.dsn, "UPDATE medicines SET current_stock = 0 WHERE tenant_id = '"+tenantOne+"'")
	pgtest.Exec(t, s.dsn, "UPDATE medicines SET current_stock = 500 WHERE tenant_id = '"+tenantOne+"'")
	pgtest.Await(t, s.dsn, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'rxvigil.alerts'::regclass)")
	s.svc.signal(syscall.SIGSTOP)
	run(t, door, "COMMIT")
}

func TestAFrozenEngineKeepsItsDiskAndTheNextOneTakesASpareOne(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 23)
	first, second := s.svc, s.svc.mate()
	first.start()
	first.ready()
	second.start()
	second.says("standing_by")
	freezeWhileStoring(t, s)
	<-s.work(t, 20, time.Millisecond)
	second.says("state_in_use")
	second.ready()
	<-s.work(t, 20, time.Millisecond)
	first.signal(syscall.SIGCONT)
	first.gone()

	s.svc = second
	s.view = watch(t, second, "sse", tenantOne)
	s.view.connected(t)
	s.mark(t, "on_the_spare_disk")
	second.kill()
	said := len(second.log.String())
	<-s.work(t, 20, time.Millisecond)
	second.start()
	second.ready()
	if err := ordered(s.end(t)); err != nil {
		t.Error(err)
	}
	if strings.Contains(second.log.String()[said:], "cold_boot") {
		t.Errorf("what was on the spare disk is forgotten:\n%s", second.log.String()[said:])
	}
	checkOpenAgainstTables(t, s)
}

func TestARestartOfTheServerIsNoReasonToTakeOver(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, nil)
	s := openShop(t, server.DSN(""), 29)
	second := s.svc.twin()
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)
	second.start()
	second.says("standing_by")
	for _, mode := range []privatepg.Mode{privatepg.Fast, privatepg.Immediate} {
		if err := server.Restart(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		<-s.work(t, 20, time.Millisecond)
		s.mark(t, "after_"+string(mode))
	}
	if err := ordered(s.end(t)); err != nil {
		t.Error(err)
	}
	if said := second.log.String(); strings.Contains(said, "serving") || strings.Contains(s.svc.log.String(), "cold_boot reason=\"the") {
		t.Errorf("the second engine said\n%s", tailOf(said, 2000))
	}
	checkOpenAgainstTables(t, s)
}
