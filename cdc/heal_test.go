package cdc

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestRowsLostWhileAColumnHadAnotherNameAreReadWhenItIsBack(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.exec("ALTER TABLE lots RENAME packs TO boxes")
	want(t, "rows that cannot be mapped", s.tells("UPDATE lots SET boxes = 7; INSERT INTO lots VALUES (12, 't1', 'b1', 1, NULL, 2)"), `
		! unreadable of lot public.lots. "public.lots has no column \"packs\"" []
		! unreadable of lot public.lots. "public.lots has no column \"packs\"" []`)
	s.until("a try to read the table", func(*memory) bool { return s.says("reread_failed", `no column \"packs\"`) })
	s.exec("ALTER TABLE lots RENAME boxes TO packs; UPDATE lots SET reserved = 0 WHERE id = 12")
	s.quiet()
	want(t, "the stream", all(s.news), "+ lot 12 [t1/b1] medicine=1 expires=null on_hand=2 reserved=2")
	want(t, "what was lost", all(s.again), "~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4")
	s.same()
	s.sameBoot()
}

func TestAColumnThatIsDroppedDegradesItsMappingUntilThereIsOneAgain(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.exec("ALTER TABLE lots DROP packs")
	want(t, "a row without it", s.tells("UPDATE lots SET reserved = 1 WHERE id = 11; UPDATE medicines SET level = level + 1 WHERE id = 1"), `
		~ medicine 1 [t1/] reorder_level=10>11
		! unreadable of lot public.lots. "public.lots has no column \"packs\"" []`)
	s.exec("ALTER TABLE lots ADD packs int DEFAULT 3")
	n := s.readAgain()
	s.exec("UPDATE lots SET packs = 4 WHERE id = 11")
	s.until("the table to be read again", func(*memory) bool { return s.readAgain() > n })
	s.settle()
	s.same()
	want(t, "an update then", s.tells("UPDATE lots SET packs = 5 WHERE id = 11"), "~ lot 11 [t1/b1] on_hand=40>50 reserved=3>4")
	s.sameBoot()
}

func TestRowsLostBeforeARestartAreReadBehindIt(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.exec("ALTER TABLE lots RENAME packs TO boxes", "UPDATE lots SET boxes = 7")
	s.settle()
	must(t, s.stop())
	s.exec("ALTER TABLE lots RENAME boxes TO packs")
	s.resume()
	s.quiet()
	want(t, "what was lost", all(s.again), "~ lot 11 [t1/b1] on_hand=80>70 reserved=5>4")
	s.sameBoot()
}

func TestAColumnOfAnotherTypeIsReadAgain(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	if told := s.rereads("ALTER TABLE lots ALTER reserved TYPE bigint", "ALTER TABLE lots ADD colour text DEFAULT md5(random()::text)", "ALTER TABLE lots DROP colour"); told != "" {
		t.Errorf("the same values told\n%s", told)
	}
	want(t, "values that the ALTER changed", s.rereads("ALTER TABLE lots ALTER packs TYPE bigint USING packs + 1"), "~ lot 11 [t1/b1] on_hand=80>90 reserved=5>6")
	want(t, "an update after that", s.tells("UPDATE lots SET packs = 1"), "~ lot 11 [t1/b1] on_hand=90>10 reserved=6>-2")
	s.sameBoot()
}

// pictured runs SQL, looks, and does something while the picture is made: behind its snapshot, and before its marker.
func (s *shop) pictured(sql string, meanwhile func()) {
	s.t.Helper()
	s.quiet()
	s.again, s.news = nil, nil
	held, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.sink.change(func() {
		s.sink.onPut = func(room string) {
			if room == "reread" {
				once.Do(func() { close(held); <-free })
			}
		}
	})
	s.exec(sql)
	s.canary()
	select {
	case <-held:
	case <-time.After(patience):
		s.t.Fatalf("no table is read again; it said\n%s", s.said)
	}
	meanwhile()
	close(free)
	s.quiet()
}

const filled = partitioned + `
CREATE TABLE lots_5 (LIKE lots INCLUDING ALL);
INSERT INTO lots_5 SELECT i, 't5', 7, 10 * i, repeat('long ', 1000) FROM generate_series(5, 9) AS i;
ALTER TABLE lots_5 ALTER note SET STORAGE EXTERNAL;`

const attach = "ALTER TABLE lots ATTACH PARTITION lots_5 FOR VALUES IN ('t5')"

