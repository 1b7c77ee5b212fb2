package main

import (
	"context"
	"crypto/rand"
	"net"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// readRaw reads a copy of the slot from where the engine stands, and throws away what it reads.
func (l *drainLine) readRaw(b *testing.B, dsn string, rows int) (s spent) {
	b.Helper()
	publication := l.config(b).Source.Publication
	l.withCopy(b, dsn, func(slot string) {
		pprof.Do(context.Background(), pprof.Labels("phase", "raw", "backlog", b.Name()), func(ctx context.Context) {
			conn := rawStream(b, ctx, dsn, slot, publication, pglogrepl.LSN(l.position))
			s = discard(b, conn, rows)
			_ = conn.Close(ctx)
		})
	})
	return s
}

// withCopy has a copy of the engine's slot for as long as read runs.
func (l *drainLine) withCopy(b *testing.B, dsn string, read func(slot string)) {
	b.Helper()
	name := "rxv_" + strings.ToLower(rand.Text()[:12])
	pgtest.Exec(b, dsn, "SELECT pg_copy_logical_replication_slot('"+l.config(b).Source.Slot+"', '"+name+"')")
	read(name)
	pgtest.Await(b, dsn, "SELECT NOT active FROM pg_replication_slots WHERE slot_name = '"+name+"'")
	pgtest.Exec(b, dsn, "SELECT pg_drop_replication_slot('"+name+"')")
}

// rawStream starts replication as the engine does, with the same receive buffer.
func rawStream(b *testing.B, ctx context.Context, dsn, slot, publication string, from pglogrepl.LSN) *pgconn.PgConn {
	b.Helper()
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	cfg.RuntimeParams["replication"] = "database"
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if t, ok := c.(*net.TCPConn); ok && err == nil {
			err = t.SetReadBuffer(1 << 20)
		}
		return c, err
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		b.Fatal(err)
	}
	err = pglogrepl.StartReplication(ctx, conn, slot, from, pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + publication + "'", "messages 'true'"},
	})
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// discard reads so many updates, and answers keepalives. The meter runs from the first to the last.
func discard(b *testing.B, conn *pgconn.PgConn, want int) spent {
	b.Helper()
	ctx := context.Background()
	var m *meter
	for rows, reported := 0, time.Now(); rows < want; {
		msg, err := conn.ReceiveMessage(ctx)
		if err != nil {
			b.Fatal(err)
		}
		data, ok := msg.(*pgproto3.CopyData)
		if !ok {
			b.Fatalf("the server sent %T", msg)
		}
		asked := data.Data[0] == 'k' && data.Data[17] == 1
		if data.Data[0] == 'w' && data.Data[25] == 'U' {
			if rows++; m == nil {
				m = startMeter()
			}
		}
		if asked || rows%4096 == 0 && time.Since(reported) > time.Second {
			reported = time.Now()
			if err := pglogrepl.SendStandbyStatusUpdate(ctx, conn, pglogrepl.StandbyStatusUpdate{WALWritePosition: 1}); err != nil {
				b.Fatal(err)
			}
		}
	}
	return m.stop(want)
}
