package cdc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"
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
	p := &preflight{conn: conn, cfg: cfg, patience: longTransaction}
	return p.look(ctx)
}

// look asks everything, and goes on where one answer is bad.
func (p *preflight) look(ctx context.Context) ([]Finding, error) {
	conn, cfg := p.conn, p.cfg
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
		if err := p.table(ctx, resolved.Sources, t); err != nil {
			return nil, err
		}
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
	if IsPooler(err) {
		return poolerFinding(err)
	}
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
	facts      serverFacts
	patience   string // with other people's transactions
	walLogical bool   // a replication session can be tried
}

func (p *preflight) fatal(f Finding) { f.Fatal = true; p.findings = append(p.findings, f) }
func (p *preflight) warn(f Finding)  { p.findings = append(p.findings, f) }

// othersSQL finds writing transactions by their locks, which every role may see; since when they run is shown of one's own role
// only, unless one may read all statistics.
const othersSQL = `
SELECT ARRAY(SELECT pubname::text FROM pg_publication WHERE puballtables AND pubname <> $1 ORDER BY 1),
       ARRAY(SELECT format('pid %s (%s, %s) for %s', a.pid, a.usename, coalesce(nullif(a.application_name, ''), 'unnamed'),
                           date_trunc('second', clock_timestamp() - a.xact_start))
             FROM (SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock' AND granted) AS l
             JOIN pg_stat_activity a USING (pid) WHERE a.xact_start < clock_timestamp() - $2::interval ORDER BY a.xact_start),
       ARRAY(SELECT format('%L of %s for %s', gid, owner, date_trunc('second', clock_timestamp() - prepared))
             FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - $2::interval ORDER BY prepared)`

// longTransaction is from where on a transaction is worth a word.
const longTransaction = "1 minute"

// others looks at what other people run.
func (p *preflight) others(ctx context.Context) error {
	var all, long, prepared []string
	if err := p.conn.QueryRow(ctx, othersSQL, p.cfg.Publication, p.patience).Scan(&all, &long, &prepared); err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	if len(all) > 0 {
		p.fatal(Finding{
			What: fmt.Sprintf("publication %s is FOR ALL TABLES: our tables in this database would stop its subscriber", strings.Join(all, ", ")),
			Cure: "set state.dsn to another database",
		})
	}
	if len(long) > 0 {
		p.warn(Finding{
			What: "long transactions are running, and the first start waits for them: " + strings.Join(long, "; "), Cure: "let them end, or end them",
			SQL: "SELECT pg_terminate_backend(…);", Role: "the same role, or a member of pg_signal_backend",
		})
	}
	if len(prepared) > 0 {
		p.warn(Finding{
			What: "prepared transactions are left open, and the first start waits for them: " + strings.Join(prepared, "; "), Cure: "end them",
			SQL: "ROLLBACK PREPARED '…';", Role: "their owner, or superuser",
		})
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

func (p *preflight) table(ctx context.Context, sources []*source, t *Table) error {
	user := pgx.Identifier{p.conn.Config().User}.Sanitize()
	owner := "owner of " + t.String()
	if !t.Reachable {
		schema := pgx.Identifier{t.Schema}.Sanitize()
		p.fatal(Finding{What: fmt.Sprintf("we may not use schema %s", t.Schema), Cure: "grant it", SQL: "GRANT USAGE ON SCHEMA " + schema + " TO " + user + ";", Role: "owner of schema " + t.Schema})
	}
	readable, err := p.readable(ctx, sources, t)
	if err != nil {
		return err
	}
	if !readable {
		p.fatal(Finding{What: fmt.Sprintf("we may not read %s", t), Cure: "grant it", SQL: "GRANT SELECT ON " + t.Quoted() + " TO " + user + ";", Role: owner})
	}
	if !t.Owned {
		p.fatal(Finding{
			What: fmt.Sprintf("we may not publish %s, because only its owner can", t), Cure: "make our role a member of the owner, or create the publication as the owner",
			SQL: "GRANT " + pgx.Identifier{t.Owner}.Sanitize() + " TO " + user + ";", Role: p.superuser(),
		})
	}
	if t.RowSecurity {
		p.fatal(Finding{
			What: fmt.Sprintf("row-level security on %s hides rows from our role, though not from the stream", t), Cure: "let our role see them all",
			SQL: "ALTER ROLE " + user + " BYPASSRLS;", Role: p.superuser(),
		})
	}
	return nil
}

// handshake opens a real replication session and speaks its first word: poolers refuse it, and so may pg_hba.conf.
func (p *preflight) handshake(ctx context.Context) {
	repl, err := connectReplication(ctx, p.cfg.DSN)
	if err == nil {
		defer func() { _ = repl.Close(ctx) }()
		_, err = pglogrepl.IdentifySystem(ctx, repl)
	}
	if err == nil {
		return
	}
	f := Finding{Path: "$.source.dsn", What: "a replication session is refused: " + lastCause(err), Cure: "connect directly to Postgres, not through a pooler, and allow the role in pg_hba.conf"}
	if IsPooler(err) {
		f = poolerFinding(err)
	}
	p.fatal(f)
}

// IsPooler tells whether an error is a pooler's no: it does not know the parameters by which a session says what it is for.
func IsPooler(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.Contains(pg.Message, "unsupported startup parameter")
}

func poolerFinding(err error) Finding {
	return Finding{
		Path: "$.source.dsn", Fatal: true, What: "source.dsn leads to a pooler such as PgBouncer, through which nobody can replicate (" + lastCause(err) + ")",
		Cure: "name the host and port of Postgres itself",
	}
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
