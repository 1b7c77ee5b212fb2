package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/pharmacy"
	"github.com/rxvigil/rxvigil/internal/privatepg"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
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
	c.Flags().BoolVar(&d.asks, "auth", false, "ask everybody who they are; a token for each role is printed")
	c.Flags().StringVar(&d.dsn, "dsn", "", "use this empty database instead of a private Postgres")
	c.Flags().StringVar(&d.level, "log-level", "warn", "debug, info, warn or error")
	oneWordOf(c, "log-level", "debug", "info", "warn", "error")
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
	quiet, asks        bool
	pace               float64
	out                io.Writer
}

func (d *demo) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "rxvigil-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := d.listenable(ctx); err != nil {
		return err
	}
	dsn, stop, err := d.database(ctx)
	if err != nil {
		return err
	}
	defer stop()
	cfg, err := demoConfig(dsn, dir, d.listen, d.level)
	if err != nil {
		return err
	}
	if d.asks {
		cfg.Auth = &auth.Config{Secret: rand.Text() + rand.Text()}
	}
	logger := cfg.logger()
	g, ctx := errgroup.WithContext(ctx)
	live := make(chan string, 1)
	g.Go(func() error { return serve(ctx, cfg, logger, func(addr string) { live <- addr }) })
	g.Go(func() error { return d.app(ctx, cfg, logger, live) })
	err = g.Wait()
	if d.dsn != "" {
		err = errors.Join(err, dropAll(context.WithoutCancel(ctx), cfg))
	}
	return err
}

// listenable looks at the address before a server is started for nothing.
func (d *demo) listenable(ctx context.Context) error {
	if err := push.CheckListen(d.listen, false); err != nil {
		return err
	}
	ln, err := listen(ctx, d.listen)
	if err != nil {
		return errors.New(strings.Replace(err.Error(), "push.listen", "--listen", 1))
	}
	return ln.Close()
}

// database gives a database with the app's tables, and how to leave it as it was.
func (d *demo) database(ctx context.Context) (dsn string, leave func(), err error) {
	if d.dsn != "" {
		leave, err = d.borrow(ctx)
		return d.dsn, leave, err
	}
	fmt.Fprintln(d.out, "starting a Postgres …")
	server, err := privatepg.Start(ctx, privatepg.Options{})
	if err != nil {
		return "", nil, fmt.Errorf("start a Postgres for the demo: %w", err)
	}
	fmt.Fprintln(d.out, "using", server.Source())
	leave = func() { _ = server.Close() }
	if err := pharmacy.Load(ctx, server.DSN("postgres")); err != nil {
		leave()
		return "", nil, fmt.Errorf("load the sample app: %w", err)
	}
	return server.DSN("postgres"), leave, nil
}

const tablesSQL = `SELECT ARRAY(SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1)`

// borrow puts the app's tables into somebody's empty database; they go when the demo ends.
func (d *demo) borrow(ctx context.Context) (leave func(), err error) {
	conn, problem := reach(ctx, "--dsn", d.dsn)
	if problem != nil {
		return nil, errors.New(problem.String())
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var tables []string
	if err := conn.QueryRow(ctx, tablesSQL).Scan(&tables); err != nil {
		return nil, fmt.Errorf("--dsn: list tables: %w", err)
	}
	if len(tables) > 0 {
		return nil, fmt.Errorf("--dsn: the database has tables already, %s among them: make an empty one for the demo, with CREATE DATABASE", tables[0])
	}
	fmt.Fprintln(d.out, "using PostgreSQL", conn.PgConn().ParameterStatus("server_version"), "at", conn.Config().Host)
	if err := pharmacy.Load(ctx, d.dsn); err != nil {
		return nil, fmt.Errorf("load the sample app: %w", err)
	}
	if err := conn.QueryRow(ctx, tablesSQL).Scan(&tables); err != nil {
		return nil, fmt.Errorf("--dsn: list tables: %w", err)
	}
	return func() { d.giveBack(tables) }, nil
}

// giveBack removes the app's tables.
func (d *demo) giveBack(tables []string) {
	ctx, cancel := context.WithTimeout(context.Background(), connectPatience) // the demo's own has ended
	defer cancel()
	conn, problem := reach(ctx, "--dsn", d.dsn)
	if problem != nil {
		fmt.Fprintln(d.out, "the sample app's tables stay:", problem)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	for i, t := range tables {
		tables[i] = pgx.Identifier{"public", t}.Sanitize()
	}
	if _, err := conn.Exec(ctx, "DROP TABLE IF EXISTS "+strings.Join(tables, ", ")); err != nil {
		fmt.Fprintln(d.out, "the sample app's tables stay:", err)
	}
}

func demoConfig(dsn, dir, listen, level string) (*config, error) {
	cfg, err := parseConfig("the demo's mapping", []byte(pharmacy.Mapping))
	if err != nil {
		return nil, err
	}
	cfg.Source.DSN, cfg.DataDir, cfg.Push.Listen, cfg.Log.Level = dsn, dir, listen, level
	pack := filepath.Join(dir, "pack.yaml")
	if err := os.WriteFile(pack, []byte(demoPack), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's rules: %w", err)
	}
	cfg.Rules = []string{pack}
	return cfg, cfg.validate()
}

// demoPack is the default pack for a pharmacy that sells in a minute what others sell in a day: to the demand of the weeks before, all
// that it sells would be a spike.
const demoPack = `extends: default
rules:
  - {id: sales_spike, off: true}
`

// app tells what to look at, then runs the simulated app.
func (d *demo) app(ctx context.Context, cfg *config, logger *slog.Logger, live <-chan string) error {
	dsn := cfg.Source.DSN
	select {
	case <-ctx.Done():
		return nil
	case addr := <-live:
		d.welcome(addr, dsn)
		if err := d.tokens(ctx, cfg); err != nil {
			return err
		}
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
              try: UPDATE inventory SET quantity_on_hand = 0 WHERE product_id = 1003 AND branch_id = 11;

`, addr, dsn)
	if !d.asks {
		fmt.Fprint(d.out, "  Nobody is asked who they are, so this listens on this machine only. Ctrl-C ends it and leaves nothing behind.\n\n")
	}
}

// tokens prints one a role, for the dashboard's sign-in, curl and tail.
func (d *demo) tokens(ctx context.Context, cfg *config) error {
	gate, err := cfg.gate(ctx)
	if err != nil || gate == nil {
		return err
	}
	fmt.Fprint(d.out, "  Everybody is asked who they are. Tokens of testpharmacy, branch 11, good for a day:\n\n")
	for _, role := range []string{"super_admin", "admin", "pharmacist", "cashier", "operations"} {
		who := auth.Caller{User: role, Tenant: "testpharmacy", Role: role, Branches: []rxvigil.Branch{"11"}}
		token, err := gate.Sign(who, 24*time.Hour, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(d.out, "  %-11s %s\n", role, token)
	}
	fmt.Fprint(d.out, "\n  Ctrl-C ends it and leaves nothing behind.\n\n")
	return nil
}
