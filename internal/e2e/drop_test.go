//go:build e2e

package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pictureSQL is everything that a database's owner could find changed: one line for each thing that is not the server's own.
const pictureSQL = `
	WITH ours AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'),
	     class AS (SELECT c.*, nspname FROM pg_class c JOIN ours ON ours.oid = c.relnamespace)
	SELECT line FROM (
		SELECT format('schema %s owner %s acl %s', nspname, nspowner::regrole, nspacl) AS line FROM pg_namespace JOIN ours USING (oid, nspname)
		UNION ALL SELECT format('relation %s %s owner %s acl %s identity %s file %s options %s triggers %s rows %s %s', oid::regclass, relkind,
		                        relowner::regrole, relacl, relreplident, relfilenode, reloptions, relhastriggers, relrowsecurity, relhasrules) FROM class
		UNION ALL SELECT format('column %s.%s %s %s %s %s', attrelid::regclass, attname, atttypid::regtype, attnotnull, attacl, attoptions)
		          FROM pg_attribute JOIN class ON class.oid = attrelid WHERE attnum > 0
		UNION ALL SELECT format('constraint %s on %s', conname, conrelid::regclass) FROM pg_constraint JOIN ours ON ours.oid = connamespace
		UNION ALL SELECT format('trigger %s on %s enabled %s', tgname, tgrelid::regclass, tgenabled) FROM pg_trigger
		UNION ALL SELECT format('function %s', p.oid::regprocedure) FROM pg_proc p JOIN ours ON ours.oid = pronamespace
		UNION ALL SELECT format('type %s', t.oid::regtype) FROM pg_type t JOIN ours ON ours.oid = typnamespace
		UNION ALL SELECT format('policy %s', polname) FROM pg_policy
		UNION ALL SELECT format('event trigger %s', evtname) FROM pg_event_trigger
		UNION ALL SELECT format('publication %s', pubname) FROM pg_publication
		UNION ALL SELECT format('slot %s', slot_name) FROM pg_replication_slots
		UNION ALL SELECT format('origin %s', roname) FROM pg_replication_origin
		UNION ALL SELECT format('role %s %s', rolname, rolconfig) FROM pg_roles
		UNION ALL SELECT format('member %s of %s', member::regrole, roleid::regrole) FROM pg_auth_members
		UNION ALL SELECT format('settings %s %s %s', setdatabase, setrole, setconfig) FROM pg_db_role_setting
		UNION ALL SELECT format('default privileges %s', defaclacl) FROM pg_default_acl
		UNION ALL SELECT format('extension %s %s', extname, extversion) FROM pg_extension
		UNION ALL SELECT format('large object %s', oid) FROM pg_largeobject_metadata
		UNION ALL SELECT format('database %s acl %s', datname, datacl) FROM pg_database
		UNION ALL SELECT format('setting %s = %s', name, setting) FROM pg_file_settings
		UNION ALL SELECT format('waiting transaction %s', gid) FROM pg_prepared_xacts
	) AS all_of_it ORDER BY line COLLATE "C"`

// contentSQL is a digest of each of the app's tables.
const contentSQL = `
	SELECT format('%s %s', c.relname, (xpath('/row/md5/text()', query_to_xml(
		format('SELECT md5(string_agg(t::text, '','' ORDER BY t::text COLLATE "C")) FROM %s AS t', c.oid::regclass), false, true, '')))[1])
	FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname COLLATE "C"`

func TestDropLeavesTheDatabaseAsItWas(t *testing.T) {
	var before []string
	s := setup(t, func(s *server) string {
		before = s.texts(pictureSQL)
		return s.dsn
	})
	if cmp.Equal(before, s.server.texts(pictureSQL)) {
		t.Fatal("a running engine cannot be seen in the picture: it shows too little")
	}
	home := s.work()
	s.busy()
	home()
	s.check()
	s.engine.stop()

	content := s.server.texts(contentSQL)
	s.engine.command("drop", "--yes")
	if diff := cmp.Diff(before, s.server.texts(pictureSQL)); diff != "" {
		t.Errorf("the catalog (-before the engine came +after drop):\n%s", diff)
	}
	if diff := cmp.Diff(content, s.server.texts(contentSQL)); diff != "" {
		t.Errorf("the app's rows (-before drop +after):\n%s", diff)
	}
	t.Logf("%d lines of catalog and %d tables are as they were", len(before), len(content))
	s.engine.command("drop", "--yes") // harmless when there is nothing
}
