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
	"strconv"
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
		"/rules":                "text/html; charset=utf-8",
		"/medicine":             "text/html; charset=utf-8",
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
		others := slices.Contains([]string{
			"client/signalr.js", "client/react.js", "client/monitor.js", "client/replay.js", "assets/login.js", "assets/report.js", "assets/try.js", "assets/health.js",
			"assets/rules.js", "assets/which.js", "assets/bars.js", "assets/medicine.js", "assets/medicine-history.js", "assets/stock-chart.js", "assets/fr.js", "assets/am.js",
		}, name)
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

// What the dashboard loads, as it is sent, in the language that needs most: what other pages and portals load is theirs.
func TestTheWholePageStaysSmall(t *testing.T) {
	t.Parallel()
	const most = 90_000
	page := get(t, "/").Body.String()
	all := load(files)
	plain, sent := len(all["assets/am.js"].body), len(all["assets/am.js"].packed)
	for name, a := range all {
		if name == "assets/index.html" || strings.Contains(page, `"/`+name+`"`) {
			plain, sent = plain+len(a.body), sent+len(a.packed)
		}
	}
	t.Logf("%d bytes, %d as they are sent", plain, sent)
	if sent > most {
		t.Errorf("the page is %d bytes, %d as they are sent: want at most %d", plain, sent, most)
	}
}

// TestEveryTextIsSaidInEveryLanguage: what a page says has a translation with the same values in it, and no translation is of a text
// that no page says any more.
func TestEveryTextIsSaidInEveryLanguage(t *testing.T) {
	t.Parallel()
	all := load(files)
	texts := map[string]bool{}
	script := regexp.MustCompile(`\b(?:(?:t|phrase)\(|count\([^']*?, )'((?:[^'\\]|\\.)*)'`)
	page := regexp.MustCompile(`<[a-z0-9]+ ([^>]*\bdata-t\b[^>]*)>([^<]*)`)
	label := regexp.MustCompile(`aria-label="([^"]*)"`)
	for name, a := range all {
		switch {
		case name == "assets/fr.js" || name == "assets/am.js" || !strings.HasPrefix(name, "assets/"):
		case strings.HasSuffix(name, ".js"):
			for _, m := range script.FindAllSubmatch(a.body, -1) {
				texts[unquote(t, m[1])] = true
			}
		case strings.HasSuffix(name, ".html"):
			for _, m := range page.FindAllSubmatch(a.body, -1) {
				text := m[2]
				if named := label.FindSubmatch(m[1]); named != nil {
					text = named[1]
				}
				texts[string(text)] = true
			}
		}
	}
	if len(texts) < 300 {
		t.Fatalf("only %d texts were found", len(texts))
	}
	values := regexp.MustCompile(`\{\w+\}`)
	line := regexp.MustCompile(`(?m)^  '((?:[^'\\]|\\.)*)': '((?:[^'\\]|\\.)*)',$`)
	for _, language := range []string{"fr", "am"} {
		said := map[string]string{}
		for _, m := range line.FindAllSubmatch(all["assets/"+language+".js"].body, -1) {
			said[unquote(t, m[1])] = unquote(t, m[2])
		}
		for text := range texts {
			if said[text] == "" {
				t.Errorf("%s: %q is not said", language, text)
			}
		}
		for text, translated := range said {
			if !texts[text] {
				t.Errorf("%s: no page says %q", language, text)
			}
			for i, form := range strings.Split(translated, "|") {
				want := values.FindAllString(strings.Split(text+"|"+text, "|")[i], -1)
				got := values.FindAllString(form, -1)
				slices.Sort(want)
				slices.Sort(got)
				if !slices.Equal(got, want) || strings.Count(text, "|") != strings.Count(translated, "|") {
					t.Errorf("%s: %q has other values or forms than %q", language, translated, text)
				}
			}
		}
	}
}

// unquote reads what stands between a script's single quotes.
func unquote(t *testing.T, text []byte) string {
	t.Helper()
	s, err := strconv.Unquote(`"` + strings.NewReplacer(`\'`, `'`, `"`, `\"`).Replace(string(text)) + `"`)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}
