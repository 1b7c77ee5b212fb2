package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rxvigil/rxvigil/internal/pharmacy"
	"github.com/rxvigil/rxvigil/internal/privatepg"
)

func newDemo() *cobra.Command {
	c := &cobra.Command{
		Use:   "demo",
		Short: "Everything at once, with no preparation: a Postgres, a pharmacy app, the engine and a dashboard",
	}
	var d demo
	pace := c.Flags().String("pace", "5/s", "transactions of the simulated app, per second")
	c.Flags().StringVar(&d.listen, "listen", "127.0.0.1:8080", "address to serve on")
	c.Flags().BoolVar(&d.quiet, "quiet-app", false, "no simulated app: you are the app")
	c.Flags().StringVar(&d.dsn, "dsn", "", "use this empty database instead of a private Postgres")
	c.Flags().StringVar(&d.level, "log-level", "warn", "debug, info, warn or error")
	c.RunE = func(c *cobra.Command, _ []string) error {
		var err error
		if d.pace, err = strconv.ParseFloat(strings.TrimSuffix(*pace, "/s"), 64); err != nil || d.pace <= 0 || d.pace > 1000 {
			return usage(fmt.Errorf("--pace %s: say how many a second, such as 5/s", *pace))
		}
		d.out = c.OutOrStdout()
		return d.run(c.Context())
	}
	return c
}

// demo is the whole product on one machine, leaving nothing behind.
type demo struct {
	listen, dsn, level string
	quiet              bool
	pace               float64
	out                io.Writer
}

func (d *demo) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "rxvigil-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	dsn, stop, err := d.database(ctx)
	if err != nil {
		return err
	}
	defer stop()
	cfg, err := demoConfig(dsn, dir, d.listen, d.level)
	if err != nil {
		return err
	}
	logger := cfg.logger()
	g, ctx := errgroup.WithContext(ctx)
	live := make(chan string, 1)
	g.Go(func() error { return serve(ctx, cfg, logger, func(addr string) { live <- addr }) })
	g.Go(func() error { return d.app(ctx, dsn, logger, live) })
	err = g.Wait()
	if d.dsn != "" {
		if derr := dropAll(context.Background(), cfg); err == nil {
			err = derr
		}
	}
	return err
}

// database gives a database with the app's tables, and how to end it.
func (d *demo) database(ctx context.Context) (dsn string, stop func(), err error) {
	fmt.Fprintln(d.out, "starting a Postgres …")
	server, err := privatepg.Start(ctx, privatepg.Options{DSN: d.dsn})
	if err != nil {
		return "", nil, fmt.Errorf("start a Postgres for the demo: %w", err)
	}
	fmt.Fprintln(d.out, "using", server.Source())
	stop = func() { _ = server.Close() }
	dsn = d.dsn
	if dsn == "" {
		dsn = server.DSN("postgres")
	}
	if err := pharmacy.Load(ctx, dsn); err != nil {
		stop()
		return "", nil, fmt.Errorf("load the sample app: %w", err)
	}
	return dsn, stop, nil
}

func demoConfig(dsn, dir, listen, level string) (*config, error) {
	cfg, err := parseConfig("the demo's mapping", []byte(pharmacy.Mapping))
	if err != nil {
		return nil, err
	}
	cfg.Source.DSN, cfg.DataDir, cfg.Push.Listen, cfg.Log.Level = dsn, dir, listen, level
	return cfg, cfg.validate()
}

// app tells what to look at, then runs the simulated app.
func (d *demo) app(ctx context.Context, dsn string, logger *slog.Logger, live <-chan string) error {
	select {
	case <-ctx.Done():
		return nil
	case addr := <-live:
		d.welcome(addr, dsn)
	}
	if d.quiet {
		return nil
	}
	return (&pharmacy.App{Seed: 1, Log: logger}).Run(ctx, dsn, d.pace)
}

func (d *demo) welcome(addr, dsn string) {
	fmt.Fprintf(d.out, `
  dashboard   http://%[1]s/
  stream      curl -N http://%[1]s/api/tenant/testpharmacy/stream
  terminal    rxvigil tail --url http://%[1]s --tenant lifeline
  database    psql '%[2]s'
              try: UPDATE inventory SET quantity_on_hand = 0 WHERE product_id = (SELECT id FROM products LIMIT 1);

  Nobody is asked who they are, so this listens on this machine only. Ctrl-C ends it and leaves nothing behind.

`, addr, dsn)
}
