package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
)

// inspect looks at everything that could go wrong before anything is created, and changes nothing.
func inspect(ctx context.Context, cfg *config) ([]cdc.Finding, error) {
	var findings []cdc.Finding
	add := func(f *cdc.Finding) {
		if f != nil {
			findings = append(findings, *f)
		}
	}
	if err := push.CheckListen(cfg.Push.Listen, cfg.Auth != nil); err != nil {
		add(&cdc.Finding{Path: "$.push.listen", Fatal: true, What: err.Error()})
	}
	add(lookAtDisk(cfg.DataDir))
	if cfg.State.DSN != cfg.Source.DSN {
		add(lookAtState(ctx, cfg.State.DSN))
	}
	slot, unreachable := lookAtSlot(ctx, cfg)
	add(unreachable)
	if unreachable != nil {
		return findings, nil
	}
	add(slot)
	more, err := cdc.Preflight(ctx, readerConfig(cfg, nil, cdc.Key{}))
	return append(findings, more...), err
}

// preflight refuses to start where check would find something fatal.
func preflight(ctx context.Context, cfg *config) error {
	findings, err := inspect(ctx, cfg)
	if err != nil {
		return err
	}
	var fatal []string
	for _, f := range findings {
		if f.Fatal {
			fatal = append(fatal, describe(cfg, f))
		}
	}
	if len(fatal) > 0 {
		return errors.New(strings.Join(fatal, "\n"))
	}
	return nil
}

// connectPatience is how long a server may take to answer.
const connectPatience = 15 * time.Second

// reach connects, or says in one sentence why that cannot be.
func reach(ctx context.Context, field, dsn string) (*pgx.Conn, *cdc.Finding) {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	conn, err := cdc.Connect(ctx, dsn)
	if err == nil {
		return conn, nil
	}
	what, cure := unreachable(field, dsn, err)
	return nil, &cdc.Finding{Path: "$." + field, Fatal: true, What: field + ": " + what, Cure: cure}
}

// reachable says what is wrong with the address of a database, for verbs that need both and look no further.
func reachable(ctx context.Context, cfg *config) error {
	for _, db := range []struct{ field, dsn string }{{"source.dsn", cfg.Source.DSN}, {"state.dsn", cfg.State.DSN}} {
		conn, problem := reach(ctx, db.field, db.dsn)
		if problem != nil {
			return errors.New(describe(cfg, *problem))
		}
		if err := conn.Close(ctx); err != nil {
			return fmt.Errorf("%s: %w", db.field, err)
		}
	}
	return nil
}

func unreachable(field, dsn string, err error) (what, cure string) {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		return "this is no address of a Postgres", "write it as postgres://user@host:5432/database"
	}
	at := "the server"
	if cfg, err := pgx.ParseConfig(dsn); err == nil {
		at = fmt.Sprintf("%s port %d", cfg.Host, cfg.Port)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return refusal(field, at, pg)
	}
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown) && unknown.IsNotFound:
		return fmt.Sprintf("the host %q is not known", unknown.Name), "correct the host in " + field
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return "nothing listens on " + at, "start Postgres there, or correct host and port in " + field
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s does not answer within %s", at, connectPatience), "correct host and port in " + field + ", or let us through the firewall"
	}
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return fmt.Sprintf("no connection to %s: %s", at, strings.TrimSpace(lines[len(lines)-1])), ""
}

// refusal is the server's own no.
func refusal(field, at string, pg *pgconn.PgError) (what, cure string) {
	what = fmt.Sprintf("%s refuses us: %s", at, pg.Message)
	if cdc.IsPooler(pg) {
		return fmt.Sprintf("%s is a pooler such as PgBouncer, through which nobody can replicate (%s)", at, pg.Message), "name the host and port of Postgres itself"
	}
	switch pg.Code {
	case "28P01":
		cure = "correct user and password in " + field
	case "28000":
		cure = "correct the user in " + field + ", or allow it in pg_hba.conf"
	case "3D000":
		cure = "correct the database's name in " + field
	case "53300":
		cure = "raise max_connections, or close other connections"
	case "42501":
		cure = "grant the role CONNECT on the database"
	}
	return what, cure
}

