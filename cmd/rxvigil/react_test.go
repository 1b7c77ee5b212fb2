package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// packed is the client as npm packs it, installed in an empty project.
func packed(t *testing.T) (project string) {
	t.Helper()
	project = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "make", "-C", "../..", "package").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	archive, err := filepath.Glob("../../bin/rxvigil-client-*.tgz")
	if err != nil || len(archive) != 1 {
		t.Fatalf("packed are %v: %v", archive, err)
	}
	archive[0], err = filepath.Abs(archive[0])
	if err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "install", "--silent", "--no-audit", "--no-fund", "--offline", archive[0])
	npm.Dir = project
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return project
}

// TestThePackagedClientLivesUpToItsReadme: React app and all, from what npm packs.
func TestThePackagedClientLivesUpToItsReadme(t *testing.T) {
	t.Parallel()
	chromium, playwright := findBrowser(t)
	project := packed(t)
	dsn, s := openPharmacy(t)
	s.start()
	s.ready()
	t.Run("the first example", func(t *testing.T) { firstExample(t, project, dsn, s) })
	t.Run("a portal in React", func(t *testing.T) { portalInReact(t, project, dsn, s, chromium, playwright) })
}

func firstExample(t *testing.T, project, dsn string, s *service) {
	readme, err := os.ReadFile("../../portal/client/README.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```js\n(.*?)```").FindSubmatch(readme)
	code := strings.Replace(string(example[1]), "http://127.0.0.1:8080", "http://"+s.addr, 1)
	if code == string(example[1]) {
		t.Fatal("the example does not name the demo's address")
	}
	if err := os.WriteFile(filepath.Join(project, "live.mjs"), []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "live.mjs")
	node.Dir = project
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	impatience := time.AfterFunc(time.Minute, func() { _ = node.Process.Kill() })
	defer impatience.Stop()
	want := []string{"connecting - ", "live - Connected.", " alerts are open", "stock_level_changed "}
	var said strings.Builder
	for buf := make([]byte, 4096); len(want) > 0; {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		want = slices.DeleteFunc(want, func(w string) bool {
			found := strings.Contains(said.String(), w)
			if found && strings.HasPrefix(w, "live") {
				pgtest.Exec(t, dsn, "UPDATE inventory SET quantity_on_hand = quantity_on_hand - 1 WHERE product_id = 1003 AND branch_id = 11")
			}
			return found
		})
		if err != nil {
			break
		}
	}
	_ = node.Process.Kill()
	_ = node.Wait()
	if len(want) > 0 {
		t.Errorf("it never said %q, only:\n%s", want, &said)
	}
}

