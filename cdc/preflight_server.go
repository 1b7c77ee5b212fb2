package cdc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// serverFacts is what a server says of itself, as far as the preflight asks.
type serverFacts struct {
	version              int // as in 150004
	recovery             bool
	walLevel             string
	user, database       string
	replication, create  bool
	freeSlots, senders   int
	maxSlots, maxSenders int
	haveSlot, slotActive bool
	keep, idle, sync     string
	unsynced             []string // roles and databases with synchronous_commit off
	cloud                string   // the role that stands for a superuser where nobody is one; empty: there are superusers
}

// On managed servers a role of the provider stands for the superuser, and membership in another for the right to replicate.
const serverFactsSQL = `
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('wal_level'), current_user, current_database(),
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)
           OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_replication' AND pg_has_role(oid, 'MEMBER')),
       has_database_privilege(current_database(), 'CREATE'),
       current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int,
       current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication)::int,
       current_setting('max_replication_slots')::int, current_setting('max_wal_senders')::int,
       EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1), EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = $1 AND active),
       current_setting('max_slot_wal_keep_size'), coalesce(current_setting('idle_replication_slot_timeout', true), '0'), current_setting('synchronous_commit'),
       ARRAY(SELECT concat_ws(' in ', 'role ' || r.rolname, 'database ' || d.datname)
             FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase
             WHERE s.setconfig @> ARRAY['synchronous_commit=off'] AND (s.setdatabase = 0 OR d.datname = current_database()) ORDER BY 1),
       coalesce((SELECT min(rolname) FROM pg_roles WHERE rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin')), '')`

func (p *preflight) server(ctx context.Context) error {
	s := &p.facts
	err := p.conn.QueryRow(ctx, serverFactsSQL, p.cfg.Slot).Scan(&s.version, &s.recovery, &s.walLevel, &s.user, &s.database,
		&s.replication, &s.create, &s.freeSlots, &s.senders, &s.maxSlots, &s.maxSenders, &s.haveSlot, &s.slotActive, &s.keep, &s.idle, &s.sync, &s.unsynced, &s.cloud)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	p.walLogical = s.walLevel == "logical" && s.replication
	p.serverVersion()
	p.serverRights()
	p.serverRoom()
	p.serverHabits()
	return nil
}

// superuser is who can do what only a superuser can.
func (p *preflight) superuser() string {
	if p.facts.cloud != "" {
		return p.facts.cloud
	}
	return "superuser"
}

// knownBad are faults of servers that bite whoever reads their WAL, with the minor version of each major that is free of them;
// 0: the major never had it.
var knownBad = []struct { //nolint:gochecknoglobals // a table, never written
	since, until map[int]int
	what         string
}{
	{nil, map[int]int{14: 4}, "CREATE INDEX CONCURRENTLY can leave an index that misses rows"},
	{nil, map[int]int{14: 13, 15: 8, 16: 4}, "decoding can hand on a part of a transaction after a restart"},
	{nil, map[int]int{14: 15, 15: 10, 16: 6, 17: 2}, "a slot can step back to WAL that is gone"},
	{nil, map[int]int{14: 18, 15: 13, 16: 9, 17: 5}, "rows can be lost when a publication changes while transactions run"},
	{map[int]int{14: 18, 15: 13, 16: 9, 17: 5}, map[int]int{14: 19, 15: 14, 16: 10, 17: 6}, "decoding can run out of memory after many changes to the catalog"},
}

// badMinor names the faults of a version, and the minor version that is free of all of them.
func badMinor(major, minor int) (faults []string, cure int) {
	for _, b := range knownBad {
		if until := b.until[major]; minor < until && minor >= b.since[major] {
			faults = append(faults, b.what)
		}
		cure = max(cure, b.until[major])
	}
	if len(faults) == 0 {
		return nil, 0
	}
	return faults, cure
}

func (p *preflight) serverVersion() {
	s := &p.facts
	major, minor := s.version/10000, s.version%10000
	if major < 14 {
		p.fatal(Finding{What: fmt.Sprintf("the server is version %d.%d", major, minor), Cure: "rxvigil needs PostgreSQL 14 or newer"})
	}
	if faults, cure := badMinor(major, minor); len(faults) > 0 {
		p.warn(Finding{
			What: fmt.Sprintf("the server is version %d.%d, in which %s", major, minor, strings.Join(faults, "; ")),
			Cure: fmt.Sprintf("update it to %d.%d or newer", major, cure),
		})
	}
	if s.recovery {
		p.fatal(Finding{What: "the server is a standby in recovery", Cure: "point source.dsn at the primary, or name both and add target_session_attrs=primary"})
	}
	if s.walLevel == "logical" {
		return
	}
	f := Finding{
		What: fmt.Sprintf("wal_level is %s, which carries no row changes", s.walLevel), Cure: "set it to logical and restart the server",
		SQL: "ALTER SYSTEM SET wal_level = logical;", Role: "superuser",
	}
	switch s.cloud {
	case "rds_superuser":
		f.Cure, f.SQL, f.Role = "set rds.logical_replication = 1 in the parameter group and restart the server", "", ""
	case "cloudsqlsuperuser":
		f.Cure, f.SQL, f.Role = "set the flag cloudsql.logical_decoding = on and restart the server", "", ""
	case "azure_pg_admin":
		f.Cure, f.SQL, f.Role = "set the server parameter wal_level to logical and restart the server", "", ""
	}
	p.fatal(f)
}

