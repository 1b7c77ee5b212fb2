package cdc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pin fixes what a DBA's per-role or per-database defaults could change about the text in which rows arrive. Parameters of
// the start-up packet win over ALTER ROLE and ALTER DATABASE.
func pin(params map[string]string) {
	maps.Copy(params, map[string]string{
		"DateStyle": "ISO, YMD", "IntervalStyle": "postgres", "extra_float_digits": "3", "bytea_output": "hex", "lc_monetary": "C",
		"TimeZone": "UTC", "client_encoding": "UTF8", "statement_timeout": "0", "lock_timeout": "0",
		"idle_in_transaction_session_timeout": "0", "idle_session_timeout": "0", "default_transaction_read_only": "off", "search_path": "pg_catalog, public", "application_name": "rxvigil",
	})
}

// soon bounds how long a server that does not answer is waited for before it is tried again.
func soon(timeout time.Duration) time.Duration {
	const limit = 10 * time.Second
	if timeout == 0 {
		return limit
	}
	return min(timeout, limit)
}

// Connect opens an ordinary session with pinned settings.
func Connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("source.dsn: %w", err)
	}
	pin(cfg.RuntimeParams)
	cfg.ConnectTimeout = soon(cfg.ConnectTimeout)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the source: %w", err)
	}
	return conn, nil
}

// connectReplication opens a replication session. Its wal_sender_timeout is short: a frozen engine is thrown out soon, and
// another may take the slot.
func connectReplication(ctx context.Context, dsn string) (*pgconn.PgConn, error) {
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("source.dsn: %w", err)
	}
	pin(cfg.RuntimeParams)
	cfg.RuntimeParams["replication"] = "database"
	cfg.RuntimeParams["wal_sender_timeout"] = "3s"
	cfg.ConnectTimeout = soon(cfg.ConnectTimeout)
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if t, ok := c.(*net.TCPConn); ok && err == nil {
			err = t.SetReadBuffer(1 << 20)
		}
		if err != nil {
			return c, err
		}
		if c, err = unwatched(c); err != nil {
			return nil, err
		}
		return newGathering(c), nil
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect for replication: %w", err)
	}
	return conn, nil
}

// cause sorts the errors of a stream by what is to be done about them.
type cause int

const (
	transient cause = iota // try again, for ever
	occupied               // the slot is in use: wait
	gap                    // WAL that we need is gone: boot again
	hopeless               // somebody must grant or change something
)

func causeOf(err error) cause {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return transient
	}
	switch {
	case pg.Code == "55006":
		return occupied
	case pg.Code == "55000" || pg.Code == "42704" || pg.Code == "58P01":
		return gap
	case strings.HasPrefix(pg.Code, "28") || pg.Code == "42501" || pg.Code == "3D000":
		return hopeless
	}
	return transient
}

// jittered is a wait before the n-th try: full jitter under a ceiling that doubles from 100 ms to 10 s.
func jittered(n int, random func(int64) int64) time.Duration {
	ceiling := min(100*time.Millisecond<<min(n, 10), 10*time.Second)
	return 20*time.Millisecond + time.Duration(random(int64(ceiling)))
}

// wait sleeps, or ends with ctx.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// sentinel watches an ordinary session and calls shut when it ends, with why: a server that shuts down ends ordinary
// sessions first, and then waits for its replication receivers to go. It blocks until ctx ends or the session does.
func sentinel(ctx context.Context, dsn string, shut func(error)) {
	conn, err := Connect(ctx, dsn)
	if err != nil {
		shut(err)
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.WaitForNotification(ctx); ctx.Err() == nil {
		shut(fmt.Errorf("sentinel session: %w", err))
	}
}
