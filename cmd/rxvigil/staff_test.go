package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// TestTheAppsOwnUsersDecideWhoSeesWhat: a changed role holds on the open connection and on the next request, over a restart that finds
// it on the engine's own disk and over one that reads the tables anew; and who is deleted is sent away.
func TestTheAppsOwnUsersDecideWhoSeesWhat(t *testing.T) {
	t.Parallel()
	dsn, s := openPharmacy(t)
	pgtest.Exec(t, dsn, "CREATE TABLE staff (login text PRIMARY KEY, tenant_id integer NOT NULL, branch_id integer, role text, enabled boolean NOT NULL DEFAULT true)")
	pgtest.Exec(t, dsn, "INSERT INTO staff (login, tenant_id, branch_id, role) SELECT who, tenant_id, id, 'Pharmacist' FROM branches, unnest(ARRAY['sara', 'almaz']) who WHERE id = 11")
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	mapped := strings.Replace(string(text), "\n  medicine:", "\n  user: {table: staff, key: login, tenant: tenant_id, branch: branch_id, fields: {role: role, active: enabled}}\n  medicine:", 1)
	if err := os.WriteFile(s.config, []byte(mapped), 0o600); err != nil || mapped == string(text) {
		t.Fatalf("the mapping has no place for users: %v", err)
	}
	s.asking()
	s.start()
	s.ready()
	const stock, sales = "/api/tenant/testpharmacy/stock?branch=11&limit=1", "/api/tenant/testpharmacy/stream?topics=sales"
	token := func(who string) string {
		return s.token("--tenant", "testpharmacy", "--role", "cashier", "--branch", "12", "--user", who)
	}
	sara, almaz, stranger := token("sara"), token("almaz"), token("stranger")
	may := func(who, token, path string, want int) {
		t.Helper()
		if status, body := s.askAs(token, http.MethodGet, path); status != want {
			t.Errorf("%s at %s: %d %.200s, want %d", who, path, status, body, want)
		}
	}
	may("sara", sara, stock, http.StatusOK) // the app has made her a pharmacist of that branch since
	may("almaz", almaz, stock, http.StatusOK)
	may("a stranger", stranger, stock, http.StatusForbidden) // of whom the app says nothing: the token counts
	open := s.streaming(sara, "/api/tenant/testpharmacy/stream")
	pgtest.Exec(t, dsn, "UPDATE staff SET role = 'Cashier' WHERE login = 'sara'")
	open.until(t, "rights_changed")
	may("sara", sara, stock, http.StatusForbidden)
	pgtest.Exec(t, dsn, "UPDATE staff SET enabled = false WHERE login = 'almaz'")
	pgtest.Exec(t, dsn, "INSERT INTO sales (tenant_id, branch_id) SELECT tenant_id, id FROM branches WHERE id = 11")
	open.until(t, "sale_created") // and what was committed before it has been read
	may("almaz", almaz, stock, http.StatusUnauthorized)
	s.kill()
	s.start()
	s.ready()
	may("sara", sara, stock, http.StatusForbidden)
	may("almaz", almaz, stock, http.StatusUnauthorized)
	open = s.streaming(sara, "/api/tenant/testpharmacy/stream")
	open.until(t, "connection_established")
	pgtest.Exec(t, dsn, "DELETE FROM staff WHERE login = 'sara'")
	open.until(t, "token_revoked")
	open.ends(t)
	may("sara", sara, sales, http.StatusUnauthorized)
}
