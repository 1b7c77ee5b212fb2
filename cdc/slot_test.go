package cdc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

// Stories of what becomes of a slot: the server gives it up, somebody else uses it, the server crashes, a standby takes over.

// major is the server's version.
func major(t testing.TB, dsn string) int {
	t.Helper()
	n, err := strconv.Atoi(pgtest.Ask(t, dsn, "SELECT current_setting('server_version_num')::int / 10000"))
	must(t, err)
	return n
}

func (s *shop) slotIs(condition string) string {
	return fmt.Sprintf("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '%s' AND %s)", s.cfg.Slot, condition)
}

func TestASlotThatNobodyReadForTooLongIsMadeAnew(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, nil)
	if v := major(t, server.DSN("")); v < 18 {
		t.Skipf("idle_replication_slot_timeout came with PostgreSQL 18, this is %d", v)
	}
	server.Set("idle_replication_slot_timeout", "1s")
	must(t, server.Restart(t.Context(), privatepg.Fast))
	s := openAt(t, server.DSN(""), shopSchema+stocked, shopMapping)
	s.boot()
	must(t, s.stop())
	s.exec("UPDATE lots SET packs = 3")
	pgtest.Await(t, s.dsn, s.slotIs("NOT active AND inactive_since < now() - interval '1.2 s'"))
	s.exec("CHECKPOINT")
	pgtest.Await(t, s.dsn, s.slotIs("wal_status = 'lost'"))
	s.boot()
	if m := s.sink.look(); m.gen != 2 || m.gaps[1] == nil || m.gaps[1].Reason != "the slot was invalidated: idle_timeout" {
		t.Errorf("%d slots, gap %+v", m.gen, m.gaps[1])
	}
	s.same()
}

func TestASlotThatIsReadElsewhereIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	must(t, s.stop())
	other, err := pgconn.Connect(t.Context(), s.dsn+"&replication=database&wal_sender_timeout=0&application_name=curious")
	must(t, err)
	t.Cleanup(func() { _ = other.Close(context.Background()) })
	pgtest.Await(t, s.dsn, s.slotIs("NOT active"))
	must(t, start(t.Context(), other, Config{Slot: s.cfg.Slot, Publication: "rxvigil"}, 0))
	s.exec("UPDATE lots SET packs = 3")
	s.start()
	s.until("the name of who reads the slot", func(*memory) bool {
		return s.says("slot_in_use", fmt.Sprintf("pid %d (postgres, curious)", other.PID()))
	})
	must(t, other.Close(t.Context()))
	s.until("a warm start", func(m *memory) bool { return m.resumed == 1 })
	want(t, "what happened meanwhile", all(s.settle()), "~ lot 11 [t1/b1] on_hand=80>30 reserved=5>0")
}

func TestASlotInTheMakingSaysWhoHoldsItUp(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{"max_prepared_transactions": "5"})
	s := openAt(t, server.DSN(""), shopSchema+stocked, shopMapping)
	report := session(t, s.dsn+"&application_name=nightly_report")
	run(t, report, "BEGIN; INSERT INTO lots VALUES (77, 't1', 'b1', 1, NULL, 7)")
	two := session(t, s.dsn)
	run(t, two, "BEGIN; INSERT INTO lots VALUES (78, 't1', 'b1', 1, NULL, 7); PREPARE TRANSACTION 'left_over'")
	s.start()
	s.until("the names", func(*memory) bool {
		return s.says("slot_creation_waits", fmt.Sprintf("pid %d (postgres, nightly_report) for 00:00:", report.PgConn().PID()), "prepared transaction 'left_over' of postgres for 00:00:")
	})
	run(t, report, "COMMIT")
	run(t, two, "COMMIT PREPARED 'left_over'")
	s.until("the boot", func(m *memory) bool { return m.booted == 1 })
	s.settle()
	s.same()
}

func TestACrashOfTheServerLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, nil)
	s := openAt(t, server.DSN(""), shopSchema+"INSERT INTO lots SELECT i, 't1', 'b1', 1, NULL, 5 FROM generate_series(0, 150) AS i", shopMapping)
	s.boot()
	for n := range 3 {
		resumed := s.sink.look().resumed
		told := len(s.sink.look().told)
		crashed := s.tradeUntilTheServerGoes(3, uint64(n))
		s.until("some of it", func(m *memory) bool { return len(m.told) > told+200 })
		must(t, server.Stop(privatepg.Immediate)) // commits that were not waited for are gone, and were never told
		crashed.Wait()
		must(t, server.Restart(t.Context(), privatepg.Fast))
		s.until("the stream to go on", func(m *memory) bool { return m.resumed > resumed })
		s.settle()
		s.same()
	}
	s.rising()
	if m := s.sink.look(); m.forgets != 1 {
		t.Errorf("booted %d times", m.forgets)
	}
}

// tradeUntilTheServerGoes keeps the shop busy with n sessions, each of which ends with its connection.
func (s *shop) tradeUntilTheServerGoes(n int, seed uint64) *sync.WaitGroup {
	s.t.Helper()
	var done sync.WaitGroup
	for i := range n {
		conn := session(s.t, s.dsn)
		done.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for !conn.IsClosed() {
				_ = trade(conn, random)
			}
		})
	}
	return &done
}

// pair is a primary with a standby, and a shop that follows whichever is the primary.
type pair struct {
	*shop
	first, second *privatepg.Server
}

func openPair(t *testing.T, failover bool) *pair {
	t.Helper()
	first, standby := pgtest.Server(t, nil), map[string]string{}
	if failover {
		if v := major(t, first.DSN("")); v < 17 {
			t.Skipf("slots that standbys keep a copy of came with PostgreSQL 17, this is %d", v)
		}
		standby["sync_replication_slots"] = "on"
	}
	pgtest.Exec(t, first.DSN(""), shopSchema+stocked)
	second, err := first.Standby(t.Context(), standby)
	must(t, err)
	t.Cleanup(func() { must(t, second.Close()) })
	s := openAt(t, eitherPrimary(t, first, second), "", shopMapping)
	s.cfg.Failover = failover
	return &pair{s, first, second}
}

// eitherPrimary is a DSN that names two servers and takes the one that is no standby.
func eitherPrimary(t *testing.T, first, second *privatepg.Server) string {
	t.Helper()
	a, err := url.Parse(first.DSN(""))
	must(t, err)
	b, err := url.Parse(second.DSN(""))
	must(t, err)
	a.Host += "," + b.Host
	return a.String() + "&target_session_attrs=primary"
}

// caughtUp waits until the standby has everything that was written so far.
func (p *pair) caughtUp() {
	p.t.Helper()
	head := pgtest.Ask(p.t, p.first.DSN(""), "SELECT pg_current_wal_lsn()")
	pgtest.Await(p.t, p.second.DSN(""), "SELECT pg_last_wal_replay_lsn() >= '"+head+"'")
}

// promote ends the primary as a power cut would, and makes the standby one.
func (p *pair) promote() {
	p.t.Helper()
	must(p.t, p.first.Stop(privatepg.Immediate))
	pgtest.Exec(p.t, p.second.DSN(""), "SELECT pg_promote()")
}

// copied waits until the standby has a copy of our slot that would outlive the primary. A copy comes into being when the slot has
// moved beyond where the standby began, so it is kept moving.
func (p *pair) copied() {
	p.t.Helper()
	for range 60 {
		pgtest.Exec(p.t, p.first.DSN(""), "SELECT pg_log_standby_snapshot()")
		p.settle()
		at := p.sink.keptNow().Position
		p.reader.Confirm(at)
		pgtest.Await(p.t, p.first.DSN(""), p.slotIs("confirmed_flush_lsn >= '"+rxvigil.FormatLSN(at)+"'"))
		if pgtest.Ask(p.t, p.second.DSN(""), p.slotIs("synced AND NOT temporary")) == "t" {
			return
		}
	}
	log, _ := os.ReadFile(p.second.LogFile())
	p.t.Fatalf("the standby never got a copy of the slot; it says\n%s", log[max(0, len(log)-3000):])
}

