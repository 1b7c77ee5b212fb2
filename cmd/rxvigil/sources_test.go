package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

const ownSchema = `
CREATE TABLE medicines (id int PRIMARY KEY, name text, stock int, least int, expires date);
INSERT INTO medicines VALUES (1, 'Zinc', 50, 10, NULL);`

const ownMapping = `
mapping:
  tenant: {table: medicines, key: id, tenant: database, where: {column: id, in: [1]}}
  medicine: {table: medicines, key: id, tenant: database, fields: {name: name, reorder_level: least}}
  lot: {table: medicines, key: id, tenant: database, fields: {medicine: id, on_hand: stock, expires: expires}}
`

// severalSources is a service that reads a database for each tenant; it gives the tenants, which are called as their databases.
func severalSources(t *testing.T, n int) (svc *service, dsns, tenants []string) {
	t.Helper()
	svc = newServiceOf(t, "postgres://nowhere", "", "")
	var sources strings.Builder
	for i := range n {
		dsn := pgtest.Database(t)
		pgtest.Exec(t, dsn, ownSchema)
		c, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		dsns, tenants = append(dsns, dsn), append(tenants, c.Database)
		fmt.Fprintf(&sources, "  db%d: {dsn: %q, slot: rxv_%s}\n", i, dsn, strings.ToLower(rand.Text()[:12]))
	}
	config := fmt.Sprintf("sources:\n%sdata_dir: %q\npush: {listen: %q, drain: 100ms}\n%s", sources.String(), filepath.Join(svc.dir, "data"), svc.addr, ownMapping)
	if err := os.WriteFile(svc.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return svc, dsns, tenants
}

func TestOneProcessReadsADatabaseForEachTenant(t *testing.T) {
	t.Parallel()
	svc, dsns, tenants := severalSources(t, 3)
	if code, said := command(t, "check", "--config", svc.config); code != 0 || strings.Count(said, "source db") != 3 {
		t.Errorf("check gives %d: %s", code, said)
	}
	if code, said := command(t, "status", "--config", svc.config); code != 2 || !strings.Contains(said, "say --source with one of db0, db1, db2") {
		t.Errorf("status of none gives %d: %s", code, said)
	}
	svc.start()
	svc.ready()
	if code, said := command(t, "status", "--config", svc.config, "--source", "db1"); code != 0 || !strings.Contains(said, "rxv_") {
		t.Errorf("status gives %d: %s", code, said)
	}
	all := string(svc.get("/api/tenants"))
	var viewers []*viewer
	for i, tenant := range tenants {
		if !strings.Contains(all, tenant) {
			t.Errorf("%s is not among the tenants: %s", tenant, all)
		}
		transport := []string{"sse", "websocket", "sse"}[i]
		viewers = append(viewers, watch(t, svc, transport, tenant))
		viewers[i].connected(t)
	}
	for i, dsn := range dsns {
		pgtest.Exec(t, dsn, fmt.Sprintf("UPDATE medicines SET stock = %d", i+1))
	}
	for i, v := range viewers {
		end := v.until(t, 0, "its alert", func(e envelope) bool { return e.Type == "alert_raised" })
		for _, e := range v.seen(0, end+1) {
			if e.Tenant != tenants[i] {
				t.Errorf("%s was told of %s: %s", tenants[i], e.Tenant, e.raw)
			}
		}
		if e := v.seen(end, end+1)[0]; !strings.Contains(e.raw, fmt.Sprintf(`"available":%d`, i+1)) {
			t.Errorf("%s was told %s", tenants[i], e.raw)
		}
	}
	metrics := string(svc.get("/metrics"))
	if !strings.Contains(metrics, `source="db2"`) || strings.Count(metrics, "\ngo_goroutines ") != 1 {
		t.Errorf("metrics:\n%.2000s", metrics)
	}
	for path, want := range map[string]int{
		"/hubs/inventory/negotiate?negotiateVersion=1&tenant=" + tenants[2]: http.StatusOK,
		"/hubs/inventory/negotiate?negotiateVersion=1":                      http.StatusNotFound, // there are several
		"/api/tenant/nobody/alerts/x/acknowledge":                           http.StatusNotFound,
	} {
		if status, body := svc.post(path, ""); status != want {
			t.Errorf("%s gives %d: %s", path, status, body)
		}
	}
	svc.kill() // each goes on where it stood
	pgtest.Exec(t, dsns[1], "UPDATE medicines SET stock = 0")
	svc.start()
	svc.ready()
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(string(svc.get("/api/tenant/"+tenants[1]+"/alerts")), "Zinc is out of stock") {
		if time.Now().After(deadline) {
			t.Fatalf("after a restart: %s", svc.get("/api/tenant/"+tenants[1]+"/alerts"))
		}
		svc.pause()
	}
	if strings.Contains(svc.log.String(), "cold_boot") && strings.Count(svc.log.String(), "cold_boot") != 3 {
		t.Errorf("it began anew:\n%s", svc.log.String())
	}
}

func TestASourceThatIsUnfitIsNamed(t *testing.T) {
	t.Parallel()
	svc, dsns, _ := severalSources(t, 2)
	pgtest.Exec(t, dsns[1], "ALTER TABLE medicines DROP COLUMN least")
	if code, said := command(t, "run", "--config", svc.config); code != 1 || !strings.Contains(said, "source db1: ") || !strings.Contains(said, `has no column "least"`) {
		t.Errorf("run gives %d: %s", code, said)
	}
	for text, want := range map[string]string{
		"source: {dsn: a}\nsources: {b: {dsn: c}}":            "source: and sources: are both there",
		"state: {dsn: a}\nsources: {b: {dsn: c}}":             "state.dsn: of several sources",
		"sources: {B-1: {dsn: c}}":                            `"B-1" is no name of a source`,
		"sources: {b: {dsn: c, slot: No}}":                    "sources.b: source.slot",
		"sources: {b: {slot: no}}":                            "sources.b: source.dsn is missing",
		"sources: {b: {dsn: env:RXVIGIL_TEST_NO_SUCH_THING}}": "sources.b: the configuration names the variable",
	} {
		c, err := parseConfig("x.yaml", []byte(text))
		if err == nil {
			err = c.validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", text, err)
		}
	}
}
