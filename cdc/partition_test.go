package cdc

import (
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// sameBoot fails if the tables were read from scratch, or anything was said to be missed.
func (s *shop) sameBoot() {
	s.t.Helper()
	if m := s.sink.look(); m.forgets != 1 || m.booted != 1 || m.gaps[0] != nil || len(m.lost) > 0 {
		s.t.Errorf("booted %d times, forgot %d times, lost %v; it said\n%s", m.booted, m.forgets, m.lost, s.said)
	}
}

func TestPartitionsThatComeAndGoAreToldFromAPicture(t *testing.T) {
	t.Parallel()
	s := open(t, partitioned+"CREATE TABLE lots_5 (LIKE lots INCLUDING ALL); INSERT INTO lots_5 VALUES (5, 't5', 7, 50, repeat('long ', 1000)), (6, 't5', 7, 60, NULL)", partitionedMapping)
	s.boot()
	want(t, "a filled partition that comes", s.rereads("ALTER TABLE lots ATTACH PARTITION lots_5 FOR VALUES IN ('t5')"), `
		+ lot 5 [t/t5] on_hand=50 note=(5000 bytes)
		+ lot 6 [t/t5] on_hand=60 note=null`)
	want(t, "an update in it", s.tells("UPDATE lots SET packs = 51 WHERE id = 5"), "~ lot 5 [t/t5] on_hand=50>51")
	want(t, "a row that leaves it", s.tells("UPDATE lots SET tenant = 't1' WHERE id = 5"), "~ lot 5 [t/t1]")
	want(t, "a partition that goes", s.rereads("ALTER TABLE lots DETACH PARTITION lots_5"), "- lot 6 [t/t5] on_hand=60 note=null")
	want(t, "a row of it now", s.tells("UPDATE lots_5 SET packs = 0"), "")
	want(t, "a partition that is dropped", s.rereads("DROP TABLE lots_2"), "- lot 2 [t/t2] on_hand=6 note=null")
	want(t, "a partition that is truncated", s.rereads("INSERT INTO lots VALUES (7, 't1', 7, 70); CREATE TABLE lots_8 PARTITION OF lots FOR VALUES IN ('t8'); INSERT INTO lots VALUES (8, 't8', 7, 80)",
		"TRUNCATE lots_1"), `
		- lot 1 [t/t1] on_hand=5 note=(5000 bytes)
		- lot 5 [t/t1] on_hand=51 note=(5000 bytes)
		- lot 7 [t/t1] on_hand=70 note=null`)
	for _, harmless := range []string{"VACUUM FULL lots_8", "CLUSTER lots_8 USING lots_8_pkey", "ALTER TABLE lots SET LOGGED", "CREATE TABLE lots_9 PARTITION OF lots FOR VALUES IN ('t9')"} {
		if harmless == "ALTER TABLE lots SET LOGGED" {
			harmless = "ALTER TABLE lots ALTER medicine TYPE bigint" // not mapped
		}
		n := s.readAgain()
		if told := s.rereads(harmless); told != "" || s.readAgain() == n {
			t.Errorf("%s told\n%s, and read %d tables", harmless, told, s.readAgain()-n)
		}
	}
	want(t, "updates after all that", s.tells("UPDATE lots SET packs = 0"), "~ lot 8 [t/t8] on_hand=80>0")
	s.sameBoot()
}

func TestAPartitionThatCameWhileNobodyRanIsRead(t *testing.T) {
	t.Parallel()
	s := open(t, partitioned, partitionedMapping)
	s.boot()
	s.settle()
	s.exec("CREATE TABLE lots_5 (LIKE lots INCLUDING ALL); INSERT INTO lots_5 VALUES (5, 't5', 7, 50)", "ALTER TABLE lots ATTACH PARTITION lots_5 FOR VALUES IN ('t5')")
	must(t, s.stop())
	s.exec("UPDATE lots SET packs = packs + 1")
	s.resume()
	s.quiet()
	want(t, "the stream", all(s.news), `
		~ lot 1 [t/t1] on_hand=5>6
		~ lot 2 [t/t2] on_hand=6>7
		+ lot 5 [t/t5] on_hand=51 note=null`)
	want(t, "the picture", all(s.again), "")
	s.exec("ALTER TABLE lots DETACH PARTITION lots_5")
	must(t, s.stop())
	s.resume()
	s.quiet()
	want(t, "the picture without it", all(s.again), "- lot 5 [t/t5] on_hand=51 note=null")
	s.sameBoot()
}

func TestATableThatIsTakenOutOfOurPublicationIsPublishedAndReadAgain(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	s.cfg.Publication = s.cfg.Slot
	s.boot()
	cases := map[string]string{
		"a table taken out": "ALTER PUBLICATION " + s.cfg.Slot + " DROP TABLE lots",
		"updates left out":  "ALTER PUBLICATION " + s.cfg.Slot + " SET (publish = 'insert, delete, truncate')",
	}
	if major(t, s.dsn) >= 15 {
		cases["some rows taken out"] = "ALTER PUBLICATION " + s.cfg.Slot + " SET TABLE tenants, medicines, lots WHERE (id < 11), sales, sale_items, moves"
	}
	for name, sql := range cases {
		want(t, name, s.rereads(sql, "UPDATE lots SET packs = 7"), "~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4")
		want(t, "the stream after that", s.tells("UPDATE lots SET packs = 8"), "~ lot 11 [t1/b1] on_hand=70>80 reserved=4>5")
	}
	s.sameBoot()
	if n := pgtest.Ask(t, s.dsn, "SELECT count(*) FROM pg_publication_tables WHERE pubname = '"+s.cfg.Slot+"'"); n != "6" {
		t.Errorf("%s tables are published", n)
	}
	s.exec("DROP PUBLICATION "+s.cfg.Slot, "UPDATE lots SET packs = 9")
	s.canary()
	s.until("a boot", func(m *memory) bool { return m.booted == 2 })
	if m := s.sink.look(); m.gaps[1] == nil {
		t.Error("a publication made anew is no gap")
	}
	s.settle()
	s.same()
}