// portalInReact builds testdata/portal-react with Vite; portal/testdata/react.test.mjs is its story. The app beside it counts
// shelves, and refuses what cannot be.
func portalInReact(t *testing.T, project, dsn string, s *service, chromium, playwright string) {
	if err := os.CopyFS(filepath.Join(project, "app"), os.DirFS("../../testdata/portal-react")); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Dir(playwright)
	for _, name := range []string{"react", "react-dom", "scheduler"} {
		if err := os.Symlink(filepath.Join(modules, name), filepath.Join(project, "node_modules", name)); err != nil {
			t.Fatal(err)
		}
	}
	vite := exec.CommandContext(t.Context(), "node", filepath.Join(modules, "vite/bin/vite.js"), "build", "--logLevel", "warn")
	vite.Dir = filepath.Join(project, "app")
	if out, err := vite.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	app := httptest.NewServer(portalApp(pool, s.addr, filepath.Join(project, "app/dist")))
	defer app.Close()

	story := exec.CommandContext(t.Context(), "node", "../../portal/testdata/react.test.mjs")
	story.Env = append(os.Environ(), "PLAYWRIGHT="+playwright, "CHROMIUM="+chromium, "SHOT="+os.Getenv("RXVIGIL_SHOT"),
		"APP_URL="+app.URL+"/?tenant=testpharmacy&medicine=1002&branch=11")
	story.Stderr = t.Output()
	out, err := story.Output()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	var is struct {
		First, Refusal string
		Hooks          struct {
			Marked  []string
			Changes []int
			State   string
		}
		Heard []string
		Seen  struct {
			Keys                       []string
			Updated, Recent, Medicines int
			Total, Connections         int
			Stock                      []struct{ ID, Urgency string }
		}
	}
	if err := json.Unmarshal(out, &is); err != nil {
		t.Fatal(err)
	}
	if is.First == "7 false" || is.Refusal != "refused: A shelf cannot hold less than nothing." || is.Seen.Updated != 1 || is.Seen.Recent != 1 || is.Seen.Medicines != 25 || is.Seen.Connections != 1 || is.Seen.Total == 0 {
		t.Errorf("the portal shows %+v", is)
	}
	if h := is.Hooks; h.State != "live" || !slices.Equal(h.Changes, []int{7}) || len(h.Marked) == 0 || slices.ContainsFunc(h.Marked, func(key string) bool { return key != "medicines/1002" }) {
		t.Errorf("the other hooks gave %+v", h)
	}
	if !slices.Contains(is.Heard, "stock alert 1002") || !slices.Contains(is.Heard, "updated 1002") {
		t.Errorf("the wrapper called back %q", is.Heard)
	}
	for key := range strings.FieldsSeq(`isConnected connectionId lastHeartbeat reconnectAttempts events stockAlerts expiryAlerts medicineCount activeConnections connect disconnect
		clearStockAlerts clearExpiryAlerts clearAllEvents getEventsByType getRecentEvents hasStockAlerts hasExpiryAlerts criticalStockAlerts criticalExpiryAlerts totalAlerts`) {
		if !slices.Contains(is.Seen.Keys, key) {
			t.Errorf("the hook lacks %s", key)
		}
	}
}

// recount puts all of a shelf's stock into its first lot.
const recount = `UPDATE inventory i SET quantity_on_hand = CASE WHEN i.id = (SELECT min(id) FROM inventory o WHERE (o.product_id, o.branch_id) = (i.product_id, i.branch_id)) THEN $1 ELSE 0 END
	WHERE product_id = $2::text::int AND branch_id = $3::text::int`

// portalApp is a portal's own server: its pages, its door to the database, and the engine behind it.
func portalApp(pool *pgxpool.Pool, engine, pages string) http.Handler {
	mux := http.NewServeMux()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: engine})
	proxy.FlushInterval = -1
	mux.Handle("/api/", proxy)
	mux.Handle("/", http.FileServer(http.Dir(pages)))
	mux.HandleFunc("POST /app/count", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Medicine, Branch string
			Quantity         int
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if asked.Quantity < 0 {
			w.WriteHeader(http.StatusConflict)
			_, _ = fmt.Fprint(w, `{"error":"A shelf cannot hold less than nothing."}`)
			return
		}
		var xid string
		err := pool.QueryRow(r.Context(), recount+" RETURNING pg_current_xact_id()::text",
			asked.Quantity, asked.Medicine, asked.Branch).Scan(&xid)
		if err != nil {
			http.Error(w, fmt.Sprintf("{\"error\":%q}", err), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(w, `{"xid":%q}`, xid)
	})
	mux.HandleFunc("POST /app/burst", func(w http.ResponseWriter, r *http.Request) {
		const each, last = 2000, 300
		for n := range 5 {
			_, err := pool.Exec(r.Context(), fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP
				UPDATE inventory SET quantity_on_hand = %d + i %% 2 WHERE product_id = 1001 + i %% 20 AND branch_id = 11; COMMIT; END LOOP; END $$`, each, 200+2*n))
			if err != nil {
				http.Error(w, fmt.Sprintf("{\"error\":%q}", err), http.StatusInternalServerError)
				return
			}
		}
		if _, err := pool.Exec(r.Context(), recount, last, "1002", "11"); err != nil {
			http.Error(w, fmt.Sprintf("{\"error\":%q}", err), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(w, `{"changes":%d,"last":%d}`, 5*each+1, last)
	})
	return mux
}
