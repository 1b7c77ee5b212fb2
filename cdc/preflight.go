package cdc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Preflight looks at everything that could go wrong before anything is created, and gives all findings at once. It writes
// nothing. An error is a server that cannot be asked.
func Preflight(ctx context.Context, cfg Config) ([]Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := Connect(ctx, cfg.DSN)
	if err != nil {
		return []Finding{connectFinding(err)}, nil
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	p := &preflight{conn: conn, cfg: cfg}
	if err := p.server(ctx); err != nil {
		return nil, err
	}
	if err := p.others(ctx); err != nil {
		return nil, err
	}
	resolved, findings, err := Resolve(ctx, conn, cfg.Mapping)
	if err != nil {
		return nil, err
	}
	p.findings = append(p.findings, findings...)
	for _, t := range resolved.Tables {
		p.table(t)
	}
	if err := p.publication(ctx, resolved.Tables); err != nil {
		return nil, err
	}
	if p.walLogical {
		p.handshake(ctx)
	}
	return p.findings, nil
}

// connectFinding says in one sentence why there is no connection, and what to do.
func connectFinding(err error) Finding {
	f := Finding{Path: "$.source.dsn", Fatal: true, What: "the source cannot be reached: " + lastCause(err), Cure: "check host, port and that Postgres listens there"}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return f
	}
	switch pg.Code {
	case "28P01", "28000":
		f.Cure = "check user and password in source.dsn, and pg_hba.conf"
	case "3D000":
		f.Cure = "check the database's name in source.dsn"
	case "42704":
		f.Cure = "rxvigil needs PostgreSQL 14 or newer"
	default:
		f.Cure = ""
	}
	return f
}

