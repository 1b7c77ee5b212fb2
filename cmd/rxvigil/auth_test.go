package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// asking adds auth to the service's configuration.
func (s *service) asking() {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	text = append(text, "\nauth: {secret: a-secret-of-thirty-two-bytes-or-more, audience: rxvigil}\n"...)
	if err := os.WriteFile(s.config, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// askAs asks with a token and gives the status and the answer.
func (s *service) askAs(token, method, path string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// token signs one as a user would.
func (s *service) token(arguments ...string) string {
	s.t.Helper()
	code, said := command(s.t, append([]string{"token", "--config", s.config}, arguments...)...)
	if code != 0 || strings.Count(said, ".") != 2 {
		s.t.Fatalf("token gives %d and says %s", code, said)
	}
	return strings.TrimSpace(said)
}

// only reads up to a line with a text; it and all before it have another one, too.
func (v *verb) only(t *testing.T, until, each string) {
	t.Helper()
	for line := range v.lines {
		if !strings.Contains(line, each) {
			t.Errorf("told of what is not theirs: %s", line)
		}
		if strings.Contains(line, until) {
			return
		}
	}
	t.Errorf("nothing came with %s", until)
}

// A service with auth asks everybody, tells each role what is its, and names who acknowledged.
func TestServiceWithAuthAsksWhoCalls(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	s.asking()
	s.start()
	s.ready()
	cashier := s.token("--tenant", "testpharmacy", "--role", "cashier", "--branch", "11")
	pharmacist := s.token("--tenant", "testpharmacy", "--role", "pharmacist", "--branch", "11", "--user", "Almaz")
	const alerts = "/api/tenant/testpharmacy/alerts"
	if status, body := s.askAs("", http.MethodGet, alerts); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d %s", status, body)
	}
	if status, body := s.askAs(pharmacist, http.MethodGet, "/api/tenant/lifeline/alerts"); status != http.StatusNotFound {
		t.Errorf("another pharmacy: %d %s", status, body)
	}
	if status, body := s.askAs(cashier, http.MethodGet, "/api/tenant/testpharmacy/stock"); status != http.StatusForbidden {
		t.Errorf("a cashier's stock: %d %s", status, body)
	}
	_, page := s.askAs(pharmacist, http.MethodGet, "/api/tenant/testpharmacy/stock?limit=1")
	var list struct{ Cursor string }
	if err := json.Unmarshal([]byte(page), &list); err != nil {
		t.Fatal(err)
	}
	base := []string{"tail", "--url", "http://" + s.addr, "--tenant", "testpharmacy", "--json", "--after", list.Cursor}
	sales := launch(t, []string{"RXVIGIL_TOKEN=" + cashier}, base...)
	stock := launch(t, nil, append(base, "--token", pharmacist)...)
	pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 0 WHERE product_id = 1003")
	pgtest.Exec(t, dsn, "INSERT INTO sales (tenant_id, branch_id) SELECT tenant_id, id FROM branches WHERE id IN (11, 12)")
	pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = 1 WHERE product_id = 1003")
	sales.only(t, `"type":"sale_created"`, `"branch":"11"`)
	stock.only(t, `"type":"alert_raised"`, `"branch":"11"`)
	id := pgtest.Ask(t, dsn, "SELECT id FROM rxvigil.alerts WHERE rule = 'low_stock' AND branch = '11' AND body #>> '{subject,id}' = '1003'")
	if status, body := s.askAs(cashier, http.MethodPost, alerts+"/"+id+"/acknowledge"); status != http.StatusNotFound {
		t.Errorf("a cashier acknowledges: %d %s", status, body)
	}
	if status, body := s.askAs(pharmacist, http.MethodPost, alerts+"/"+id+"/acknowledge"); status != http.StatusOK || !strings.Contains(body, `"acknowledged_by":"Almaz"`) {
		t.Errorf("a pharmacist acknowledges: %d %s", status, body)
	}
	if _, body := s.askAs("", http.MethodGet, "/metrics"); !strings.Contains(body, fmt.Sprintf("rxvigil_auth_failures_total{reason=%q}", "missing")) {
		t.Error("the refusal was not counted")
	}
}
