// Package portal is what browsers load: the dashboard and the portal client, as they stand in the repository. There is no
// build step; what is served is what is read here.
package portal

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed assets client/*.js client/*.d.ts
var files embed.FS

// policy lets the page load and ask only its own origin: no inline script or style, no frame around it.
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

// asset is one file, ready to be served.
type asset struct {
	body   []byte
	packed []byte // the body, gzipped
	mime   string
	tag    string // strong ETag of the content; what is packed has another
}

// Handler serves the dashboard at /, one medicine at /medicine, the page that asks for a token at /login, how alerts have been at
// /report, the rules at /rules, a connection to try at /try, their parts under /assets/ and the portal client under /client/. It answers 404 to
// everything else and 405 to methods that read nothing.
func Handler() http.Handler {
	assets := load(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch name {
		case "":
			name = "assets/index.html"
		case "login", "medicine", "report", "rules", "try":
			name = "assets/" + name + ".html"
		}
		a, ok := assets[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		a.serve(w, r, strings.HasPrefix(name, "client/"))
	})
}

// serve writes the file. The client may be imported by portals of other origins; the dashboard is for its own.
func (a asset) serve(w http.ResponseWriter, r *http.Request, shared bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	body, tag := a.body, a.tag
	h.Set("Vary", "Accept-Encoding")
	if accepts(r.Header.Get("Accept-Encoding")) {
		body, tag = a.packed, strings.TrimSuffix(a.tag, `"`)+`-gzip"`
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("ETag", tag)
	// Names do not change with content, so a browser asks each time and is told 304: a new engine is never met by an old page.
	h.Set("Cache-Control", "no-cache")
	if shared {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if matches(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a reader that went away is nobody's fault
	}
}

// accepts tells whether a browser takes gzip. One that weighs it against others does.
func accepts(encodings string) bool {
	for one := range strings.SplitSeq(encodings, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			weight = strings.TrimSpace(weight)
			return strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != "" || weight == ""
		}
	}
	return false
}

func matches(asked, tag string) bool {
	for one := range strings.SplitSeq(asked, ",") {
		if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == tag || one == "*" {
			return true
		}
	}
	return false
}

// load reads every file. An embedded file that cannot be read, or whose type nobody has named, is a programmer's mistake.
func load(fsys fs.FS) map[string]asset {
	all := map[string]asset{}
	z := gzip.NewWriter(nil) // one for all: each would have a megabyte
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		var packed bytes.Buffer
		z.Reset(&packed) // into memory: nothing can fail
		_, _ = z.Write(body)
		_ = z.Close()
		all[name] = asset{body: body, packed: packed.Bytes(), mime: mimeOf(name), tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return all
}

// mimeOf names types itself: the system's table differs between machines, and a wrong one stops a module from loading.
func mimeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ts":
		return "application/typescript; charset=utf-8"
	}
	panic("portal: no media type for " + name)
}