// lastCause is what the server said, or the network: the innermost error, without the tries around it.
func lastCause(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Message
	}
	var net *net.OpError
	if errors.As(err, &net) {
		return net.Error()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

type preflight struct {
	conn       *pgx.Conn
	cfg        Config
	findings   []Finding
	walLogical bool
}

func (p *preflight) fatal(f Finding) { f.Fatal = true; p.findings = append(p.findings, f) }
func (p *preflight) warn(f Finding)  { p.findings = append(p.findings, f) }

const serverFactsSQL = `
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('wal_level'), current_user,
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user),
       has_database_privilege(current_database(), 'CREATE'), current_database(),
       current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int,
       current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication)::int,
       EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1),
       current_setting('max_slot_wal_keep_size'), current_setting('synchronous_commit')`

func (p *preflight) server(ctx context.Context) error {
	var version, slots, senders int
	var recovery, replication, create, haveSlot bool
	var walLevel, user, database, keep, sync string
	err := p.conn.QueryRow(ctx, serverFactsSQL, p.cfg.Slot).Scan(&version, &recovery, &walLevel, &user, &replication, &create, &database,
		&slots, &senders, &haveSlot, &keep, &sync)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	quoted := pgx.Identifier{user}.Sanitize()
	if version < 140000 {
		p.fatal(Finding{What: fmt.Sprintf("the server is version %d.%d", version/10000, version%10000), Cure: "rxvigil needs PostgreSQL 14 or newer"})
	}
	if recovery {
		p.fatal(Finding{What: "the server is a standby in recovery", Cure: "point source.dsn at the primary"})
	}
	p.walLogical = walLevel == "logical"
	if !p.walLogical {
		p.fatal(Finding{
			What: fmt.Sprintf("wal_level is %s, which carries no row changes", walLevel), Cure: "set it to logical and restart the server",
			SQL: "ALTER SYSTEM SET wal_level = logical;", Role: "superuser",
		})
	}
	if !replication {
		p.walLogical = false
		p.fatal(Finding{What: fmt.Sprintf("role %s may not replicate", user), Cure: "grant it", SQL: "ALTER ROLE " + quoted + " REPLICATION;", Role: "superuser"})
	}
	if !create {
		p.fatal(Finding{
			What: fmt.Sprintf("role %s may not create our schema and publication in %s", user, database), Cure: "grant it",
			SQL: "GRANT CREATE ON DATABASE " + pgx.Identifier{database}.Sanitize() + " TO " + quoted + ";", Role: "owner of the database",
		})
	}
	if slots <= 0 && !haveSlot {
		p.fatal(Finding{What: "no replication slot is free", Cure: "drop one or raise max_replication_slots and restart", SQL: "SELECT slot_name, active FROM pg_replication_slots;"})
	}
	if senders <= 0 {
		p.fatal(Finding{What: "no WAL sender is free", Cure: "raise max_wal_senders and restart", SQL: "ALTER SYSTEM SET max_wal_senders = 20;", Role: "superuser"})
	}
	if keep == "-1" {
		p.warn(Finding{
			What: "max_slot_wal_keep_size is unlimited: if rxvigil stays away for long, WAL could fill the disk", Cure: "set a limit that the disk can bear",
			SQL: "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';", Role: "superuser",
		})
	}
	if sync == "off" {
		p.warn(Finding{What: "synchronous_commit is off: changes arrive up to 200 ms later than they could", Cure: "leave it on for the app's role"})
	}
	return nil
}

const othersSQL = `
SELECT ARRAY(SELECT pubname::text FROM pg_publication WHERE puballtables AND pubname <> $1),
       ARRAY(SELECT format('pid %s (%s) since %s', pid, usename, date_trunc('second', xact_start)) FROM pg_stat_activity
             WHERE backend_xid IS NOT NULL AND xact_start < now() - interval '5 minutes' AND datname = current_database())`

// others looks at what other people run.
func (p *preflight) others(ctx context.Context) error {
	var all, long []string
	if err := p.conn.QueryRow(ctx, othersSQL, p.cfg.Publication).Scan(&all, &long); err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	if len(all) > 0 {
		p.fatal(Finding{
			What: fmt.Sprintf("publication %s is FOR ALL TABLES: our tables in this database would stop its subscriber", strings.Join(all, ", ")),
			Cure: "set state.dsn to another database",
		})
	}
	if len(long) > 0 {
		p.warn(Finding{What: "long transactions are running, and the first start waits for them: " + strings.Join(long, "; ")})
	}
	return nil
}

// publication refuses somebody else's that bears the name of ours.
func (p *preflight) publication(ctx context.Context, tables []*Table) error {
	_, fits, ours, err := readPublication(ctx, p.conn, p.cfg.Publication, tables)
	if err == nil && !fits && !ours {
		p.fatal(Finding{
			Path: "$.source.publication", What: fmt.Sprintf("publication %q is not ours and does not publish what the mapping needs", p.cfg.Publication),
			Cure: "choose another source.publication",
		})
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

func (p *preflight) table(t *Table) {
	user := pgx.Identifier{p.conn.Config().User}.Sanitize()
	owner := "owner of " + t.String()
	if !t.Reachable {
		schema := pgx.Identifier{t.Schema}.Sanitize()
		p.fatal(Finding{What: fmt.Sprintf("we may not use schema %s", t.Schema), Cure: "grant it", SQL: "GRANT USAGE ON SCHEMA " + schema + " TO " + user + ";", Role: "owner of schema " + t.Schema})
	}
	if !t.Readable {
		p.fatal(Finding{What: fmt.Sprintf("we may not read %s", t), Cure: "grant it", SQL: "GRANT SELECT ON " + t.Quoted() + " TO " + user + ";", Role: owner})
	}
	if !t.Owned {
		p.fatal(Finding{
			What: fmt.Sprintf("we may not publish %s, because only its owner can", t), Cure: "make our role a member of the owner, or create the publication as the owner",
			SQL: "GRANT " + pgx.Identifier{t.Owner}.Sanitize() + " TO " + user + ";", Role: "superuser",
		})
	}
	if t.RowSecurity {
		p.fatal(Finding{
			What: fmt.Sprintf("row-level security on %s hides rows from our role, though not from the stream", t), Cure: "let our role see them all",
			SQL: "ALTER ROLE " + user + " BYPASSRLS;", Role: "superuser",
		})
	}
}

// handshake opens a real replication session: poolers refuse it.
func (p *preflight) handshake(ctx context.Context) {
	repl, err := connectReplication(ctx, p.cfg.DSN)
	if err != nil {
		p.fatal(Finding{Path: "$.source.dsn", What: "a replication session is refused: " + lastCause(err), Cure: "connect directly to Postgres, not through a pooler, and allow the role in pg_hba.conf"})
		return
	}
	_ = repl.Close(ctx)
}

// Drop removes the slot and the publication. A slot in use is an error naming who uses it.
func Drop(ctx context.Context, conn *pgx.Conn, slot, publication string) error {
	s, err := readSlot(ctx, conn, slot)
	if err != nil {
		return err
	}
	if s.active {
		return fmt.Errorf("slot %q is in use by pid %d: stop the engine first", slot, s.pid)
	}
	if s.exists {
		if s.foreign != "" {
			return errors.New(s.foreign)
		}
		if _, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", slot); err != nil {
			return fmt.Errorf("drop slot: %w", err)
		}
	}
	_, _, ours, err := readPublication(ctx, conn, publication, nil)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !ours {
		return nil
	}
	if err != nil {
		return err
	}
	if err := withLockTimeout(ctx, conn, "DROP PUBLICATION IF EXISTS "+pgx.Identifier{publication}.Sanitize()); err != nil {
		return fmt.Errorf("drop publication: %w", err)
	}
	return nil
}
