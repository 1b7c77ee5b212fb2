package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestTheReportShowsHowAlertsHaveBeen(t *testing.T) {
	t.Parallel()
	chromium, playwright := findBrowser(t)
	dsn := pgtest.Database(t)
	oneRole(t, dsn)
	pgtest.Load(t, dsn, "../../testdata/targets/umi/schema.sql", "../../testdata/targets/umi/seed.sql")
	s := newService(t, dsn, "umi.yaml")
	s.start()
	s.ready()
	cmd := exec.CommandContext(t.Context(), "node", "../../portal/testdata/report.test.mjs")
	cmd.Env = append(os.Environ(), "PLAYWRIGHT="+playwright, "CHROMIUM="+chromium, "RXVIGIL_URL=http://"+s.addr, "SHOT="+os.Getenv("RXVIGIL_SHOT"))
	cmd.Stderr = &strings.Builder{}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, cmd.Stderr)
	}
	var shown struct {
		Rules    map[string][]string
		Bars     int
		Noisiest []string
		Problem  string
		Errors   []string
		Health   struct {
			Status  string
			Numbers []string
			Drawn   int
		}
	}
	if err := json.Unmarshal(out, &shown); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if h := shown.Health; h.Status != "live" || len(h.Numbers) != 5 || strings.Contains(h.Numbers[0], "unknown") || h.Drawn < 4 {
		t.Errorf("the engine is shown as %+v", h)
	}
	low := shown.Rules["low_stock"]
	if len(low) != 7 || low[0] == "0" || low[0] != low[1] || shown.Bars < 7 || shown.Problem != "" || len(shown.Errors) != 0 {
		t.Errorf("it shows %s", out)
	}
}

func TestTheTryPageShowsEachWaysFrames(t *testing.T) {
	t.Parallel()
	chromium, playwright := findBrowser(t)
	_, s := openPharmacy(t)
	s.start()
	s.ready()
	cmd := exec.CommandContext(t.Context(), "node", "../../portal/testdata/try.test.mjs")
	cmd.Env = append(os.Environ(), "PLAYWRIGHT="+playwright, "CHROMIUM="+chromium, "RXVIGIL_URL=http://"+s.addr, "SHOT="+os.Getenv("RXVIGIL_SHOT"))
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var shown struct {
		Ways map[string]struct {
			Connected string
			Frames    []string
		}
		Refused string
		Errors  []string
	}
	if err := json.Unmarshal(out, &shown); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(shown.Ways) != 4 || len(shown.Errors) != 0 || shown.Refused != "The data is no JSON." {
		t.Errorf("it shows %s", out)
	}
	for way, is := range shown.Ways {
		if is.Connected != "Connected" || len(is.Frames) < 2 {
			t.Errorf("%s: %+v", way, is)
		}
	}
}
