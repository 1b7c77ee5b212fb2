package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// A person sets a threshold: the alert follows at once, explains itself by it, survives a restart, and ends when it is withdrawn.
func TestAThresholdThatAPersonSetsIsJudgedByAtOnce(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	setStock(t, dsn, 1002, 35) // in each of two lots
	s.start()
	s.ready()
	path := testpharmacy + "/thresholds/1002"
	change := func(method, where, body string, want int) string {
		t.Helper()
		status, answer := s.send(method, where, body)
		if status != want {
			t.Fatalf("%s %s: %d %s, want %d", method, body, status, answer, want)
		}
		return answer
	}
	change(http.MethodPut, path, `{"branch": "11", "value": 80, "by": "Hana"}`, http.StatusOK)
	low := oneAlert(s, "low_stock", "1002")
	if stock := string(s.get(testpharmacy + "/stock?medicine=1002&branch=11")); !strings.Contains(stock, `"status":"low"`) {
		t.Errorf("the shelf is shown as %s", stock)
	}
	if low.Threshold.Source != "override" || fmt.Sprint(low.Threshold.Value) != "80" {
		t.Errorf("the alert says %+v", low.Threshold)
	}
	change(http.MethodPut, path, `{"branch": "11", "value": 80, "by": "Hana"}`, http.StatusOK) // again, which is harmless
	if again := oneAlert(s, "low_stock", "1002"); again.ID != low.ID || again.Version != low.Version {
		t.Errorf("saying it twice made %+v of %+v", again, low)
	}
	change(http.MethodPut, path, `{"rule": "blind", "value": 1}`, http.StatusBadRequest)
	change(http.MethodPut, testpharmacy+"/thresholds/nothing", `{"value": 1}`, http.StatusNotFound)
	s.stop()
	s.start()
	s.ready()
	var set struct {
		Items []struct {
			Rule, By string
			Value    json.Number
			Branch   struct{ ID, Name string }
			Medicine struct{ Name string }
		}
	}
	if err := json.Unmarshal(s.get(testpharmacy+"/thresholds"), &set); err != nil || len(set.Items) != 1 {
		t.Fatalf("%+v, %v", set, err)
	}
	if o := set.Items[0]; o.By != "Hana" || o.Value != "80" || o.Branch.ID != "11" || o.Branch.Name == "" || o.Medicine.Name == "" {
		t.Errorf("set: %+v", o)
	}
	if lines := string(s.get(path)); !strings.Contains(lines, `"source":"override"`) || !strings.Contains(lines, `"source":"app"`) {
		t.Errorf("thresholds: %s", lines)
	}
	change(http.MethodDelete, path+"?branch=11", "", http.StatusOK)
	for _, a := range pages[shownAlert](s, testpharmacy+"/alerts?rule=low_stock&branch=11") {
		if a.Subject.ID == "1002" {
			t.Errorf("still open: %+v", a)
		}
	}
}

// Analytics count what was raised, by day, rule and branch, how long people took, and what came back again and again.
func TestAnalyticsTellHowAlertsHaveBeen(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	const open = "SELECT %s EXISTS (SELECT FROM rxvigil.alerts WHERE status <> 'resolved' AND rule = 'low_stock' AND branch = '11' AND body #>> '{subject,id}' = '1005')"
	for range 3 {
		setStock(t, dsn, 1005, 1)
		pgtest.Await(t, dsn, fmt.Sprintf(open, ""))
		s.do(oneAlert(s, "low_stock", "1005").ID, "acknowledge", `{}`, http.StatusOK)
		setStock(t, dsn, 1005, 500)
		pgtest.Await(t, dsn, fmt.Sprintf(open, "NOT"))
	}
	var a struct {
		Days []struct {
			Day, Rule, Branch string
			Raised            int
		}
		Rules []struct {
			Rule                                 string
			Raised, Open, Acknowledged, Resolved int
			Acknowledge                          *struct{ P50, P90 float64 } `json:"acknowledge_seconds"`
			Resolve                              *struct{ P50, P90 float64 } `json:"resolve_seconds"`
		}
		Noisiest []struct {
			Rule, Branch string
			Episodes     int
			Subject      struct{ ID string }
		}
	}
	if err := json.Unmarshal(s.get(testpharmacy+"/analytics?since=2d&branch=11"), &a); err != nil {
		t.Fatal(err)
	}
	raised := 0
	for _, d := range a.Days {
		if d.Branch != "11" && d.Branch != "" {
			t.Errorf("another branch: %+v", d)
		}
		if d.Rule == "low_stock" {
			raised += d.Raised
		}
	}
	for _, r := range a.Rules {
		if r.Rule != "low_stock" {
			continue
		}
		if r.Raised != raised || r.Raised != r.Open+r.Resolved || r.Acknowledged != 3 || r.Resolved < 3 || r.Acknowledge == nil || r.Resolve == nil ||
			r.Resolve.P50 < r.Acknowledge.P50 || r.Acknowledge.P50 <= 0 {
			t.Errorf("of %d raised: %+v %+v %+v", raised, r, r.Acknowledge, r.Resolve)
		}
	}
	if len(a.Noisiest) == 0 || a.Noisiest[0].Subject.ID != "1005" || a.Noisiest[0].Episodes != 3 {
		t.Errorf("noisiest: %+v", a.Noisiest)
	}
}

// send sends a request with a body.
func (s *service) send(method, path, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}
