//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

// The sample app's tenants, by id and by subdomain.
var tenants = []struct{ id, name string }{{"1", "testpharmacy"}, {"2", "lifeline"}}

// scene is a running pair of pharmacies with an engine and a viewer for each of them.
type scene struct {
	t       *testing.T
	server  *server
	engine  *engine
	views   []*viewer // in the order of tenants
	ends    int
	ledgers []ledger // of each tenant, since the last mark
	resyncs int      // of each viewer that were in order
}

// setup boots an engine cold on a fresh server. The engine reaches the server at the address that reach gives; without
// reach, at the one the app uses.
func setup(t *testing.T, reach func(*server) string) *scene {
	t.Helper()
	t.Parallel()
	s := &scene{t: t, server: startServer(t)}
	dsn := s.server.dsn
	if reach != nil {
		dsn = reach(s.server)
	}
	s.engine = newEngine(t, dsn)
	s.engine.start()
	for _, tenant := range tenants {
		s.views = append(s.views, watch(t, s.engine, tenant.name))
	}
	s.mark()
	return s
}

// work sets two apps to work side by side; home sends them home and waits until their last transactions have ended.
func (s *scene) work() (home func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	for seed := range uint64(2) {
		app := pharmacy.App{Seed: seed, Log: slog.New(slog.DiscardHandler)}
		go func() { ended <- app.Run(ctx, s.server.dsn, 40) }() // ends with ctx, before home returns
	}
	s.t.Cleanup(cancel)
	return func() {
		s.t.Helper()
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				s.t.Errorf("the app could not work: %v", err)
			}
		}
	}
}

// busy waits until a good piece of work has come through.
func (s *scene) busy() {
	s.t.Helper()
	for _, v := range s.views {
		n := len(v.seen()) + 100
		v.await("more work", func() bool { return len(v.events) >= n })
	}
}

// end waits until the viewers have everything that was committed.
func (s *scene) end() {
	s.t.Helper()
	s.ends++
	for i, v := range s.views {
		s.server.exec(`SELECT rxvigil.notify($1, 'the_end', jsonb_build_object('n', $2::int))`, tenants[i].id, s.ends)
		v.sees("the end", func(e event) bool {
			var d struct{ N int }
			return e.Type == "the_end" && json.Unmarshal(e.Data, &d) == nil && d.N == s.ends
		})
	}
}

// check holds what was told since the mark, and the alerts as they stand, against the app's own tables.
func (s *scene) check() {
	s.t.Helper()
	s.end()
	for i, v := range s.views {
		s.checkTold(tenants[i].id, v, s.ledgers[i])
		if n := count(v.told(), "resync"); n != s.resyncs {
			s.t.Errorf("the viewer of %s was told to resync: %v", v.tenant, v.told())
		}
	}
	s.checkAlerts()
}
