package main

import (
	"flag"
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

var long = flag.Bool("long", false, "write 1 GB, not 64 MB, beside the published tables")

// K11: the published tables are idle while the app writes elsewhere. The slot must move all the same: WAL that nobody needs
// would fill the server's disk.
func TestK11UnpublishedWritesDoNotPileUpBehindAnIdleTable(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 1)
	pgtest.Exec(t, s.dsn, "CREATE TABLE audit (line text); ALTER TABLE audit ALTER line SET STORAGE EXTERNAL")
	s.svc.start()
	s.svc.ready()
	before := pgtest.Ask(t, s.dsn, "SELECT pg_current_wal_lsn()")
	chunks := 4
	if *long {
		chunks = 64
	}
	for range chunks { // of 16 MB
		pgtest.Exec(t, s.dsn, "INSERT INTO audit SELECT repeat(md5(i::text), 256) FROM generate_series(1, 2048) AS i")
	}
	behind := pgtest.Ask(t, s.dsn, "SELECT pg_current_wal_lsn()")
	if written := pgtest.Ask(t, s.dsn, fmt.Sprintf("SELECT ('%s'::pg_lsn - '%s') >= %d * 16e6", behind, before, chunks)); written != "t" {
		t.Fatalf("from %s to %s: too little was written", before, behind)
	}
	for _, place := range []string{"confirmed_flush_lsn", "restart_lsn"} {
		pgtest.Exec(t, s.dsn, "CHECKPOINT") // it says which transactions run: only from such a place can decoding begin again
		pgtest.Await(t, s.dsn, fmt.Sprintf("SELECT %s >= '%s' FROM pg_replication_slots WHERE database = current_database()", place, behind))
	}
}
