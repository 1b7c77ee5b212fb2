package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/rules"
)

// mappedTarget is a target's database after its seed, and a configuration for it.
func mappedTarget(t *testing.T, name string) (dsn, config string) {
	t.Helper()
	dsn, config = pgtest.Database(t), filepath.Join(t.TempDir(), "rxvigil.yaml")
	dir := filepath.Join("../../testdata/targets", name)
	oneRole(t, dsn)
	pgtest.Load(t, dsn, filepath.Join(dir, "schema.sql"), filepath.Join(dir, "seed.sql"))
	mapping, err := os.ReadFile(filepath.Join("../../testdata/mappings", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("source: {dsn: %q}\ndata_dir: %q\n%s", dsn, t.TempDir(), mapping)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dsn, config
}

func TestMapTryShowsRowsBesideWhatTheyBecome(t *testing.T) {
	t.Parallel()
	dsn, config := mappedTarget(t, "ziindi")
	pgtest.Exec(t, dsn, `INSERT INTO "Batch" VALUES ('try-1', (SELECT id FROM "Product" ORDER BY id LIMIT 1), (SELECT id FROM "Branch" ORDER BY id LIMIT 1), 7, 'TRY 1', '2030-01-31 22:00', 1, 2, true, now(), now())`)
	try := func(args ...string) (int, string) {
		return command(t, append([]string{"map", "try", "--config", config}, args...)...)
	}
	tenant := pgtest.Ask(t, dsn, `SELECT "pharmacyId" FROM "Branch" ORDER BY id LIMIT 1`)
	code, said := try("--table", "Batch", "--limit", "1000")
	for _, want := range []string{
		`batchNumber="TRY 1"`, "  lot try-1 of tenant " + tenant + ", branch ", "    number                 \"TRY 1\"", "    expires                2030-02-01", "    on_hand                7", "    held                   false",
	} {
		if code != 0 || !strings.Contains(said, want) {
			t.Errorf("map try gives %d and no %q: %.2000s", code, want, said)
		}
	}
	if code, said := try("--table", "Batch", "--limit", "3"); code != 0 || strings.Count(said, "public.Batch: ") != 3 {
		t.Errorf("three rows: %d %s", code, said)
	}
	name := pgtest.Ask(t, dsn, `SELECT name FROM "Patient" LIMIT 1`)
	if code, said := try("--table", "Patient"); code != 0 || strings.Contains(said, name) || !strings.Contains(said, "name=(personal)") || !strings.Contains(said, " of no tenant") {
		t.Errorf("patients: %d %s", code, said)
	}
	if code, said := try("--table", "Btach"); code != 1 || !strings.Contains(said, `did you mean "Batch"?`) {
		t.Errorf("a typo: %d %s", code, said)
	}
	if code, said := try(); code != 2 || !strings.Contains(said, "--table") {
		t.Errorf("no table: %d %s", code, said)
	}
}

func TestCheckSaysHowMuchOfTheMappingIsFilled(t *testing.T) {
	t.Parallel()
	dsn, config := mappedTarget(t, "umi")
	pgtest.Exec(t, dsn, `SET session_replication_role = replica; UPDATE sales SET status = 'layaway' WHERE id IN (SELECT id FROM sales LIMIT 7);
		UPDATE products SET reorder_level = NULL; UPDATE stock_movements SET movement_type = 'moved'; DELETE FROM patients`)
	code, said := command(t, "check", "--config", config)
	for _, want := range []string{
		"sale from public.sales: 100 of 100 rows", `! unknown_status in status: "layaway", 7 rows`, "reorder_level never", "negative_stock yes",
		"low_stock partly no row has medicine.reorder_level or level.reorder_level: only an empty shelf is told, not a low one",
		"ledger_mismatch no no row has movement.quantity",
		`! unknown_word in movement_type: "moved", 366 rows`, "patient from public.patients: 0 of 0 rows",
	} {
		if code != 0 || !strings.Contains(strings.Join(strings.Fields(said), " "), want) {
			t.Errorf("check gives %d and no %q:\n%s", code, want, said)
		}
	}
	code, said = command(t, "check", "--config", config, "--json")
	var answer struct {
		OK       bool     `json:"ok"`
		Coverage coverage `json:"coverage"`
	}
	if err := json.Unmarshal([]byte(said), &answer); err != nil || code != 0 || !answer.OK || len(answer.Coverage.Entities) != 10 || len(answer.Coverage.Alerts) != len(rules.Needs()) {
		t.Errorf("as JSON: %d, %v, %+v", code, err, answer)
	}
}
