package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestBacktestJudgesTheAppsOwnHistory(t *testing.T) {
	t.Parallel()
	dsn := pgtest.Database(t)
	oneRole(t, dsn)
	pgtest.Load(t, dsn, "../../testdata/targets/umi/schema.sql", "../../testdata/targets/umi/seed.sql")
	svc := newService(t, dsn, "umi.yaml")
	code, said := command(t, "rules", "backtest", "--config", svc.config, "--days", "60")
	// The samples are dated by the server's clock, the window by the pharmacy's civil days: at some hours a sale more is in it.
	for _, want := range []string{"60 days, (59|60) sales", "notifications", "projected_stockout", "noisiest", "Cairo Road"} {
		if code != 0 || !regexp.MustCompile(want).MatchString(said) {
			t.Fatalf("it gives %d, without %q: %s", code, want, said)
		}
	}
	quiet := filepath.Join(t.TempDir(), "quiet.yaml")
	if err := os.WriteFile(quiet, []byte("rules:\n  - {id: expiry, off: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, said = command(t, "rules", "backtest", "--config", svc.config, "--days", "60", "default", quiet)
	if code != 0 || !regexp.MustCompile("not raised, and by the running pack: [1-9]").MatchString(said) || !strings.Contains(said, "expiry: Cairo Road / Cetirizine 10mg") {
		t.Errorf("two packs give %d: %s", code, said)
	}
	code, said = command(t, "rules", "backtest", "--config", svc.config, "--json")
	var reports struct{ Running struct{ Sales, Told int } }
	if err := json.Unmarshal([]byte(said), &reports); code != 0 || err != nil || reports.Running.Sales == 0 || reports.Running.Told == 0 {
		t.Errorf("as JSON it gives %d, %v: %s", code, err, said)
	}
	for _, line := range [][]string{{"--days", "0"}, {"no-such-pack.yaml"}} {
		if code, said := command(t, append([]string{"rules", "backtest", "--config", svc.config}, line...)...); code == 0 {
			t.Errorf("%v gives %s", line, said)
		}
	}
}
