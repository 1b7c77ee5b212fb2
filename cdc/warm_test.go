package cdc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// all tells every transaction of a list.
func all(txs []*seen) string {
	var b strings.Builder
	for _, tx := range txs {
		b.WriteString(tx.String())
	}
	return b.String()
}

// rising fails unless the transactions stand in commit order, each once.
func (s *shop) rising() {
	s.t.Helper()
	var last uint64
	for _, tx := range s.sink.look().told {
		if tx.LSN <= last {
			s.t.Errorf("transaction at %X told after %X", tx.LSN, last)
		}
		last = tx.LSN
	}
}

func TestAWarmStartGoesOnAsIfNothingHadHappened(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.tells("UPDATE lots SET packs = 7")
	must(t, s.stop())
	s.exec("UPDATE lots SET packs = 6", "BEGIN; UPDATE lots SET packs = 5; INSERT INTO lots VALUES (12, 't1', 'b1', 1, NULL, 1); COMMIT", "DELETE FROM lots WHERE id = 12")
	s.resume()
	want(t, "what happened meanwhile", all(s.settle()), `
		~ lot 11 [t1/b1] on_hand=70>60 reserved=4>3
		~ lot 11 [t1/b1] on_hand=60>50 reserved=3>2
		+ lot 12 [t1/b1] medicine=1 expires=null on_hand=1 reserved=1
		- lot 12 [t1/b1] medicine=1 expires=null on_hand=1 reserved=1`)
	s.rising()
	s.same()
	if m := s.sink.look(); m.forgets != 1 || m.gen != 1 {
		t.Errorf("booted %d times, made %d slots", m.forgets, m.gen)
	}
}

func TestAnEngineThatForgotItsLastTransactionsIsToldThemAgainUnderTheSameNames(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.tells("UPDATE lots SET packs = 7")
	must(t, s.stop())
	disk := s.sink.look()
	s.resume()
	first := s.retold("UPDATE lots SET packs = 6", "UPDATE lots SET packs = 5")
	must(t, s.stop())
	s.sink.change(func() { s.sink.images, s.sink.kept, s.sink.told = disk.images, disk.kept, nil }) // a power cut
	s.read = 0
	s.resume()
	second := s.settle()
	if all(first) != all(second) || len(first) != 2 || first[0].LSN != second[0].LSN || first[1].XID != second[1].XID || first[1].LSN != second[1].LSN {
		t.Errorf("told\n%safter\n%s", all(second), all(first))
	}
}

// retold runs transactions and gives what was told of them.
func (s *shop) retold(sql ...string) []*seen {
	s.t.Helper()
	s.exec(sql...)
	return s.settle()
}

// K9: a slot dropped and made anew, and all else that loses writes without a word, is a gap that is told.
func TestK9WhatIsLostWhileStoppedIsAGapWithItsBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, reason string }{
		"the slot was dropped": {"SELECT pg_drop_replication_slot('%s'); UPDATE lots SET packs = 1", "missing"},
		"the slot was dropped and made anew": {
			"SELECT pg_drop_replication_slot('%[1]s'); UPDATE lots SET packs = 1; SELECT pg_create_logical_replication_slot('%[1]s', 'pgoutput')", "made anew or advanced",
		},
		"the slot was advanced": {
			"UPDATE lots SET packs = 1; SELECT pg_replication_slot_advance('%s', pg_current_wal_lsn())", "made anew or advanced",
		},
		"the publication was made anew": {
			"DROP PUBLICATION %[1]s; UPDATE lots SET packs = 1; CREATE PUBLICATION %[1]s FOR TABLE tenants, medicines, lots, sales, sale_items, moves", "another source",
		},
		"a table was not published for a while": {
			"ALTER PUBLICATION %[1]s DROP TABLE lots; UPDATE lots SET packs = 1", "did not name our tables",
		},
		"rows were not published for a while": {
			"ALTER PUBLICATION %[1]s SET TABLE tenants, medicines, lots WHERE (id < 11), sales, sale_items, moves; UPDATE lots SET packs = 1", "did not name our tables",
		},
		"updates were not published for a while": {
			"ALTER PUBLICATION %[1]s SET (publish = 'insert, delete, truncate'); UPDATE lots SET packs = 1", "did not name our tables",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, shopSchema+stocked, shopMapping)
			if strings.Contains(c.before, "WHERE (") && major(t, s.dsn) < 15 {
				t.Skip("publications of this version know no row filters")
			}
			s.cfg.Publication = s.cfg.Slot
			s.boot()
			s.tells("UPDATE lots SET packs = 7")
			must(t, s.stop())
			kept := s.sink.keptNow()
			pgtest.Await(t, s.dsn, s.slotIs("NOT active")) // the server takes a moment to see that we left
			for sql := range strings.SplitSeq(fmt.Sprintf(c.before+"; SELECT '%[1]s'", s.cfg.Slot), "; ") {
				s.exec(sql)
			}
			s.boot()
			m := s.sink.look()
			if len(m.gaps) != 2 || m.gaps[1] == nil || !strings.Contains(m.gaps[1].Reason, c.reason) {
				t.Fatalf("gaps %+v", m.gaps)
			}
			gap := *m.gaps[1]
			if gap.From != kept.Position || !gap.Since.Equal(kept.At) || gap.To <= gap.From || time.Since(gap.Until).Abs() > time.Minute {
				t.Errorf("gap %+v of %+v", gap, kept)
			}
			s.same()
			want(t, "the next update", s.tells("UPDATE lots SET packs = 2"), "~ lot 11 [t1/b1] on_hand=10>20 reserved=-2>-1")
		})
	}
}

