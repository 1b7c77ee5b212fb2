package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/migrations"
	"github.com/rxvigil/rxvigil/portal"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/pgstore"
	"github.com/rxvigil/rxvigil/state"
)

func newRun() *cobra.Command {
	c := ofAllSources(&cobra.Command{Use: "run", Short: "Run the service"})
	load := withConfig(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		return serve(c.Context(), cfg, cfg.logger(), nil)
	}
	return c
}

// serve runs the whole service until ctx ends. It creates nothing before everything that can be known to fail has been
// looked at. live, if not nil, is called with the address once it listens.
func serve(ctx context.Context, cfg *config, logger *slog.Logger, live func(addr string)) error {
	all := cfg.each()
	for _, one := range all {
		if err := preflight(ctx, one); err != nil {
			return ofSource(one, err)
		}
	}
	var homes []*home
	defer func() {
		for _, h := range slices.Backward(homes) {
			h.leave()
		}
	}()
	for _, one := range all {
		h := newHome(one, logger)
		homes = append(homes, h)
		if err := h.turn.await(ctx); err != nil || ctx.Err() != nil {
			return ofSource(one, err)
		}
	}
	ln, err := listen(ctx, cfg.Push.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }()
	var doors []push.Door
	for _, h := range homes {
		if err := h.move(ctx); err != nil {
			return ofSource(h.cfg, err)
		}
		doors = append(doors, push.Door{Name: h.cfg.Source.name, Server: h.house.server})
	}
	if live != nil {
		live(ln.Addr().String())
	}
	logger.InfoContext(ctx, "serving", "url", "http://"+ln.Addr().String()+"/", "version", version())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return push.Serve(ctx, ln, doors...) })
	for _, h := range homes {
		g.Go(func() error { return ofSource(h.cfg, h.house.run(ctx)) })
	}
	return g.Wait()
}

// ofSource says which of several sources an error is about.
func ofSource(cfg *config, err error) error {
	if err == nil || cfg.Source.name == "" {
		return err
	}
	return fmt.Errorf("source %s: %w", cfg.Source.name, err)
}

// home is where the house of a source stands: its turn, its disk.
type home struct {
	cfg    *config
	logger *slog.Logger
	turn   *turn
	disk   *state.Store
	house  *house
}

func newHome(cfg *config, logger *slog.Logger) *home {
	if cfg.Source.name != "" {
		logger = logger.With("source", cfg.Source.name)
	}
	return &home{cfg: cfg, logger: logger, turn: newTurn(cfg, logger)}
}

// move opens the disk and builds the house.
func (h *home) move(ctx context.Context) error {
	var err error
	if h.disk, err = openDisk(h.cfg, h.turn.threw, h.logger); err != nil {
		return err
	}
	if h.house, err = build(ctx, h.cfg, h.logger, h.disk); err != nil {
		return err
	}
	h.house.turn, h.house.engine.turn = h.turn, h.turn
	return nil
}

func (h *home) leave() {
	if h.house != nil {
		h.house.close()
	}
	if h.disk != nil {
		if err := h.disk.Close(); err != nil {
			h.logger.Error("state_not_closed", "error", err.Error())
		}
	}
	h.turn.drop()
}

func readerConfig(cfg *config, logger *slog.Logger, key cdc.Key) cdc.Config {
	return cdc.Config{
		DSN: cfg.Source.DSN, Slot: cfg.Source.Slot, Publication: cfg.Source.Publication, Mapping: &cfg.Mapping, Key: key, Log: logger,
		Failover: cfg.Source.Failover == nil || *cfg.Source.Failover,
	}
}

// house is the rooms, furnished: what one process runs.
type house struct {
	turn      *turn
	engine    *engine
	reader    *cdc.Reader
	server    *push.Server
	scheduler *rules.Scheduler
	pulse     *pulse
	packs     *packWatch
	couriers  []*push.Courier
	source    *pgxpool.Pool
	alerts    *pgxpool.Pool
}

