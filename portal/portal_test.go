package portal

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func get(t *testing.T, name string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, name, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestEveryFileIsServedWithItsTypeAndWithoutSniffing(t *testing.T) {
	t.Parallel()
	for name, mime := range map[string]string{
		"/":                     "text/html; charset=utf-8",
		"/login":                "text/html; charset=utf-8",
		"/report":               "text/html; charset=utf-8",
		"/try":                  "text/html; charset=utf-8",
		"/assets/app.js":        "text/javascript; charset=utf-8",
		"/assets/base.css":      "text/css; charset=utf-8",
		"/assets/icon.svg":      "image/svg+xml",
		"/client/rxvigil.js":    "text/javascript; charset=utf-8",
		"/client/types.d.ts":    "application/typescript; charset=utf-8",
		"/client/connection.js": "text/javascript; charset=utf-8",
	} {
		w := get(t, name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != mime {
			t.Errorf("GET %s gave %d %q, want 200 %q", name, w.Code, w.Header().Get("Content-Type"), mime)
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("GET %s may be sniffed: %q", name, got)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("GET %s has the policy %q", name, got)
		}
	}
}

func TestAnUnchangedFileIsNotSentAgain(t *testing.T) {
	t.Parallel()
	tag := get(t, "/").Header().Get("ETag")
	if w := get(t, "/", "If-None-Match", `"other", W/`+tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("the same tag gave %d and %d bytes, want 304 and none", w.Code, w.Body.Len())
	}
	if w := get(t, "/", "If-None-Match", `"other"`); w.Code != http.StatusOK {
		t.Errorf("another tag gave %d, want 200", w.Code)
	}
}

func TestNothingElseIsServed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"/assets", "/assets/", "/assets/../portal.go", "/portal.go", "/testdata/mock.mjs", "/client/", "//"} {
		if w := get(t, name); w.Code != http.StatusNotFound {
			t.Errorf("GET %s gave %d, want 404", name, w.Code)
		}
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST / gave %d, want 405", w.Code)
	}
}

// The policy would refuse them at run time, on a screen nobody tests: so they are refused here.
func TestThePageHasNothingInlineAndAsksNobodyElse(t *testing.T) {
	t.Parallel()
	page := get(t, "/").Body.String()
	for _, bad := range []string{`(?i)<style`, `(?i)\sstyle=`, `(?i)\son[a-z]+=`, `<script>`, `https?://`} {
		if found := regexp.MustCompile(bad).FindString(page); found != "" {
			t.Errorf("index.html has %q", found)
		}
	}
}

func TestEveryPartThatIsNamedExists(t *testing.T) {
	t.Parallel()
	all := load(files)
	named := regexp.MustCompile(`(?:from|href=|src=) ?['"]([./][^'"]+\.(?:js|css|svg))['"]`)
	for name, a := range all {
		for _, m := range named.FindAllSubmatch(a.body, -1) {
			target := string(m[1])
			if !strings.HasPrefix(target, "/") {
				target = "/" + path.Join(path.Dir(name), target)
			}
			if _, ok := all[strings.TrimPrefix(target, "/")]; !ok {
				t.Errorf("%s names %s, which is not there", name, target)
			}
		}
	}
}

// Modules that import each other load one after another unless the page names them all at once. What is for portals alone
// and the other pages' own are left out.
func TestEveryModuleIsPreloaded(t *testing.T) {
	t.Parallel()
	page := get(t, "/").Body.String()
	for name := range load(files) {
		others := slices.Contains([]string{"client/signalr.js", "client/react.js", "client/monitor.js", "assets/login.js", "assets/report.js", "assets/try.js", "assets/health.js"}, name)
		if strings.HasSuffix(name, ".js") && !others && !strings.Contains(page, `"/`+name+`"`) {
			t.Errorf("index.html does not name %s", name)
		}
	}
}

// TestAPortalStartsWithTenLines: the guide's examples are no longer, and what they import is served.
func TestAPortalStartsWithTenLines(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/portals.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```js\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(examples) != 3 {
		t.Errorf("there are %d examples, want one for each kind of portal", len(examples))
	}
	for _, example := range examples {
		if n := bytes.Count(example[1], []byte("\n")); n > 10 {
			t.Errorf("%d lines:\n%s", n, example[1])
		}
	}
	for _, name := range regexp.MustCompile(`/(client/[a-z.]+\.(?:js|ts))`).FindAllSubmatch(guide, -1) {
		if _, ok := load(files)[string(name[1])]; !ok {
			t.Errorf("%s is not served", name[1])
		}
	}
}

func TestWhatABrowserTakesPackedIsPacked(t *testing.T) {
	t.Parallel()
	plain := get(t, "/assets/app.js")
	for encodings, want := range map[string]string{"gzip": "gzip", "br, GZIP;q=0.8": "gzip", "br": "", "gzip;q=0": "", "gzip; q=0.0, br": ""} {
		w := get(t, "/assets/app.js", "Accept-Encoding", encodings)
		if got := w.Header().Get("Content-Encoding"); got != want || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Fatalf("%q is answered with %q", encodings, got)
		}
		if want == "" {
			continue
		}
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(body, plain.Body.Bytes()) {
			t.Errorf("unpacked it is another: %v", err)
		}
		tag := w.Header().Get("ETag")
		if tag == plain.Header().Get("ETag") {
			t.Error("both have one tag: a cache would mix them up")
		}
		if again := get(t, "/assets/app.js", "Accept-Encoding", encodings, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Header().Get("Content-Encoding") != "" {
			t.Errorf("unchanged gave %d %q", again.Code, again.Header().Get("Content-Encoding"))
		}
	}
}

// What the page loads: the pages for a sign-in and a report and the client's other parts are loaded by those who ask for them.
func TestTheWholePageStaysSmall(t *testing.T) {
	t.Parallel()
	const most = 150_000
	page := get(t, "/").Body.String()
	plain, sent := 0, 0
	for name, a := range load(files) {
		if name == "assets/index.html" || strings.Contains(page, `"/`+name+`"`) {
			plain, sent = plain+len(a.body), sent+len(a.packed)
		}
	}
	t.Logf("%d bytes, %d as they are sent", plain, sent)
	if sent > most/2 || plain > most*6/5 {
		t.Errorf("the page is %d bytes, %d as they are sent: want at most %d and %d", plain, sent, most*6/5, most/2)
	}
}
