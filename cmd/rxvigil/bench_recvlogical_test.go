package main

import (
	"os/exec"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// recvlogical has pg_recvlogical write a backlog of so many rows to nowhere, from where the engine stands to the end. It
// hides when its first row comes, so its wall time begins as the process does: some ten milliseconds against it. Nothing when
// somebody else runs the server, whose programs are not known.
func (l *drainLine) recvlogical(b *testing.B, dsn string, rows int) []spent {
	b.Helper()
	program := pgtest.Binary(b, "pg_recvlogical")
	if program == "" {
		return nil
	}
	publication := l.config(b).Source.Publication
	end := pgtest.Ask(b, dsn, "SELECT pg_current_wal_flush_lsn()")
	var s spent
	l.withCopy(b, dsn, func(slot string) {
		cmd := exec.CommandContext(b.Context(), program, "--start", "--no-loop", "--dbname="+dsn, "--slot="+slot, "--file=/dev/null",
			"--startpos="+rxvigil.FormatLSN(l.position), "--endpos="+end,
			"--option=proto_version=1", "--option=publication_names="+publication)
		began := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("pg_recvlogical: %v\n%s", err, out)
		}
		s = spent{rows: rows, wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	})
	return []spent{s}
}
