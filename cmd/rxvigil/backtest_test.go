package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
	"github.com/rxvigil/rxvigil/push"
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

// TestABacktestForAPageIsOfOneTenant: the past of another pharmacy is neither judged nor told, and the newest result is kept.
func TestABacktestForAPageIsOfOneTenant(t *testing.T) {
	t.Parallel()
	_, s := openPharmacy(t)
	s.start()
	s.ready()
	var tenants struct {
		Items []struct {
			ID       string
			Branches []struct{ Name string }
		}
	}
	if err := json.Unmarshal(s.get("/api/tenants"), &tenants); err != nil || len(tenants.Items) != 2 {
		t.Fatalf("%+v, %v", tenants, err)
	}
	for _, tenant := range tenants.Items {
		base := "/api/tenant/" + tenant.ID + "/rules"
		status, body := s.post(base+"/backtest?days=30", "")
		var made push.Backtest
		if err := json.Unmarshal([]byte(body), &made); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v %s", status, err, body)
		}
		if made.Sales == 0 || made.Told == 0 || len(made.ByDay) == 0 || len(made.Rules) == 0 || len(made.Noisiest) == 0 {
			t.Errorf("it tells nothing: %s", body)
		}
		for _, n := range made.Noisiest {
			if !slices.ContainsFunc(tenant.Branches, func(b struct{ Name string }) bool { return b.Name == n.Branch }) {
				t.Errorf("tenant %s is told of %+v", tenant.ID, n)
			}
		}
		var book struct {
			Items    []push.RuleItem
			Backtest *push.Backtest
		}
		if err := json.Unmarshal(s.get(base), &book); err != nil || len(book.Items) < 20 || book.Backtest == nil || book.Backtest.Told != made.Told {
			t.Errorf("afterwards: %+v, %v", book, err)
		}
	}
	if first, second := s.get("/api/tenant/1/rules"), s.get("/api/tenant/2/rules"); bytes.Equal(first, second) {
		t.Error("both tenants have one backtest")
	}
}
