package cdc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func saysLine(log string, words ...string) bool {
lines:
	for line := range strings.Lines(log) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		return true
	}
	return false
}

// once makes a hook that does something at its first call.
func once(do func() error) func() error {
	done := false
	return func() error {
		if done {
			return nil
		}
		done = true
		return do()
	}
}

// app runs SQL from within a hook.
func (s *shop) app(sql string) func() error {
	conn := session(s.t, s.dsn)
	return func() error {
		_, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
		return err
	}
}

func TestATableRewrittenBetweenSnapshotAndCopyIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"truncated":             "TRUNCATE lots; INSERT INTO lots VALUES (88, 't1', 'b1', 1, NULL, 3)",
		"rewritten by an ALTER": "ALTER TABLE lots ALTER packs TYPE bigint",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, shopSchema+stocked, shopMapping)
			s.sink.onPicture = once(s.app(sql)) // the tenants are read, the lots are not
			s.boot()
			s.same()
			if m := s.sink.look(); m.forgets != 2 || !s.says("source_lost", errRewritten.Error()) {
				t.Errorf("booted %d times; it said\n%s", m.forgets, s.said)
			}
		})
	}
}

func TestWhatCommitsAfterTheSnapshotIsFoldedIntoThePicture(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	s.sink.onPicture = once(s.app("INSERT INTO lots VALUES (12, 't1', 'b1', 1, NULL, 3); UPDATE lots SET packs = 1 WHERE id = 11"))
	s.boot()
	s.same()
	if m := s.sink.look(); m.folded != 1 || m.forgets != 1 || len(m.told) != 1 {
		t.Errorf("folded %d, booted %d times, told %d", m.folded, m.forgets, len(m.told))
	}
}

func TestAConnectionLostBeforeTheMarkerVoidsTheBoot(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	left := 4 // more than the limit of boots: it is one and the same
	end := s.app("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rxvigil' AND datname = current_database()")
	s.sink.onPicture = func() error {
		if left--; left < 0 {
			return nil
		}
		return end()
	}
	s.boot()
	s.same()
	if m := s.sink.look(); m.forgets != 5 || m.booted != 1 || m.gaps[0] != nil {
		t.Errorf("begun %d times, booted %d times, gap %v", m.forgets, m.booted, m.gaps)
	}
}

func TestALockedTableIsWaitedForWithoutQueueing(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	lock := session(t, s.dsn)
	s.sink.onPicture = once(func() error {
		_, err := lock.PgConn().Exec(context.Background(), "BEGIN; LOCK TABLE lots IN ACCESS EXCLUSIVE MODE").ReadAll()
		return err
	})
	s.start()
	s.until("a boot given up", func(*memory) bool { return s.says("source_lost", "lock timeout") })
	run(t, lock, "COMMIT")
	s.until("the boot", func(m *memory) bool { return m.booted == 1 })
	s.same()
}

func TestASinkThatFailsEndsTheReader(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	s.sink.onPicture = func() error { return errStop }
	s.start()
	if err := s.ended(); !errors.Is(err, errStop) {
		t.Errorf("a picture refused: %v", err)
	}
	s.sink.onPicture = nil
	s.boot()
	s.sink.commits(func(*Transaction) error { return errStop })
	s.exec("UPDATE lots SET packs = 1")
	if err := s.ended(); !errors.Is(err, errStop) {
		t.Errorf("a commit refused: %v", err)
	}
}

func TestMoreThanThreeBootsAnHourEndTheReader(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	s.start()
	for n := 1; n <= 3; n++ {
		s.until("a boot", func(m *memory) bool { return m.booted == n })
		pgtest.Await(t, s.dsn, fmt.Sprintf("SELECT active FROM pg_replication_slots WHERE slot_name = '%s'", s.cfg.Slot))
		s.exec(fmt.Sprintf(`DO $$ BEGIN
			LOOP
				PERFORM pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = '%[1]s' AND active;
				BEGIN PERFORM pg_drop_replication_slot('%[1]s'); EXIT; EXCEPTION WHEN object_in_use THEN NULL; END;
			END LOOP; END $$`, s.cfg.Slot))
	}
	if err := s.ended(); !errors.Is(err, errBootsTooOften) {
		t.Errorf("ended with %v", err)
	}
	now := time.Now()
	r := &Reader{boots: []time.Time{now.Add(-2 * time.Hour), now.Add(-61 * time.Minute), now.Add(-time.Minute)}}
	for i, want := range []bool{true, true, false, false} {
		if got := r.mayBoot(now); got != want {
			t.Errorf("boot %d after one a minute ago: %v, want %v", i+1, got, want)
		}
	}
	if !r.mayBoot(now.Add(time.Hour)) {
		t.Error("an hour later none is allowed")
	}
}

func TestWhatABusyServerSaysAtTheStartIsPinned(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	name := session(t, dsn).Config().Database
	for _, set := range []string{"datestyle = 'German, DMY'", "intervalstyle = 'iso_8601'", "timezone = 'Asia/Kolkata'", "search_path = nowhere", "default_transaction_read_only = on"} {
		pgtest.Exec(t, dsn, "ALTER DATABASE "+name+" SET "+set)
	}
	s := openAt(t, dsn, "SET transaction_read_only = off; SET search_path = public; BEGIN READ WRITE;"+shopSchema+stocked+"COMMIT", shopMapping)
	s.start()
	s.until("the boot", func(m *memory) bool { return m.booted == 1 })
	s.exec("SET search_path = public; BEGIN READ WRITE; UPDATE lots SET expires = '03.02.2027'; COMMIT")
	s.until("the update", func(m *memory) bool { return len(m.told) == 1 })
	want(t, "a German date", s.sink.look().told[0].String(), "~ lot 11 [t1/b1] expires=2027-01-31>2027-02-03")
}
