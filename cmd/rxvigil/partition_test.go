package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const depots = `
CREATE TABLE tenants (id text PRIMARY KEY, name text);
CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text, level int);
CREATE TABLE lots (id int, depot int, tenant text, branch text, medicine int, packs int, PRIMARY KEY (id, depot)) PARTITION BY LIST (depot);
CREATE TABLE lots_1 PARTITION OF lots FOR VALUES IN (1);
CREATE TABLE lots_2 (LIKE lots INCLUDING ALL);
INSERT INTO tenants VALUES ('t1', 'Umi');
INSERT INTO medicines VALUES (1, 't1', 'Aspirin', 10);
INSERT INTO lots VALUES (11, 1, 't1', 'b1', 1, 3);
INSERT INTO lots_2 VALUES (21, 2, 't1', 'b1', 1, 40), (22, 2, 't1', 'b1', 1, 2);`

const depotsMapping = `
mapping:
  tenant: {table: tenants, key: id, fields: {name: name}}
  medicine: {table: medicines, key: id, tenant: tenant, fields: {name: name, reorder_level: level}}
  lot: {table: lots, key: id, tenant: tenant, branch: branch, fields: {medicine: medicine, on_hand: packs}}
`

// relative is a file with a text, by its name from the folder of mappings.
func relative(t testing.TB, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mapping.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	from, err := filepath.Abs("../../testdata/mappings")
	if err != nil {
		t.Fatal(err)
	}
	name, err := filepath.Rel(from, file)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAPartitionThatIsAttachedIsToldAndEndsAShortage(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	pgtest.Exec(t, dsn, depots)
	s := newService(t, dsn, relative(t, depotsMapping))
	s.start()
	s.ready()
	v := watch(t, s, "sse", "t1")
	v.connected(t)
	if a := openAlerts(t, s, "t1"); len(a) != 1 || a[0]["rule"] != "low_stock" {
		t.Fatalf("open are %v", a)
	}
	pgtest.Exec(t, dsn, "ALTER TABLE lots ATTACH PARTITION lots_2 FOR VALUES IN (2)")
	end := v.until(t, 0, "the end of the shortage", func(e envelope) bool { return e.Type == "alert_resolved" && e.Data["rule"] == "low_stock" })
	var told []string
	for _, e := range v.seen(0, end+1) {
		told = append(told, e.Type)
	}
	if got := strings.Join(told, " "); got != "lot_received lot_received stock_level_changed alert_resolved" {
		t.Errorf("told %s", got)
	}
	pgtest.Exec(t, dsn, "ALTER TABLE lots DETACH PARTITION lots_2")
	v.until(t, end, "another shortage", func(e envelope) bool { return e.Type == "alert_raised" && e.Data["rule"] == "low_stock" })
	if a := openAlerts(t, s, "t1"); len(a) != 1 || a[0]["rule"] != "low_stock" {
		t.Errorf("open are %v", a)
	}
	if _, resyncs := v.heard(); len(resyncs) > 0 {
		t.Errorf("resyncs %v", resyncs)
	}
	if n := strings.Count(s.log.String(), "table_reread"); n != 2 {
		t.Errorf("tables were read again %d times", n)
	}
	s.stop()
}
