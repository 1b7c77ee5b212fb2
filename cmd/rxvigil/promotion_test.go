package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

// pair is a busy shop on a primary with a standby; whichever is the primary is reached.
type pair struct {
	*shop
	first, second *privatepg.Server
}

func openPair(t *testing.T, standby map[string]string) *pair {
	t.Helper()
	p := &pair{first: pgtest.Server(t, nil)}
	var err error
	if p.second, err = p.first.Standby(t.Context(), standby); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.second.Close(); err != nil {
			t.Error(err)
		}
	})
	a, errA := url.Parse(p.first.DSN(""))
	b, errB := url.Parse(p.second.DSN(""))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	a.Host += "," + b.Host
	p.shop = openShop(t, a.String()+"&target_session_attrs=primary", 31)
	p.svc.start()
	p.svc.ready()
	p.view = watch(t, p.svc, "sse", tenantOne)
	p.view.connected(t)
	return p
}

// promote ends the primary as a power cut would, once the standby has everything, and makes the standby one.
func (p *pair) promote(t *testing.T) {
	t.Helper()
	head := pgtest.Ask(t, p.first.DSN(""), "SELECT pg_current_wal_lsn()")
	pgtest.Await(t, p.second.DSN(""), "SELECT pg_last_wal_replay_lsn() >= '"+head+"'")
	if err := p.first.Stop(privatepg.Immediate); err != nil {
		t.Fatal(err)
	}
	pgtest.Exec(t, p.second.DSN(""), "SELECT pg_promote()")
}

func TestAPromotionIsABlindIntervalWhereTheStandbyHasNoCopyOfTheSlot(t *testing.T) {
	t.Parallel()
	p := openPair(t, nil)
	<-p.work(t, 50, time.Millisecond)
	p.mark(t, "before_the_promotion")
	p.promote(t)
	p.svc.says("cold_boot reason=\"the server was promoted")
	p.view.resynced(t)
	<-p.work(t, 50, time.Millisecond)
	p.end(t)
	blind := 0
	for _, a := range openAlerts(t, p.svc, tenantOne) {
		if a["rule"] == "blind" {
			blind++
		}
	}
	if blind != 1 {
		t.Errorf("%d blind intervals are told, want 1", blind)
	}
	checkOpenAgainstTables(t, p.shop)
}

func TestAPromotionIsNothingWhereTheStandbyHasACopyOfTheSlot(t *testing.T) {
	t.Parallel()
	server := pgtest.Database(t)
	if v, err := strconv.Atoi(pgtest.Ask(t, server, "SELECT current_setting('server_version_num')::int / 10000")); err != nil || v < 17 {
		t.Skipf("slots that standbys keep a copy of came with PostgreSQL 17, this is %d", v)
	}
	p := openPair(t, map[string]string{"sync_replication_slots": "on"})
	<-p.work(t, 50, time.Millisecond)
	p.copied(t)
	<-p.work(t, 50, time.Millisecond)
	p.mark(t, "before_the_promotion")
	p.promote(t)
	<-p.work(t, 50, time.Millisecond)
	p.mark(t, "after_the_promotion")
	p.svc.kill() // what it remembers knows of the promotion
	<-p.work(t, 50, time.Millisecond)
	p.svc.start()
	p.svc.ready()
	if err := ordered(p.end(t)); err != nil {
		t.Error(err)
	}
	if _, resyncs := p.view.heard(); len(resyncs) > 0 || strings.Count(p.svc.log.String(), "cold_boot") != 1 {
		t.Errorf("resyncs %v; the service said\n%s", resyncs, tailOf(p.svc.log.String(), 3000))
	}
	checkOpenAgainstTables(t, p.shop)
}

// copied waits until the standby has a copy of our slot: it comes into being when the slot moves, which is at every beat.
func (p *pair) copied(t *testing.T) {
	t.Helper()
	for range 8 {
		head := pgtest.Ask(t, p.first.DSN(""), "SELECT pg_log_standby_snapshot()")
		pgtest.Await(t, p.first.DSN(""), fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE plugin = 'pgoutput' AND confirmed_flush_lsn > '%s')", head))
		if pgtest.Ask(t, p.second.DSN(""), "SELECT EXISTS (SELECT FROM pg_replication_slots WHERE plugin = 'pgoutput' AND synced AND NOT temporary)") == "t" {
			return
		}
	}
	t.Fatal("the standby never got a copy of the slot")
}