func TestWhatHappensBehindASnapshotIsNotUndoneByItsPicture(t *testing.T) {
	t.Parallel()
	s := open(t, filled, partitionedMapping)
	s.boot()
	s.pictured(attach, func() {
		s.exec("UPDATE lots SET packs = 51 WHERE id = 5", "UPDATE lots SET id = 66 WHERE id = 6", "DELETE FROM lots WHERE id = 7",
			"UPDATE lots SET tenant = 't1', packs = 81 WHERE id = 8")
	})
	want(t, "the stream", all(s.news), `
		+ lot 5 [t/t5] on_hand=51
		+ lot 66 [t/t5] on_hand=60
		+ lot 8 [t/t1] on_hand=81 note=(5000 bytes)`)
	want(t, "the picture", all(s.again), `
		~ lot 5 [t/t5] note=?>(5000 bytes)
		~ lot 66 [t/t5] note=?>(5000 bytes)
		+ lot 9 [t/t5] on_hand=90 note=(5000 bytes)`)
	s.sameBoot()
}

func TestATruncationBehindASnapshotVoidsItsPicture(t *testing.T) {
	t.Parallel()
	s := open(t, filled, partitionedMapping)
	s.boot()
	s.pictured(attach, func() { s.exec("TRUNCATE lots_1") })
	if !s.says("reread_outdated") {
		t.Errorf("it said\n%s", s.said)
	}
	if told := all(s.again); strings.Count(told, "+ lot") != 5 || strings.Count(told, "- lot 1 ") != 1 || strings.Count(told, "lot") != 6 {
		t.Errorf("told\n%s", told)
	}
	s.sameBoot()
}

func TestARereadThatIsInTheWayGivesWayAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := open(t, filled, partitionedMapping)
	s.boot()
	q, stop := s.watchQueue()
	s.pictured(attach, func() { s.exec("ALTER TABLE lots_5 ADD CHECK (packs >= 0)") })
	stop()
	if told := all(s.again); strings.Count(told, "+ lot") != 5 || !s.says("reread_failed") {
		t.Errorf("told\n%s, and said\n%s", told, s.said)
	}
	if q.seen == 0 || q.longest > 1500*time.Millisecond {
		t.Errorf("somebody waited behind us %d times, for up to %s", q.seen, q.longest)
	}
	s.sameBoot()
}

func TestARereadWaitsForALockAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	s := stockedShop(t)
	s.exec("ALTER TABLE lots ALTER reserved TYPE bigint USING reserved + 1")
	alter := session(t, s.dsn)
	run(t, alter, "BEGIN; ALTER TABLE lots ADD colour text")
	q, stop := s.watchQueue()
	others := []func(){s.apart("UPDATE medicines SET level = level + 1"), s.apart("VACUUM medicines")}
	s.canary()
	s.until("the lock to be waited for", func(*memory) bool { return s.says("snapshot_waits_for_transactions") })
	run(t, alter, "COMMIT")
	s.until("the table to be read again", func(*memory) bool { return s.readAgain() == 1 })
	for _, stop := range others {
		stop()
	}
	stop()
	s.quiet()
	want(t, "the picture", all(s.again), "~ lot 11 [t1/b1] reserved=5>4")
	if q.longest > 1500*time.Millisecond {
		t.Errorf("somebody waited behind us %d times, for up to %s", q.seen, q.longest)
	}
	s.sameBoot()
}

func TestARereadThatIsCutOffIsBegunAgain(t *testing.T) {
	t.Parallel()
	s := open(t, filled, partitionedMapping)
	s.boot()
	old := session(t, s.dsn)
	run(t, old, "BEGIN; CREATE TABLE elsewhere (n int)")
	s.exec(attach)
	s.canary()
	s.until("the snapshot to be waited for", func(*memory) bool { return s.says("snapshot_waits_for_transactions") })
	s.breakLine()
	s.until("the stream to go on", func(m *memory) bool { return m.resumed == 1 })
	s.exec("UPDATE lots SET packs = 51 WHERE id = 5")
	run(t, old, "COMMIT")
	s.quiet()
	want(t, "the stream", all(s.news), "+ lot 5 [t/t5] on_hand=51")
	want(t, "the picture", all(s.again), `
		~ lot 5 [t/t5] note=?>(5000 bytes)
		+ lot 6 [t/t5] on_hand=60 note=(5000 bytes)
		+ lot 7 [t/t5] on_hand=70 note=(5000 bytes)
		+ lot 8 [t/t5] on_hand=80 note=(5000 bytes)
		+ lot 9 [t/t5] on_hand=90 note=(5000 bytes)`)
	if n := pgtest.Ask(t, s.dsn, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rxvigil' AND state = 'idle in transaction' AND datname = current_database()"); n != "0" {
		t.Errorf("%s snapshots are left", n)
	}
}
