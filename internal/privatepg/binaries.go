package privatepg

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// oldest is the first major version whose pgoutput carries logical messages, which the engine lives on.
const oldest = 14

// downloaded is the version fetched when this machine has no server binaries.
const downloaded = embeddedpostgres.V17

// binaries are a folder with initdb and postgres in it.
type binaries struct {
	dir     string
	version string // as postgres --version prints it, "15.18"
}

func (b binaries) String() string { return fmt.Sprintf("PostgreSQL %s from %s", b.version, b.dir) }

// run runs one of the binaries to its end, as the unprivileged user, and returns what it printed.
func (b binaries) run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, name), args...)
	cmd.Dir = dir
	if err := unprivileged(cmd); err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// find gives the first usable binaries: those of this machine, else a download.
func find(ctx context.Context, log *slog.Logger) (binaries, error) {
	for _, dir := range candidates(ctx) {
		b, err := inspect(ctx, dir)
		if err == nil {
			return b, nil
		}
		if dir == os.Getenv("RXVIGIL_PGBIN") {
			return binaries{}, fmt.Errorf("RXVIGIL_PGBIN: %w", err)
		}
	}
	cache, err := cacheDir()
	if err != nil {
		return binaries{}, err
	}
	dir, err := download(log, cache, "")
	if err != nil {
		return binaries{}, fmt.Errorf("no Postgres here and none could be downloaded; install one (Debian: apt-get install postgresql) or name its folder in RXVIGIL_PGBIN: %w", err)
	}
	return inspect(ctx, dir)
}

// candidates are the folders where this machine may have server binaries, the preferred one first.
func candidates(ctx context.Context) []string {
	var dirs []string
	if dir := os.Getenv("RXVIGIL_PGBIN"); dir != "" {
		dirs = append(dirs, dir)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return append(dirs, installed()...)
}

// installed lists where packages put servers, the newest major version first.
func installed() []string {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the pattern is well formed
		dirs = append(dirs, found...)
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return cmp.Compare(majorIn(b), majorIn(a)) })
	return dirs
}

var digits = regexp.MustCompile(`\d+`)

func majorIn(s string) int {
	n, _ := strconv.Atoi(digits.FindString(s)) // no digits: 0, the oldest
	return n
}

// inspect asks the binaries in dir for their version.
func inspect(ctx context.Context, dir string) (binaries, error) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, fmt.Errorf("%s has no initdb", dir)
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, fmt.Errorf("ask %s for its version: %w", filepath.Join(dir, "postgres"), err)
	}
	fields := strings.Fields(string(out)) // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
	if len(fields) < 3 {
		return binaries{}, fmt.Errorf("%s says %q for its version", filepath.Join(dir, "postgres"), out)
	}
	if majorIn(fields[2]) < oldest {
		return binaries{}, fmt.Errorf("PostgreSQL %s in %s is older than %d", fields[2], dir, oldest)
	}
	return binaries{dir: dir, version: fields[2]}, nil
}

// download has embedded-postgres fetch its binaries into the cache and gives their folder. The library can fetch only by
// starting a server, which it cannot as root; the binaries are there all the same, and they are all that is wanted. Test
// binaries that run side by side take turns. An empty repository is the library's own.
func download(log *slog.Logger, cache, repository string) (string, error) {
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	dir := filepath.Join(cache, "postgres-"+string(downloaded))
	bin, whole := filepath.Join(dir, "bin"), filepath.Join(dir, "whole") // a file: nothing was interrupted
	if _, err := os.Stat(whole); err == nil {
		return bin, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("remove half a download: %w", err)
	}
	log.Info("postgres_download", "version", string(downloaded), "into", dir)
	runtime, err := os.MkdirTemp("", "rxvigil-download-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(runtime)
	port, err := freePort()
	if err != nil {
		return "", err
	}
	config := embeddedpostgres.DefaultConfig().Version(downloaded).CachePath(cache).BinariesPath(dir).
		RuntimePath(runtime).Port(uint32(port)).Logger(io.Discard)
	if repository != "" {
		config = config.BinaryRepositoryURL(repository)
	}
	pg := embeddedpostgres.NewDatabase(config)
	err = pg.Start()
	if err == nil {
		err = pg.Stop()
	}
	if _, missing := os.Stat(filepath.Join(bin, "initdb")); missing != nil {
		return "", fmt.Errorf("download PostgreSQL %s: %w", downloaded, err)
	}
	return bin, os.WriteFile(whole, nil, 0o600)
}

// cacheDir is where downloads stay; root's must be readable for the user the server runs as.
func cacheDir() (string, error) {
	dir := "/var/cache/rxvigil"
	if os.Geteuid() != 0 {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a cache folder: %w", err)
		}
		dir = filepath.Join(user, "rxvigil")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a cache folder: %w", err)
	}
	return dir, nil
}