func TestAPlaceKnownWithoutImagesIsTheBeginningOfAGap(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	older := s.sink.keptNow()
	must(t, s.stop())
	s.sink = newMemory()
	s.sink.kept = Kept{Older: older.Position, OlderAt: older.At}
	s.boot()
	if gap := s.sink.look().gaps[0]; gap == nil || gap.From != older.Position || gap.To <= gap.From || !gap.Since.Equal(older.At) {
		t.Errorf("gap %+v, want one from %X", gap, older.Position)
	}
	must(t, s.stop())
	s.resume()
	if m := s.sink.look(); m.forgets != 1 {
		t.Errorf("booted %d times", m.forgets)
	}
}

func TestAnotherMappingReadsTheTablesAnew(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	must(t, s.stop())
	s.cfg.Mapping = parseMapping(t, strings.Replace(shopMapping, "extra: {note: note}", "", 1))
	s.boot()
	if m := s.sink.look(); m.gaps[1] == nil || m.gaps[1].Reason != "the mapping changed" || m.gen != 1 {
		t.Errorf("gap %+v, %d slots", m.gaps[1], m.gen)
	}
	must(t, s.stop())
	s.exec("ALTER TABLE lots ALTER packs TYPE bigint")
	s.boot()
	if m := s.sink.look(); m.forgets != 3 {
		t.Errorf("a changed type of a mapped column: booted %d times", m.forgets)
	}
	must(t, s.stop())
	s.exec("ALTER TABLE lots ADD colour text")
	s.resume()
}

func TestASlotOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema, shopMapping)
	s.exec("SELECT pg_create_logical_replication_slot('" + s.cfg.Slot + "', 'test_decoding')")
	s.start()
	if err := s.ended(); err == nil || !strings.Contains(err.Error(), "choose another source.slot") {
		t.Errorf("ended with %v", err)
	}
	if got := pgtest.Ask(t, s.dsn, "SELECT plugin FROM pg_replication_slots WHERE slot_name = '"+s.cfg.Slot+"'"); got != "test_decoding" {
		t.Errorf("the slot is of %s now", got)
	}
	s.cfg.Slot += "_ours"
	s.cfg.Publication = "everything"
	s.exec("CREATE PUBLICATION everything FOR ALL TABLES")
	s.start()
	if err := s.ended(); err == nil || !strings.Contains(err.Error(), "choose another source.publication") {
		t.Errorf("ended with %v", err)
	}
}

func TestASlotThatTheServerGaveUpIsMadeAnew(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t, map[string]string{"max_slot_wal_keep_size": "1MB", "min_wal_size": "32MB", "max_wal_size": "32MB", "wal_keep_size": "0"})
	s := openAt(t, server.DSN(""), shopSchema+stocked, shopMapping)
	s.boot()
	must(t, s.stop())
	kept := s.sink.keptNow()
	for range 4 {
		s.exec("UPDATE lots SET packs = packs + 1", "SELECT pg_switch_wal()")
	}
	s.exec("CHECKPOINT")
	pgtest.Await(t, s.dsn, "SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = '"+s.cfg.Slot+"'")
	s.boot()
	if m := s.sink.look(); m.gen != 2 || m.gaps[1] == nil || m.gaps[1].From != kept.Position || !strings.HasPrefix(m.gaps[1].Reason, "the slot was invalidated") {
		t.Errorf("%d slots, gap %+v", m.gen, m.gaps[1])
	}
	s.same()
	want(t, "the next update", s.tells("UPDATE lots SET packs = 1"), "~ lot 11 [t1/b1] on_hand=120>10 reserved=9>-2")
}
