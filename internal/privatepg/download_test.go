package privatepg

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A repository that serves a jar with an archive of three scripts, as the real one does with a server. Nothing here starts:
// the binaries must be taken all the same, as they must when we are root.
func TestDownloadGivesTheBinariesOnce(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("xz"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no xz to make an archive with: install xz-utils")
		}
		t.Skip("no xz to make an archive with")
	}
	jar := serverJar(t)
	asked := 0
	repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			sum := sha256.Sum256(jar)
			_, _ = w.Write([]byte(hex.EncodeToString(sum[:])))
			return
		}
		asked++
		_, _ = w.Write(jar)
	}))
	defer repository.Close()
	defer http.DefaultClient.CloseIdleConnections() // the library uses it
	cache := t.TempDir()
	for range 2 {
		bin, err := download(slog.New(slog.DiscardHandler), cache, repository.URL)
		if err != nil {
			t.Fatal(err)
		}
		b, err := inspect(t.Context(), bin)
		if err != nil {
			t.Fatal(err)
		}
		if want := "PostgreSQL 17.5 from " + bin; b.String() != want {
			t.Errorf("found %q, want %q", b, want)
		}
	}
	if asked != 1 {
		t.Errorf("the repository was asked %d times, want once", asked)
	}
}

func TestDownloadSaysThatThereIsNothing(t *testing.T) {
	t.Parallel()
	repository := httptest.NewServer(http.NotFoundHandler())
	defer repository.Close()
	defer http.DefaultClient.CloseIdleConnections()
	_, err := download(slog.New(slog.DiscardHandler), t.TempDir(), repository.URL)
	if err == nil || !strings.Contains(err.Error(), "download PostgreSQL") {
		t.Errorf("error is %v, want one that says what was tried", err)
	}
}

func TestNewestInstalledServerComesFirst(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{"/usr/lib/postgresql/15/bin": 15, "/usr/pgsql-9.6/bin": 9, "/opt/pg/bin": 0} {
		if got := majorIn(in); got != want {
			t.Errorf("major version in %s is %d, want %d", in, got, want)
		}
	}
}

// serverJar is a zip that holds a tar.xz that holds bin/.
func serverJar(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) 17.5'\n", "initdb": "#!/bin/sh\nexit 1\n", "pg_ctl": "#!/bin/sh\nexit 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	archive := filepath.Join(dir, "postgres.txz")
	if out, err := exec.CommandContext(t.Context(), "tar", "-C", dir, "-cJf", archive, "bin").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	packed, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	w, err := z.Create("postgres-linux.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}
