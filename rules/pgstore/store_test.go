package pgstore_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/migrations"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/pgstore"
	"github.com/rxvigil/rxvigil/rules/rulestest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// setup is a pool over a fresh, migrated database.
func setup(t *testing.T) *pgxpool.Pool {
	t.Helper()
	dsn := pgtest.Database(t)
	if err := migrations.Up(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func claim(t *testing.T, pool *pgxpool.Pool, c pgstore.Config) (*pgstore.Store, pgstore.Engine) {
	t.Helper()
	s := pgstore.New(pool, c)
	e, err := s.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, e
}

func TestPostgresIsAStore(t *testing.T) {
	t.Parallel()
	rulestest.Suite(t, func(t *testing.T) rulestest.Claim {
		pool := setup(t)
		return func() rules.Store {
			s, _ := claim(t, pool, pgstore.Config{})
			return s
		}
	})
}

func TestTheEngineRowSaysWhoMayWriteAndHowFarItIs(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	s, e := claim(t, pool, pgstore.Config{})
	if e.Generation != 1 || e.Identity != "" || !e.Position.IsZero() || e.Confirmed != 0 {
		t.Errorf("a fresh row is %+v", e)
	}
	if err := errors.Join(s.Identify(t.Context(), "sys/1/5", "abc", 3), s.Confirm(t.Context(), 0x1_0000_0010)); err != nil {
		t.Fatal(err)
	}
	_, e = claim(t, pool, pgstore.Config{})
	if e.Generation != 2 || e.Identity != "sys/1/5" || e.Epoch != "abc" || e.SlotGeneration != 3 || e.Confirmed != 0x1_0000_0010 {
		t.Errorf("the row is %+v", e)
	}
	for what, err := range map[string]error{
		"identify": s.Identify(t.Context(), "x", "y", 1), "confirm": s.Confirm(t.Context(), 1),
		"save": s.Save(t.Context(), []rules.Commit{{Epoch: "e", Tx: rxvigil.Tx{LSN: 1}}}),
	} {
		if !errors.Is(err, rules.ErrFenced) {
			t.Errorf("%s after another claim: %v", what, err)
		}
	}
	if got, err := s.Status(t.Context()); err != nil || got.Identity != "sys/1/5" || got.Confirmed != 0x1_0000_0010 {
		t.Errorf("status %+v, %v", got, err)
	}
}

func TestTheInstallKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	s := pgstore.New(pool, pgstore.Config{})
	ipad, opad, err := s.InstallKey(t.Context())
	if err != nil || len(ipad) != 64 || len(opad) != 64 {
		t.Fatalf("pads of %d and %d bytes, %v", len(ipad), len(opad), err)
	}
	for i := range ipad {
		if ipad[i]^0x36 != opad[i]^0x5c {
			t.Fatalf("the pads are not of one key at %d", i)
		}
	}
	again, _, err := s.InstallKey(t.Context())
	if err != nil || !slices.Equal(again, ipad) {
		t.Errorf("the key changed, %v", err)
	}
}

func aCommit(lsn uint64, names ...string) rules.Commit {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	c := rules.Commit{Epoch: "e", Tx: rxvigil.Tx{LSN: lsn, XID: 1, At: at}}
	for _, name := range names {
		a := rxvigil.Alert{
			Rule: "low_stock", Status: rxvigil.Firing, Episode: 1, Version: 1, Tenant: "t", StartedAt: at, ChangedAt: at,
			Subject: rxvigil.Subject{Type: "medicine", ID: strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), ""), Name: name},
		}
		a.ID = rxvigil.AlertID(a.Fingerprint(), 1)
		c.Transitions = append(c.Transitions, rules.Transition{Alert: &a, Event: rxvigil.AlertRaised})
	}
	return c
}

func TestAPoisonousValueIsQuarantinedAndTheOthersAreStored(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	var refused []string
	s, _ := claim(t, pool, pgstore.Config{Quarantined: func(tr rules.Transition, err error) {
		refused = append(refused, tr.Alert.Subject.ID+": "+err.Error())
	}})
	poison := aCommit(16, "good", "bad\x00name", "other")
	poison.Transitions[2].Note = "a\xffb"
	if err := s.Save(t.Context(), []rules.Commit{poison, aCommit(24, "later")}); err != nil {
		t.Fatal(err)
	}
	if len(refused) != 2 || !strings.Contains(refused[0], "badname") {
		t.Errorf("quarantined %q", refused)
	}
	got, err := s.Load(t.Context())
	if err != nil || len(got.Alerts) != 2 || got.Position.LSN != 24 {
		t.Errorf("%d alerts at %d, %v", len(got.Alerts), got.Position.LSN, err)
	}
	var lines int
	const sql = `SELECT count(*) FROM rxvigil.alert_history WHERE tenant = 't' AND quarantined LIKE '22%' AND body IS NULL`
	if err := pool.QueryRow(t.Context(), sql).Scan(&lines); err != nil || lines != 2 {
		t.Errorf("%d lines say so, %v", lines, err)
	}
}

func TestADatabaseThatCannotBeReachedStopsTheLine(t *testing.T) {
	t.Parallel()
	pool := setup(t)
	s, _ := claim(t, pool, pgstore.Config{})
	pool.Close()
	if err := s.Save(t.Context(), []rules.Commit{aCommit(16, "m")}); err == nil || errors.Is(err, rules.ErrFenced) {
		t.Errorf("saved into a closed pool: %v", err)
	}
}
