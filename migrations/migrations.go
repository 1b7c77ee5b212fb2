// Package migrations is our schema in Postgres: one schema named rxvigil, forward only. It needs no more than CREATE on the
// database, and runs on PostgreSQL 14 to 18.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed *.sql
var files embed.FS

// table is where goose notes what was applied.
const table = "rxvigil.migrations"

// lockKey is the advisory lock under which migrations run: two engines may start at once.
const lockKey = 0x7278_7669_6769_6c00 // "rxvigil"

// Step is one migration. At is zero while it is not applied.
type Step struct {
	Version int64
	Name    string
	At      time.Time
}

// Applied tells whether the database has the step.
func (s Step) Applied() bool { return !s.At.IsZero() }

// Up brings the schema up to date. It may run any number of times, from several processes at once: one does the work, the
// others wait for it. Each step is one transaction.
func Up(ctx context.Context, dsn string) (err error) {
	db, err := open(dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	unlock, err := lock(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := createSchema(ctx, db); err != nil {
		return err
	}
	steps, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(table), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Status lists every step this binary knows, in order. It changes nothing.
func Status(ctx context.Context, dsn string) (steps []Step, err error) {
	db, err := open(dsn)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	applied, err := appliedAt(ctx, db)
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithTableName(table), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	for _, s := range provider.ListSources() {
		name := strings.TrimSuffix(path.Base(s.Path), ".sql")
		steps = append(steps, Step{Version: s.Version, Name: name, At: applied[s.Version]})
	}
	return steps, nil
}

func open(dsn string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return stdlib.OpenDB(*config), nil
}

// lock takes the advisory lock on a connection of its own and gives back how to release it.
func lock(ctx context.Context, db *sql.DB) (func() error, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations: connect: %w", err)
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(lockKey)); err != nil {
		return nil, errors.Join(fmt.Errorf("migrations: lock: %w", err), conn.Close())
	}
	return func() error {
		// Not the caller's context: the lock must go also when that has ended.
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(lockKey))
		return errors.Join(err, conn.Close())
	}, nil
}

// createSchema asks first: CREATE SCHEMA IF NOT EXISTS wants the privilege even when there is nothing to create.
func createSchema(ctx context.Context, db *sql.DB) error {
	var exists bool
	if err := db.QueryRowContext(ctx, `SELECT to_regnamespace('rxvigil') IS NOT NULL`).Scan(&exists); err != nil {
		return fmt.Errorf("migrations: look for schema rxvigil: %w", err)
	}
	if exists {
		return nil
	}
	if _, err := db.ExecContext(ctx, `CREATE SCHEMA rxvigil`); err != nil {
		return fmt.Errorf("create schema rxvigil (it needs GRANT CREATE ON DATABASE): %w", err)
	}
	return nil
}

func appliedAt(ctx context.Context, db *sql.DB) (_ map[int64]time.Time, err error) {
	var exists bool
	if err := db.QueryRowContext(ctx, `SELECT to_regclass('rxvigil.migrations') IS NOT NULL`).Scan(&exists); err != nil {
		return nil, fmt.Errorf("migrations: status: %w", err)
	}
	if !exists {
		return nil, nil
	}
	rows, err := db.QueryContext(ctx, `SELECT version_id, tstamp FROM rxvigil.migrations WHERE is_applied`)
	if err != nil {
		return nil, fmt.Errorf("migrations: status: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	applied := map[int64]time.Time{}
	for rows.Next() {
		var version int64
		var at time.Time
		if err := rows.Scan(&version, &at); err != nil {
			return nil, fmt.Errorf("migrations: status: %w", err)
		}
		applied[version] = at
	}
	return applied, rows.Err()
}