func (p *preflight) serverRights() {
	s := &p.facts
	quoted := pgx.Identifier{s.user}.Sanitize()
	if !s.replication {
		f := Finding{What: fmt.Sprintf("role %s may not replicate", s.user), Cure: "grant it", SQL: "ALTER ROLE " + quoted + " REPLICATION;", Role: p.superuser()}
		if s.cloud == "rds_superuser" {
			f.SQL = "GRANT rds_replication TO " + quoted + ";"
		}
		p.fatal(f)
	}
	if !s.create {
		p.fatal(Finding{
			What: fmt.Sprintf("role %s may not create our schema and publication in %s", s.user, s.database), Cure: "grant it",
			SQL: "GRANT CREATE ON DATABASE " + pgx.Identifier{s.database}.Sanitize() + " TO " + quoted + ";", Role: "owner of the database",
		})
	}
}

// serverRoom looks for a free slot and a free sender; an engine that runs already has its own.
func (p *preflight) serverRoom() {
	s := &p.facts
	if s.freeSlots <= 0 && !s.haveSlot {
		p.fatal(Finding{
			What: "no replication slot is free", Cure: "drop one that nobody reads, or raise max_replication_slots and restart the server",
			SQL: fmt.Sprintf("ALTER SYSTEM SET max_replication_slots = %d;", s.maxSlots+5), Role: p.superuser(),
		})
	}
	if s.senders <= 0 && !s.slotActive {
		p.walLogical = false
		p.fatal(Finding{
			What: "no WAL sender is free", Cure: "raise max_wal_senders and restart the server",
			SQL: fmt.Sprintf("ALTER SYSTEM SET max_wal_senders = %d;", s.maxSenders+5), Role: p.superuser(),
		})
	}
}

// serverHabits warns of settings that cost something one day.
func (p *preflight) serverHabits() {
	s := &p.facts
	if s.keep == "-1" {
		p.warn(Finding{
			What: "max_slot_wal_keep_size is unlimited: if rxvigil stays away for long, WAL could fill the disk", Cure: "set a limit that the disk can bear",
			SQL: "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';", Role: p.superuser(),
		})
	}
	if s.idle != "0" {
		p.warn(Finding{
			What: fmt.Sprintf("idle_replication_slot_timeout is %s: when rxvigil stays away for longer, its slot is lost, and that is a gap", s.idle),
			Cure: "set it beyond the longest maintenance", SQL: "ALTER SYSTEM SET idle_replication_slot_timeout = '2d';", Role: p.superuser(),
		})
	}
	const late = "changes arrive 110 to 140 ms later than they could, where half a millisecond is usual"
	if s.sync == "off" {
		p.warn(Finding{What: "synchronous_commit is off: " + late, Cure: "leave it on for the app's role"})
	}
	if len(s.unsynced) > 0 {
		p.warn(Finding{What: fmt.Sprintf("synchronous_commit is off for %s: %s", strings.Join(s.unsynced, ", "), late), Cure: "leave it on for the app's role"})
	}
}

const unreadableSQL = `
SELECT ARRAY(SELECT name FROM unnest($2::text[]) AS name WHERE NOT has_column_privilege($1::oid, name, 'SELECT') ORDER BY 1)`

// readable tells whether our role may read all columns of a table that the mapping names: rights may be granted by column.
func (p *preflight) readable(ctx context.Context, sources []*source, t *Table) (bool, error) {
	if t.Readable {
		return true, nil
	}
	var names, missing []string
	for _, s := range sources {
		if s.table != t {
			continue
		}
		for _, name := range s.columns() {
			if t.column(name) != nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if err := p.conn.QueryRow(ctx, unreadableSQL, t.OID, names).Scan(&missing); err != nil {
		return false, fmt.Errorf("ask for rights on %s: %w", t, err)
	}
	return len(names) > 0 && len(missing) == 0, nil
}