func TestAPromotedStandbyWithoutOurSlotIsAGap(t *testing.T) {
	t.Parallel()
	p := openPair(t, false)
	p.boot()
	p.tells("UPDATE lots SET packs = 7")
	kept := p.sink.keptNow()
	p.caughtUp()
	p.promote()
	p.until("another boot", func(m *memory) bool { return m.booted == 2 })
	m := p.sink.look()
	if g := m.gaps[1]; g == nil || g.From < kept.Position || g.To <= g.From || g.Reason != "the server was promoted, and the slot is missing" {
		t.Errorf("gap %+v", g)
	}
	if m.gen != 2 || m.kept.Identity.Timeline != kept.Identity.Timeline+1 {
		t.Errorf("slot %d of %s, before %s", m.gen, m.kept.Identity, kept.Identity)
	}
	p.same()
	p.settle()
	want(t, "the next update", p.tells("UPDATE lots SET packs = 6"), "~ lot 11 [t1/b1] on_hand=70>60 reserved=4>3")
}

func TestAPromotedStandbyWithACopyOfOurSlotGoesOnWithoutAGap(t *testing.T) {
	t.Parallel()
	p := openPair(t, true)
	p.boot()
	p.copied()
	p.tells("UPDATE lots SET packs = 7")
	kept := p.sink.keptNow()
	p.caughtUp()
	p.promote()
	p.until("the stream to go on", func(m *memory) bool { return m.resumed == 1 })
	want(t, "the next update", p.tells("UPDATE lots SET packs = 6"), "~ lot 11 [t1/b1] on_hand=70>60 reserved=4>3")
	p.same()
	p.rising()
	m := p.sink.look()
	if m.forgets != 1 || m.gen != 1 || m.kept.Identity != kept.Identity.on(kept.Identity.Timeline+1) {
		t.Errorf("booted %d times, %d slots, of %s", m.forgets, m.gen, m.kept.Identity)
	}
	must(t, p.stop())
	p.exec("UPDATE lots SET packs = 5")
	p.resume()
	want(t, "what happened while stopped", all(p.settle()), "~ lot 11 [t1/b1] on_hand=60>50 reserved=3>2")
}

func TestAPromotedStandbyThatIsBehindUsIsAGap(t *testing.T) {
	t.Parallel()
	p := openPair(t, true)
	p.boot()
	p.copied()
	must(t, p.second.Stop(privatepg.Fast))
	want(t, "an update that the standby never sees", p.tells("UPDATE lots SET packs = 7"), "~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4")
	must(t, p.first.Stop(privatepg.Immediate))
	p.second.Set("primary_conninfo", "")
	must(t, p.second.Restart(t.Context(), privatepg.Fast))
	pgtest.Exec(t, p.second.DSN(""), "SELECT pg_promote()")
	p.until("another boot", func(m *memory) bool { return m.booted == 2 })
	if m := p.sink.look(); m.gaps[1] == nil || !strings.HasPrefix(m.gaps[1].Reason, "another source") {
		t.Errorf("gap %+v", m.gaps[1])
	}
	p.same()
	p.settle()
	want(t, "the next update", p.tells("UPDATE lots SET packs = 6"), "~ lot 11 [t1/b1] on_hand=80>60 reserved=5>3")
}

func TestATimelineIsLeftWhereItsHistorySays(t *testing.T) {
	t.Parallel()
	const history = "1\t0/3000148\tno recovery target specified\n\n2\t16/B374D848\tafter LSN 0/0\n"
	for timeline, want := range map[int32]string{1: "0/3000148", 2: "16/B374D848"} {
		lsn, err := pglogrepl.ParseLSN(want)
		must(t, err)
		if got, err := switchPoint(history, timeline); got != uint64(lsn) || err != nil {
			t.Errorf("timeline %d was left at %X, %v; want %s", timeline, got, err, want)
		}
	}
	for _, bad := range []string{"", "1", "1 nowhere", "2 0/1"} {
		if got, err := switchPoint(bad, 1); err == nil {
			t.Errorf("history %q: %X", bad, got)
		}
	}
}
