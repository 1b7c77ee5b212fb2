package cdc

import (
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// TestWhatOthersWriteIsNoLag: the head of the source's WAL is as far from our last transaction as others have written since, and yet
// there is nothing that we do not know.
func TestWhatOthersWriteIsNoLag(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked+"; CREATE TABLE audit (line text); ALTER TABLE audit ALTER line SET STORAGE EXTERNAL", shopMapping)
	s.boot()
	s.settle()
	s.exec("INSERT INTO audit SELECT repeat(md5(i::text), 256) FROM generate_series(1, 1024) AS i")
	head := pgtest.Ask(t, s.dsn, "SELECT pg_current_wal_flush_lsn()")
	pgtest.Await(t, s.dsn, s.walsender(fmt.Sprintf("r.write_lsn >= '%s'", head)))
	lsn, err := rxvigil.ParseLSN(head)
	must(t, err)
	if seen := s.reader.Seen(); seen < lsn {
		t.Errorf("of the WAL up to %s we have seen %X", head, seen)
	}
	s.same()
}

// TestNothingIsSeenThatIsStillWorkedOn: what is read behind a row counts when the row is worked on.
func TestNothingIsSeenThatIsStillWorkedOn(t *testing.T) {
	t.Parallel()
	s := open(t, shopSchema+stocked, shopMapping)
	s.boot()
	s.settle()
	working, goOn := make(chan uint64), make(chan struct{})
	s.sink.commits(func(tx *Transaction) error {
		if tx.Rows > 0 && len(tx.Messages) == 0 {
			working <- tx.LSN
			<-goOn
		}
		return nil
	})
	s.exec("UPDATE lots SET packs = 3")
	lsn := <-working
	head := pgtest.Ask(t, s.dsn, "SELECT pg_current_wal_flush_lsn()")
	pgtest.Await(t, s.dsn, s.walsender(fmt.Sprintf("r.write_lsn >= '%s'", head)))
	if seen := s.reader.Seen(); seen >= lsn {
		t.Errorf("%X counts as seen while the transaction that ends at %X is worked on", seen, lsn)
	}
	close(goOn)
	s.settle()
	s.same()
}
