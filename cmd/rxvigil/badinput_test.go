package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

func TestMistakesAreOneSentenceWithTheCure(t *testing.T) {
	t.Parallel()
	own := strictServer(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for _, c := range []struct {
		name string
		make func(t *testing.T) *mistake
		want string // of run and of check, where numbers and names that differ are *
	}{
		{
			"refused port", func(t *testing.T) *mistake {
				return &mistake{dsn: "postgres://postgres:hush@" + freeAddr(t) + "/pharmacy", mapping: pharmacy.Mapping}
			},
			"source.dsn: nothing listens on 127.0.0.1 port *: start Postgres there, or correct host and port in source.dsn\n" +
				`  rxvigil.yaml:1: source: {dsn: "postgres://postgres:xxxxx@127.0.0.1:*/pharmacy", slot: *}`,
		},
		{
			"unknown host", func(*testing.T) *mistake {
				return &mistake{dsn: "host=no-such-host.invalid user=postgres password=hush", mapping: pharmacy.Mapping}
			},
			"source.dsn: *: correct *host* source.dsn*\n" +
				`  rxvigil.yaml:1: source: {dsn: "host=no-such-host.invalid user=postgres password=xxxxx", slot: *}`,
		},
		{
			"no DSN", func(*testing.T) *mistake { return &mistake{mapping: pharmacy.Mapping} },
			"source.dsn is missing: set it to the URL of the app's database, such as postgres://rxvigil@db/pharmacy",
		},
		{
			"DSN that is none", func(*testing.T) *mistake {
				return &mistake{dsn: "postgres://u:hush@h:port/x", mapping: pharmacy.Mapping}
			},
			"source.dsn: this is no address of a Postgres: write it as postgres://user@host:5432/database\n" +
				`  rxvigil.yaml:1: source: {dsn: "postgres://u:xxxxx@h:port/x", slot: *}`,
		},
		{
			"unknown database", func(t *testing.T) *mistake {
				m := loaded(t)
				m.dsn = strings.Replace(m.dsn, "/rxv_", "/no_", 1)
				return m
			},
			`source.dsn: * port * refuses us: database "no_*" does not exist: correct the database's name in source.dsn` + "\n  rxvigil.yaml:1: *",
		},
		{
			"unknown role", func(t *testing.T) *mistake {
				m := loaded(t)
				m.dsn = as(t, m.dsn, "nobody_knows", "")
				return m
			},
			`source.dsn: * port * refuses us: role "nobody_knows" does not exist: correct the user in source.dsn, or allow it in pg_hba.conf` +
				"\n  rxvigil.yaml:1: *",
		},
		{
			"wrong password", func(t *testing.T) *mistake {
				return &mistake{dsn: as(t, own, "locked", "hush"), admin: own, mapping: pharmacy.Mapping}
			},
			`source.dsn: 127.0.0.1 port * refuses us: password authentication failed for user "locked": correct user and password in source.dsn` +
				"\n  rxvigil.yaml:1: " + `source: {dsn: "postgres://locked:xxxxx@127.0.0.1:*", slot: *}`,
		},
		{
			"wal_level", func(*testing.T) *mistake { return &mistake{dsn: own, admin: own, mapping: pharmacy.Mapping} },
			"wal_level is replica, which carries no row changes: set it to logical and restart the server\n" +
				"    ALTER SYSTEM SET wal_level = logical;    -- as superuser",
		},
		{
			"missing column", func(t *testing.T) *mistake { return mapped(t, "expires: expiry_date", "expires: expiry_dat") },
			`table public.inventory has no column "expiry_dat": did you mean "expiry_date"?` + "\n  rxvigil.yaml:*: expires: expiry_dat",
		},
		{
			"missing column of a predicate", func(t *testing.T) *mistake {
				return mapped(t, "gone: {column: status,", "gone: {column: statu,")
			},
			`table public.products has no column "statu": did you mean "status"?` +
				"\n  rxvigil.yaml:*: gone: {column: statu, in: [deleted]} # soft delete",
		},
		{
			"missing table", func(t *testing.T) *mistake { return mapped(t, "table: inventory", "table: inventry") },
			`there is no table "inventry": did you mean "inventory"?` + "\n  rxvigil.yaml:*: table: inventry",
		},
		{
			"unknown field", func(t *testing.T) *mistake { return mapped(t, "on_hand: quantity_on_hand", "onhand: quantity_on_hand") },
			`a lot has no field "onhand": did you mean "on_hand"?*` + "\n  rxvigil.yaml:*: onhand: quantity_on_hand",
		},
		{
			"unknown word", func(t *testing.T) *mistake { return mapped(t, "open: pending,", "open: pendign,") },
			`"pendign" is no status of a sale: did you mean "pending"?` + "\n  rxvigil.yaml:*: words: {open: pendign, completed: completed, *}",
		},
		{
			"unknown key in the mapping", func(t *testing.T) *mistake {
				return mapped(t, "    tenant: tenant_id\n    branch", "    tennant: tenant_id\n    branch")
			},
			`rxvigil.yaml:35: unknown key "tennant": did you mean "tenant"?` + "\n    tennant: tenant_id",
		},
		{
			"unknown key in a section", func(t *testing.T) *mistake { return lined(t, "state: {dns: postgres://me:hush@h/d}") },
			`rxvigil.yaml:3: unknown key "dns": did you mean "dsn"?` + "\n    state: {dns: postgres://me:xxxxx@h/d}",
		},
		{
			"unknown key at the top", func(t *testing.T) *mistake { return lined(t, "datadir: /tmp/x") },
			`rxvigil.yaml:3: unknown key "datadir": did you mean "data_dir"?` + "\n    datadir: /tmp/x",
		},
		{
			"broken YAML", func(t *testing.T) *mistake { return lined(t, "push: {listen: [}") },
			"rxvigil.yaml:3: this is no YAML: *\n    push: {listen: [}",
		},
		{
			"a value of another type", func(t *testing.T) *mistake { return lined(t, "log: {max_bytes: much}") },
			`rxvigil.yaml:3: "much" does not fit here: a whole number is wanted` + "\n    log: {max_bytes: much}",
		},
		{
			"duration", func(t *testing.T) *mistake { return lined(t, "push: {drain: soon}") },
			`rxvigil.yaml:3: time: invalid duration "soon"` + "\n    push: {drain: soon}",
		},
		{
			"log level", func(t *testing.T) *mistake { return lined(t, "log: {level: loud}") },
			`log.level: "loud" is none of debug, info, warn, error`,
		},
		{
			"time zone", func(t *testing.T) *mistake { return lined(t, "tenants: {zone: Mars/Olympus}") },
			`tenants.zone: "Mars/Olympus" is no time zone: use a name of the tz database, such as Africa/Lusaka`,
		},
		{
			"language of a tenant", func(t *testing.T) *mistake { return lined(t, "tenants: {locales: {hanoi: vi}}") },
			`tenants.locales.hanoi: alerts cannot speak "vi": use one of en, am, fr`,
		},
		{
			"a pack that is not there", func(t *testing.T) *mistake { return lined(t, "rules: [parrity]") },
			"rules: open *parrity: no such file or directory: name a file or one of [default *parity*]",
		},
		{
			"a pack with a mistake", func(t *testing.T) *mistake {
				file := filepath.Join(t.TempDir(), "mine.yaml")
				if err := os.WriteFile(file, []byte("extends: default\nrules:\n  - low_stock: {recovery: 0.5}\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				return lined(t, "rules: ['"+file+"']")
			},
			"*mine.yaml:3: pack: rule \"low_stock\": recovery 0.5 is below 1\n    - low_stock: {recovery: 0.5}",
		},
		{
			"address of a receiver", func(t *testing.T) *mistake { return lined(t, "notify: {webhooks: [{url: mail.example}]}") },
			`rxvigil.yaml:3: notify.webhooks[0].url: url "mail.example": this is no address: write it as https://host/path` +
				"\n    notify: {webhooks: [{url: mail.example}]}",
		},
		{
			"secret of a webhook", func(t *testing.T) *mistake { return lined(t, "notify: {webhooks: [{url: https://a.example}]}") },
			`rxvigil.yaml:3: notify.webhooks[0].secret: the secret is not base64 of 24 to 64 bytes: make one with: echo whsec_*`,
		},
		{
			"key of a receiver", func(t *testing.T) *mistake { return lined(t, "notify: {alertmanagers: [{uri: https://a.example}]}") },
			`rxvigil.yaml:3: unknown key "uri": did you mean "url"?` + "\n    notify: {alertmanagers: [{uri: https://a.example}]}",
		},
		{
			"two receivers of one name", func(t *testing.T) *mistake {
				return lined(t, "notify: {alertmanagers: [{url: https://a.example}, {url: https://a.example/b}]}")
			},
			`notify: two receivers are called "a.example": give each a name`,
		},
		{
			"no mapping", func(t *testing.T) *mistake {
				m := loaded(t)
				m.mapping = ""
				return m
			},
			"the mapping names no medicine and lot: without both there is nothing to watch: add medicine: and lot:",
		},
		{
			"table without identity", func(t *testing.T) *mistake {
				m := loaded(t)
				pgtest.Exec(t, m.admin, "ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_pkey")
				return m
			},
			"table public.stock_movements has no usable replica identity: published, the app's own UPDATE and DELETE would fail: give it a primary key, or\n" +
				"  rxvigil.yaml:*: table: stock_movements\n" +
				`    ALTER TABLE "public"."stock_movements" REPLICA IDENTITY FULL;    -- as owner of public.stock_movements`,
		},
		{
			"somebody else's slot", func(t *testing.T) *mistake {
				m := loaded(t)
				slot := freshSlot()
				pgtest.Exec(t, m.admin, "SELECT pg_create_physical_replication_slot('"+slot+"')")
				t.Cleanup(func() { pgtest.Exec(t, m.admin, "SELECT pg_drop_replication_slot('"+slot+"')") })
				m.slot = slot
				return m
			},
			`slot "rxv_*" is somebody else's: its plugin is none, being physical, its database none: choose another name with source.slot` +
				"\n  rxvigil.yaml:1: *",
		},
		{
			"name of the slot", func(t *testing.T) *mistake {
				m := loaded(t)
				m.slot = "Rx-Vigil"
				return m
			},
			`source.slot: "Rx-Vigil" is no name of a slot: use small letters, digits and _, at most 63`,
		},
		{
			"port in use", func(t *testing.T) *mistake { return lined(t, "push: {listen: "+taken.Addr().String()+"}") },
			"push.listen: 127.0.0.1:* is in use: *",
		},
		{
			"everybody may connect", func(t *testing.T) *mistake { return lined(t, "push: {listen: 0.0.0.0:8080}") },
			`push.listen "0.0.0.0:8080" could be reached by other machines, but no auth is configured: listen on 127.0.0.1, or configure auth` +
				"\n  rxvigil.yaml:3: push: {listen: 0.0.0.0:8080}",
		},
		{
			"auth without a key", func(t *testing.T) *mistake { return lined(t, "auth: {audience: rxvigil}") },
			"auth: give one of secret, public_key and jwks",
		},
		{
			"a secret that could be guessed", func(t *testing.T) *mistake { return lined(t, "auth: {secret: hush}") },
			"auth.secret has 4 bytes: it needs 32, such as openssl rand -base64 32 makes",
		},
		{
			"an algorithm that signs nothing", func(t *testing.T) *mistake {
				return lined(t, "auth: {secret: "+strings.Repeat("s", 32)+", algorithms: [none]}")
			},
			`auth.algorithms: "none" does not go with this key: there are HS256, HS384, HS512`,
		},
		{
			"a key of auth", func(t *testing.T) *mistake { return lined(t, "auth: {secert: x}") },
			`rxvigil.yaml:3: unknown key "secert": did you mean "secret"?` + "\n    auth: {secert: x}",
		},
		{
			"address that is none", func(t *testing.T) *mistake { return lined(t, "push: {listen: here}") },
			`push.listen "here" is not host:port, such as 127.0.0.1:8080` + "\n  rxvigil.yaml:3: push: {listen: here}",
		},
		{
			"hub that is none", func(t *testing.T) *mistake { return lined(t, "push: {hub_paths: {/liveHub: weather}}") },
			`push.hub_paths: /liveHub: "weather" is none of inventory, sales, prescriptions, patients, notifications, pharmacy, test`,
		},
		{
			"state out of reach", func(t *testing.T) *mistake {
				return lined(t, "state: {dsn: 'postgres://postgres@"+freeAddr(t)+"/alerts'}")
			},
			"state.dsn: nothing listens on 127.0.0.1 port *: start Postgres there, or correct host and port in state.dsn\n" +
				"  rxvigil.yaml:3: state: {dsn: 'postgres://postgres@127.0.0.1:*/alerts'}",
		},
		{
			"unset variable", func(*testing.T) *mistake { return &mistake{dsn: "env:RXVIGIL_NOT_SET", mapping: pharmacy.Mapping} },
			"the configuration names the variable RXVIGIL_NOT_SET, which is not set",
		},
		{
			"data_dir behind a file", func(t *testing.T) *mistake {
				m := loaded(t)
				m.dataDir = "/dev/null/data"
				return m
			},
			"data_dir /dev/null/data *: choose a folder that this user may write\n" + `  rxvigil.yaml:2: data_dir: "/dev/null/data"`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := c.make(t)
			config := m.file(t)
			code, said := command(t, "run", "--config", config)
			if code != 1 || !like("rxvigil: "+c.want+"\n", said) {
				t.Errorf("run gives %d and says\n%s\nwant 1 and\n%s", code, said, c.want)
			}
			m.untouched(t)
			code, said = command(t, "check", "--config", config)
			wantCode := 1
			if c.name == "port in use" { // which may be rxvigil itself
				wantCode = 0
			}
			if code != wantCode || !like("*: "+c.want+"\n*", said) || strings.Contains(said, "hush") {
				t.Errorf("check gives %d and says\n%s\nwant %d and\n%s", code, said, wantCode, c.want)
			}
			m.untouched(t)
		})
	}
}

// like compares a text with one in which * stands for anything.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, `.*`) + `$`).MatchString(text)
}

// A role that may only connect is told everything at once: what, the SQL, and who can run it.
func TestCheckTellsAllThatARoleLacks(t *testing.T) {
	t.Parallel()
	m := loaded(t)
	role := plainRole(t, m.admin)
	m.dsn = as(t, m.dsn, role, "")
	config := m.file(t)
	database := pgtest.Ask(t, m.admin, "SELECT current_database()")
	wants := []string{
		"role " + role + ` may not replicate: grant it` + "\n" + `    ALTER ROLE "` + role + `" REPLICATION;    -- as superuser`,
		`    GRANT CREATE ON DATABASE "` + database + `" TO "` + role + `";    -- as owner of the database`,
		"we may not read public.inventory: grant it\n" + `    GRANT SELECT ON "public"."inventory" TO "` + role + `";    -- as owner of public.inventory`,
		"we may not publish public.inventory, because only its owner can",
	}
	for _, verb := range []string{"run", "check"} {
		code, said := command(t, verb, "--config", config)
		for _, want := range wants {
			if code != 1 || !strings.Contains(said, want) {
				t.Errorf("%s gives %d and says\n%s\nwant 1 and\n%s", verb, code, said, want)
			}
		}
		m.untouched(t)
	}
	code, said := command(t, "check", "--json", "--config", config)
	var got struct {
		OK       bool
		Findings []struct{ What, Cure, SQL, Role string }
	}
	if err := json.Unmarshal([]byte(said), &got); err != nil || code != 1 || got.OK || len(got.Findings) < len(wants) {
		t.Fatalf("check --json gives %d, %v, and says\n%s", code, err, said)
	}
	for _, f := range got.Findings {
		if f.What == "" || f.Cure == "" {
			t.Errorf("a finding without its cure: %+v", f)
		}
	}
}

// What check asks for is enough: a role that owns the tables needs no superuser.
func TestOwnerWithReplicationMayRunEverything(t *testing.T) {
	t.Parallel()
	dsn := loaded(t).dsn
	role := plainRole(t, dsn)
	database := pgtest.Ask(t, dsn, "SELECT current_database()")
	pgtest.Exec(t, dsn, fmt.Sprintf("ALTER ROLE %[1]s REPLICATION; GRANT CREATE ON DATABASE %[2]s TO %[1]s", role, database))
	pgtest.Exec(t, dsn, fmt.Sprintf(`DO $$ DECLARE t text; BEGIN
		FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
			EXECUTE format('ALTER TABLE public.%%I OWNER TO %s', t);
		END LOOP; END $$`, role))
	t.Cleanup(func() { pgtest.Exec(t, dsn, "REASSIGN OWNED BY "+role+" TO CURRENT_USER; DROP OWNED BY "+role) })
	s := newService(t, as(t, dsn, role, ""), demoMapping)
	if code, said := command(t, "check", "--config", s.config); code != 0 {
		t.Fatalf("check gives %d and says\n%s", code, said)
	}
	s.start()
	s.ready()
	pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 0 WHERE product_id = 1003 AND branch_id = 11")
	pgtest.Await(t, dsn, "SELECT EXISTS (SELECT FROM rxvigil.alerts WHERE rule = 'low_stock' AND body ->> 'rung' = 'out' AND body #>> '{subject,id}' = '1003')")
	s.stop()
	if code, said := command(t, "drop", "--yes", "--config", s.config); code != 0 {
		t.Fatalf("drop gives %d and says\n%s", code, said)
	}
}
