package pharmacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// App is the simulated staff of the two pharmacies: it sells what expires first, reserves, dispenses, restocks, writes off
// and errs, one transaction at a time. It keeps stock swinging around the reorder levels for as long as it is left running.
type App struct {
	// Seed makes a run repeatable; 0 is a seed like any other.
	Seed uint64
	// Transactions ends the run after so many; 0 means never.
	Transactions int
	// Log hears of transactions that failed; nil is silent.
	Log *slog.Logger
}

// giveUp is how many transactions in a row may fail before the app says that something is wrong.
const giveUp = 30

// Run works at pace transactions a second (0: as fast as it can) until ctx ends, which is no error. It outlives a restart of
// the database and whatever a person does to the data meanwhile.
func (a *App) Run(ctx context.Context, dsn string, pace float64) error {
	log := a.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &staff{rand: rand.New(rand.NewPCG(a.Seed, 0x7278)), log: log}
	defer s.leave(ctx)
	if err := s.arrive(ctx, dsn); err != nil {
		return unlessDone(ctx, err)
	}
	wait := func() bool { return ctx.Err() == nil }
	if pace > 0 {
		tick := time.NewTicker(time.Duration(float64(time.Second) / pace))
		defer tick.Stop()
		wait = func() bool {
			select {
			case <-ctx.Done():
				return false
			case <-tick.C:
				return true
			}
		}
	}
	for failed := 0; (a.Transactions == 0 || s.done < a.Transactions) && wait(); {
		err := s.work(ctx)
		if err == nil || ctx.Err() != nil {
			failed = 0
			continue
		}
		if failed++; failed == giveUp {
			return fmt.Errorf("the sample app cannot work: %w", err)
		}
		log.Warn("sample_app_transaction_failed", "error", err)
		s.recover(ctx, dsn)
	}
	return nil
}

func unlessDone(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// staff is the app at work. It keeps no stock in its head: every decision is read from the database.
type staff struct {
	conn     *pgx.Conn
	rand     *rand.Rand
	log      *slog.Logger
	branches []branch
	products map[int][]product // by tenant, in order of id
	done     int               // transactions so far
	open     []openSale        // sales that hold a reservation, oldest first
	mistake  *subject          // stock that was changed without a movement, not found yet
}

type branch struct {
	id, tenant int
	code, zone string
}

type product struct {
	id           int64
	price        string // of the seed; today's price stays near it
	reorder, max int
	prescription bool
}

// subject is one product in one branch.
type subject struct {
	branch  branch
	product int64
}

type openSale struct {
	id     string
	branch branch
}

const (
	maxOpenSales = 12
	lockTimeout  = "2s" // a person at psql may hold a row: the app goes on with something else
)

func (s *staff) arrive(ctx context.Context, dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("sample app: %w", err)
	}
	config.RuntimeParams["application_name"] = "sample pharmacy app"
	config.RuntimeParams["lock_timeout"] = lockTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect the sample app: %w", err)
	}
	s.conn = conn
	if s.branches != nil {
		return nil
	}
	return s.learn(ctx)
}

func (s *staff) leave(ctx context.Context) {
	if s.conn != nil {
		_ = s.conn.Close(context.WithoutCancel(ctx)) // nothing to lose: every transaction has ended
	}
}

// recover connects again, after a second, when the connection is gone.
func (s *staff) recover(ctx context.Context, dsn string) {
	if !s.conn.IsClosed() {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-time.After(time.Second):
	}
	if err := s.arrive(ctx, dsn); err != nil {
		s.log.Warn("sample_app_disconnected", "error", err)
	}
}

// learn reads what does not change: who there is and what is sold.
func (s *staff) learn(ctx context.Context) error {
	const branches = `SELECT b.id, b.tenant_id, b.code, t.zone FROM branches b JOIN tenants t ON t.id = b.tenant_id ORDER BY b.id`
	const products = `
		SELECT tenant_id, id, selling_price::text, reorder_level, max_level, requires_prescription
		FROM products WHERE status = 'active' ORDER BY id`
	rows, err := s.conn.Query(ctx, branches)
	if err != nil {
		return fmt.Errorf("read the sample app's branches: %w", err)
	}
	if s.branches, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (b branch, err error) {
		return b, row.Scan(&b.id, &b.tenant, &b.code, &b.zone)
	}); err != nil {
		return fmt.Errorf("read the sample app's branches: %w", err)
	}
	s.products = map[int][]product{}
	rows, err = s.conn.Query(ctx, products)
	if err != nil {
		return fmt.Errorf("read the sample app's products: %w", err)
	}
	var tenant int
	var p product
	if _, err = pgx.ForEachRow(rows, []any{&tenant, &p.id, &p.price, &p.reorder, &p.max, &p.prescription}, func() error {
		s.products[tenant] = append(s.products[tenant], p)
		return nil
	}); err != nil {
		return fmt.Errorf("read the sample app's products: %w", err)
	}
	if len(s.branches) == 0 || len(s.products) == 0 {
		return errors.New("the sample app's database is empty: load it first")
	}
	return nil
}