// build opens the databases, claims the alert store, and wires the rooms.
func build(ctx context.Context, cfg *config, logger *slog.Logger, disk *state.Store) (*house, error) {
	if err := migrations.Up(ctx, cfg.State.DSN); err != nil {
		return nil, fmt.Errorf("prepare our schema: %w", err)
	}
	h := &house{}
	var err error
	if h.source, err = openPool(ctx, cfg.Source.DSN); err != nil {
		return nil, fmt.Errorf("source.dsn: %w", err)
	}
	if h.alerts, err = openPool(ctx, cfg.State.DSN); err != nil {
		h.source.Close()
		return nil, fmt.Errorf("state.dsn: %w", err)
	}
	if err := h.furnish(ctx, cfg, logger, disk); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

// openPool opens ordinary sessions. The server ends one that was left in the middle of a transaction: an engine that is frozen or
// cut off there would hold the row that its successor has to claim, and keep a slot from being made.
func openPool(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	c.ConnConfig.RuntimeParams["application_name"] = "rxvigil"
	c.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "3s"
	return pgxpool.NewWithConfig(ctx, c)
}

// installKey reads what our messages are signed with.
func installKey(ctx context.Context, pg *pgstore.Store) (cdc.Key, error) {
	inner, outer, err := pg.InstallKey(ctx)
	if err != nil {
		return cdc.Key{}, fmt.Errorf("read install key: %w", err)
	}
	return cdc.Key{Inner: inner, Outer: outer}, nil
}

func (h *house) furnish(ctx context.Context, cfg *config, logger *slog.Logger, disk *state.Store) error {
	pg := pgstore.New(h.alerts, pgstore.Config{Log: logger})
	row, err := pg.Status(ctx) // as the engine before left it: a claim stamps the row
	if err != nil {
		return fmt.Errorf("read the alert store: %w", err)
	}
	_, err = pg.Claim(ctx)
	if err != nil {
		return fmt.Errorf("claim the alert store: %w", err)
	}
	key, err := installKey(ctx, pg)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	log := push.NewLog(push.LogOptions{}, archive{disk, logger})
	if h.engine, err = newEngine(cfg, disk, pg, log, logger, registry); err != nil {
		return err
	}
	kept, err := keptFrom(disk.Meta(), row)
	if err != nil {
		return err
	}
	if kept.Shape, err = disk.Shape(); err != nil {
		return err
	}
	h.reader = cdc.NewReader(readerConfig(cfg, logger, key), kept)
	limits, err := cfg.walLimits()
	if err != nil {
		return err
	}
	h.pulse = &pulse{source: h.source, key: key, engine: h.engine, reader: h.reader, confirm: pg.Confirm, limits: limits, logger: logger}
	say := &speaker{source: h.source, requests: pg, key: key, e: h.engine}
	if h.scheduler, err = rules.NewScheduler(h.engine.rules.Load().Pack(), calendar{h.engine}, say, logger); err != nil {
		return err
	}
	receivers, err := cfg.receivers()
	if err != nil {
		return err
	}
	h.packs = newPackWatch(cfg, h.engine, h.scheduler, logger)
	h.employ(receivers, log, pg, registry, logger)
	d := desk{h.engine}
	gate, err := cfg.gate(ctx)
	if err != nil {
		return err
	}
	h.server, err = push.NewServer(push.Options{
		Log: log, Directory: d, Shelf: d, Dispensary: d, RuleBook: newRuleBook(h.engine, cfg), Alerts: d, Thresholds: d, Commander: say, Vitals: d, Staff: &h.engine.staff,
		Site: portal.Handler(), Registry: registry, Logger: logger, CORSOrigins: cfg.Push.CORSOrigins, Drain: cfg.Push.Drain,
		Gate: gate, Limits: cfg.Push.Limits, HubPaths: cfg.Push.HubPaths, HubTransports: cfg.Push.HubTransports, HubKey: key.Derive("SignalR connection tokens"),
	})
	if err != nil {
		return err
	}
	h.engine.staff.onChange(h.server.Reauthorize)
	h.engine.onRevoke = func(m cdc.Message) { takeBack(h.server, m) }
	return recall(ctx, h.server, pg)
}

// run starts everything that runs, and waits for all of it. The first that fails ends the others.
func (h *house) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.turn.Run(ctx) })
	g.Go(func() error { return h.reader.Run(ctx, h.engine) })
	g.Go(func() error { return h.pulse.Run(ctx) })
	g.Go(func() error { return h.engine.heap.Run(ctx) })
	g.Go(func() error { return h.packs.Run(ctx) })
	for _, c := range h.couriers {
		g.Go(func() error { return c.Run(ctx) })
	}
	g.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-h.engine.ready:
			return h.scheduler.Run(ctx)
		}
	})
	err := g.Wait()
	if isFenced(err) {
		return fmt.Errorf("%w: this one stops", err)
	}
	return err
}

func (h *house) close() {
	done := make(chan struct{})
	go func() { h.source.Close(); h.alerts.Close(); close(done) }() // ends with the process at the latest
	select {
	case <-done:
	case <-time.After(2 * time.Second):
	}
}