// lookAtState looks at the database of our schema, where it is not the source.
func lookAtState(ctx context.Context, dsn string) *cdc.Finding {
	conn, problem := reach(ctx, "state.dsn", dsn)
	if problem != nil {
		return problem
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	const mayCreateSQL = `
SELECT has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('rxvigil') IS NOT NULL, current_user, current_database()`
	var may bool
	var user, database string
	if err := conn.QueryRow(ctx, mayCreateSQL).Scan(&may, &user, &database); err != nil {
		return &cdc.Finding{Path: "$.state.dsn", Fatal: true, What: "state.dsn: " + err.Error()}
	}
	if may {
		return nil
	}
	return &cdc.Finding{
		Path: "$.state.dsn", Fatal: true, Role: "owner of the database", What: fmt.Sprintf("role %s may not create our schema in %s", user, database), Cure: "grant it",
		SQL: "GRANT CREATE ON DATABASE " + pgx.Identifier{database}.Sanitize() + " TO " + pgx.Identifier{user}.Sanitize() + ";",
	}
}

// lookAtSlot tells whether somebody else has a slot of our name.
func lookAtSlot(ctx context.Context, cfg *config) (found, unreachable *cdc.Finding) {
	conn, problem := reach(ctx, "source.dsn", cfg.Source.DSN)
	if problem != nil {
		return nil, problem
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	const foreignSQL = `
SELECT coalesce(plugin, 'none, being physical'), coalesce(database, 'none') FROM pg_replication_slots
WHERE slot_name = $1 AND (plugin IS DISTINCT FROM 'pgoutput' OR database <> current_database())`
	var plugin, database string
	err := conn.QueryRow(ctx, foreignSQL, cfg.Source.Slot).Scan(&plugin, &database)
	if err != nil { // no such slot; what else is wrong, the preflight of cdc says
		return nil, nil
	}
	return &cdc.Finding{
		Path: "$.source.slot", Fatal: true, Cure: "choose another name with source.slot",
		What: fmt.Sprintf("slot %q is somebody else's: its plugin is %s, its database %s", cfg.Source.Slot, plugin, database),
	}, nil
}

// lookAtDisk tells whether data_dir is, or could become, a folder of ours.
func lookAtDisk(dir string) *cdc.Finding {
	wrong := func(what string) *cdc.Finding {
		return &cdc.Finding{Path: "$.data_dir", Fatal: true, What: fmt.Sprintf("data_dir %s %s", dir, what), Cure: "choose a folder that this user may write"}
	}
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		switch {
		case errors.Is(err, fs.ErrNotExist) && d != filepath.Dir(d):
			continue
		case err != nil:
			return wrong("cannot be looked at (" + err.Error() + ")")
		case !info.IsDir():
			return wrong("is not possible, because " + d + " is a file")
		case !mayWrite(d):
			return wrong("cannot be written")
		}
		return nil
	}
}

// mayWrite makes a file without a name in a folder, which is the only way to know.
func mayWrite(dir string) bool {
	f, err := os.CreateTemp(dir, ".rxvigil-*")
	if err != nil {
		return false
	}
	_ = f.Close()
	return os.Remove(f.Name()) == nil
}

// lookAtPort tells whether the address is free. A service that runs holds it rightly, so this is a warning.
func lookAtPort(ctx context.Context, addr string) *cdc.Finding {
	ln, err := listen(ctx, addr)
	if err != nil {
		return &cdc.Finding{Path: "$.push.listen", What: err.Error()}
	}
	_ = ln.Close()
	return nil
}

// listen opens the address to serve on.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{Control: tuned}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("push.listen: %s is in use: choose another address, or stop what uses it", addr)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("push.listen: this user may not listen on %s: choose a port above 1023", addr)
	case err != nil:
		return nil, fmt.Errorf("push.listen: %w", err)
	}
	return ln, nil
}
