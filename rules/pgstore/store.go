// Package pgstore keeps alerts, history, occurrences and the engine's own row in Postgres, in the schema rxvigil that
// package migrations makes.
package pgstore

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rxvigil/rxvigil/rules"
)

// Config is what a store may be told at its start.
type Config struct {
	// Quarantined is called, within Save, for each transition the database refused for a value in it. Nil: it is logged.
	Quarantined func(rules.Transition, error)
	Log         *slog.Logger // nil: silence
}

// Store is a rules.Store. Any number of goroutines may read; one saves. It writes only after Claim, and only until another
// store claims.
type Store struct {
	pool        *pgxpool.Pool
	generation  int64
	quarantined func(rules.Transition, error)
}

// New gives a store over a pool, which stays the caller's to close.
func New(pool *pgxpool.Pool, c Config) *Store {
	s := &Store{pool: pool, quarantined: c.Quarantined}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if s.quarantined == nil {
		s.quarantined = func(t rules.Transition, err error) {
			log.Error("alert quarantined", "alert_id", t.Alert.ID, "version", t.Alert.Version, "error", err)
		}
	}
	return s
}

// parseLSN reads what Postgres prints: 0/16B3748.
func parseLSN(s string) (uint64, error) {
	high, low, ok := strings.Cut(s, "/")
	h, err1 := strconv.ParseUint(high, 16, 32)
	l, err2 := strconv.ParseUint(low, 16, 32)
	if !ok || err1 != nil || err2 != nil {
		return 0, fmt.Errorf("%.40q is no LSN", s)
	}
	return h<<32 | l, nil
}

// one runs a statement that must change the engine's row, and is fenced when it does not.
func (s *Store) one(ctx context.Context, doing, sql string, args ...any) error {
	tag, err := s.pool.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%s: %w", doing, rules.ErrFenced)
	}
	return nil
}
