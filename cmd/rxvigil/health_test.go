package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// resyncs connects with a cursor of another engine.
func resyncs(t testing.TB, s *service) {
	t.Helper()
	resp, err := http.Get("http://" + s.addr + testpharmacy + "/stream?after=0123456789.00000000000000FF.00000001")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if lines.Text() == "event: resync" {
			return
		}
	}
	t.Error("a cursor of another engine gives no resync")
}

func TestServiceSaysHowItIs(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	v := watch(t, s, "sse", "1")
	v.connected(t)
	setStock(t, dsn, 1002, 0)
	pgtest.Exec(t, dsn, "UPDATE prescriptions SET status = 'mislaid' WHERE branch_id = 11") // counted, not understood
	v.until(t, 0, "the fault", func(e envelope) bool { return e.Type == "alert_raised" && e.Data["rule"] == "blind" })
	resyncs(t, s)
	for _, path := range []string{"/healthz", "/readyz"} {
		if got := ask[map[string]any](s, path); len(got) == 0 {
			t.Errorf("%s says nothing", path)
		}
	}
	metrics := string(s.get("/metrics"))
	for _, name := range []string{
		"source_lag_bytes", "source_lag_seconds", "slot_retained_bytes", "slot_safe_bytes", "canary_round_trip_seconds", "transactions_total",
		`changes_total{entity="lot",op="update"}`, `unroutable_changes_total{reason=`, `alerts{rule="low_stock",severity="critical",status="firing"}`,
		`alert_transitions_total{rule="low_stock",to="firing"}`, `rule_unknown_total{rule="low_stock"}`, "connections{",
		`delivered_total{transport="sse"}`, "delivery_seconds_bucket", "log_bytes", "log_oldest_seconds", "slow_clients_total", "resyncs_total{reason=",
	} {
		if !strings.Contains(metrics, "\nrxvigil_"+name) && !strings.Contains(metrics, "# TYPE rxvigil_"+name+" ") {
			t.Errorf("no metric rxvigil_%s", name)
		}
	}
	if leak := regexp.MustCompile(`rxvigil_.*(testpharmacy|Amoxi|tenant=).*`).FindString(metrics); leak != "" {
		t.Errorf("a metric names a tenant or a medicine: %s", leak)
	}
	for _, path := range []string{"", "/alerts", "/stock", "/expiring", "/stats", "/stream", "/alerts/x"} {
		resp, err := http.Get("http://" + s.addr + "/api/tenant/nobody" + path)
		if err != nil {
			t.Fatal(err)
		}
		var problem struct {
			Type   string
			Status int
		}
		err = json.NewDecoder(resp.Body).Decode(&problem)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/problem+json" || problem.Type != "/problems/not-found" || problem.Status != 404 {
			t.Errorf("GET %s of an unknown tenant: %s %+v %v", path, resp.Status, problem, err)
		}
	}
}
