// Package privatepg starts a Postgres of our own: for the demo and for tests, never for a service.
//
// The server listens on a free loopback port and a unix socket, runs as an unprivileged user when we are root, lives in a
// temporary folder, and dies with the process that started it, kill -9 included. In this order, the first that works: a
// server named by DSN, server binaries of this machine, a download by fergusstrange/embedded-postgres.
package privatepg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options say what to start. The zero value starts a fresh server in a temporary folder.
type Options struct {
	// DSN names a running server that is used as it is; then nothing is started and nothing is stopped.
	DSN string
	// Dir is where the server lives. It must be empty, missing, or made by an earlier Start, and is kept when the server
	// is closed. Empty: a temporary folder that goes with the server.
	Dir string
	// Settings are Postgres settings (postgresql.conf) laid over the defaults of this package.
	Settings map[string]string
	// Durable turns fsync on, which is off otherwise.
	Durable bool
	// Log hears what is started; nil is silent.
	Log *slog.Logger
}

// Mode says how a server is told to stop, in the words of pg_ctl.
type Mode string

// The modes: Smart waits for every session to leave, Fast ends them and writes a checkpoint, Immediate is a crash.
const (
	Smart     Mode = "smart"
	Fast      Mode = "fast"
	Immediate Mode = "immediate"
)

// startTimeout bounds one start of the postmaster, a crash recovery included.
const startTimeout = 60 * time.Second

// Server is a running Postgres. Its methods may not be called concurrently, except DSN, SocketDSN and the other readers.
type Server struct {
	log       *slog.Logger
	external  *url.URL // set: somebody else's server
	source    string
	home      string // holds data and the log; removed on Close when temporary
	temporary bool
	socketDir string
	port      int
	binaries  binaries
	settings  map[string]string
	process   *process  // nil while stopped
	watchdog  *watchdog // kills the server and removes home when we are gone
}

// Start finds a Postgres and starts it. The caller closes the server.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DSN != "" {
		return use(o)
	}
	b, err := find(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	s := &Server{log: o.Log, binaries: b, source: b.String(), settings: settings(o)}
	if err := s.create(ctx, o.Dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.start(ctx, 5); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.log.Info("postgres_started", "source", s.source, "port", s.port, "home", s.home)
	return s, nil
}

func use(o Options) (*Server, error) {
	u, err := url.Parse(o.DSN)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, fmt.Errorf("the DSN of a Postgres is a URL: postgres://user@host:port/database")
	}
	return &Server{log: o.Log, external: u, source: "the server at " + u.Host}, nil
}

// settings are the defaults of a private server: small, logical, and lively with many slots.
func settings(o Options) map[string]string {
	m := map[string]string{
		"wal_level":                  "logical",
		"max_wal_senders":            "64",
		"max_replication_slots":      "64",
		"max_connections":            "300",
		"shared_buffers":             "32MB",
		"fsync":                      "off",
		"synchronous_commit":         "on",
		"listen_addresses":           "127.0.0.1",
		"unix_socket_permissions":    "0777",
		"log_destination":            "stderr",
		"logging_collector":          "off",
		"log_line_prefix":            "%m [%p] ",
		"timezone":                   "UTC",
		"log_timezone":               "UTC",
		"dynamic_shared_memory_type": "posix",
	}
	if o.Durable {
		m["fsync"] = "on"
	}
	for k, v := range o.Settings {
		m[k] = v
	}
	return m
}

// create makes the home, its watchdog and the cluster in it.
func (s *Server) create(ctx context.Context, dir string) error {
	home, temporary, err := makeHome(dir)
	if err != nil {
		return err
	}
	s.home, s.temporary = home, temporary
	if s.socketDir, err = makeSocketDir(home); err != nil {
		return err
	}
	if s.watchdog, err = startWatchdog(s.DataDir(), s.temporaryFolders()); err != nil {
		return fmt.Errorf("start the private Postgres' watchdog: %w", err)
	}
	if _, err := os.Stat(filepath.Join(s.DataDir(), "PG_VERSION")); err == nil {
		return nil
	}
	return s.initdb(ctx)
}

func (s *Server) initdb(ctx context.Context) error {
	args := []string{
		"-D", s.DataDir(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions",
	}
	out, err := s.binaries.run(ctx, s.home, "initdb", append(args, "--locale=C.UTF-8")...)
	if err != nil && strings.Contains(out, "locale") { // a system without C.UTF-8
		out, err = s.binaries.run(ctx, s.home, "initdb", append(args, "--locale=C")...)
	}
	if err != nil {
		return fmt.Errorf("create a private database cluster with %s: %w\n%s", s.source, err, tail(out, 20))
	}
	return nil
}

// start runs the postmaster until it accepts sessions. A port that somebody else took meanwhile is chosen anew, tries times.
func (s *Server) start(ctx context.Context, tries int) error {
	for try := 1; ; try++ {
		if s.port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			s.port = port
		}
		logStart := s.logSize()
		err := s.launch(ctx)
		if err == nil {
			return nil
		}
		told := s.logSince(logStart)
		if try < tries && strings.Contains(told, "Address already in use") {
			s.port = 0
			continue
		}
		return fmt.Errorf("start %s: %w\n%s", s.source, err, tail(told, 20))
	}
}

func (s *Server) launch(ctx context.Context) error {
	args := []string{filepath.Join(s.binaries.dir, "postgres"), "-D", s.DataDir(), "-p", strconv.Itoa(s.port), "-k", s.socketDir}
	for k, v := range s.settings {
		args = append(args, "-c", k+"="+v)
	}
	p, err := spawn(args, s.home, s.LogFile())
	if err != nil {
		return err
	}
	s.process = p
	if err := s.awaitReady(ctx); err != nil {
		s.process.kill()
		s.process = nil
		return err
	}
	return nil
}

// awaitReady reads the postmaster's own status line, which says ready when sessions are accepted.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if s.process.exited() {
			return errors.New("the server ended at once")
		}
		b, err := os.ReadFile(filepath.Join(s.DataDir(), "postmaster.pid"))
		lines := strings.Split(string(b), "\n")
		if err == nil && len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready" && lines[0] == strconv.Itoa(s.process.pid) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server was not ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// DSN is the URL of a database over TCP on the loopback interface; empty means the database postgres.
func (s *Server) DSN(database string) string {
	if database == "" {
		database = "postgres"
	}
	if s.external != nil {
		u := *s.external
		u.Path, u.RawPath = "/"+database, ""
		return u.String()
	}
	u := url.URL{
		Scheme: "postgres", User: url.User("postgres"), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// SocketDSN is the URL of a database over the unix socket; for somebody else's server it is DSN.
func (s *Server) SocketDSN(database string) string {
	if s.external != nil {
		return s.DSN(database)
	}
	if database == "" {
		database = "postgres"
	}
	q := url.Values{"host": {s.socketDir}, "port": {strconv.Itoa(s.port)}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}

// Source says which Postgres this is, for a person: "PostgreSQL 15.18 from /usr/lib/postgresql/15/bin".
func (s *Server) Source() string { return s.source }

// External tells whether this is somebody else's server, which cannot be stopped.
func (s *Server) External() bool { return s.external != nil }

// BinDir is the folder of the server's binaries, empty for somebody else's server.
func (s *Server) BinDir() string { return s.binaries.dir }

// DataDir is the cluster's data folder, empty for somebody else's server.
func (s *Server) DataDir() string {
	if s.home == "" {
		return ""
	}
	return filepath.Join(s.home, "data")
}

// LogFile is where the server writes its log.
func (s *Server) LogFile() string { return filepath.Join(s.home, "server.log") }

// PID is the postmaster's process id, 0 while stopped.
func (s *Server) PID() int {
	if s.process == nil {
		return 0
	}
	return s.process.pid
}

// Stop tells the server to stop and waits until it has. The data stays: Restart starts it again at the same addresses.
// Stopping a stopped server, or somebody else's, does nothing.
func (s *Server) Stop(mode Mode) error {
	if s.process == nil {
		return nil
	}
	if err := s.process.stop(mode); err != nil {
		return fmt.Errorf("stop the private Postgres: %w", err)
	}
	s.process = nil
	return nil
}

// Restart starts the server again at the same addresses, stopping it first in the given mode when it runs.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	if s.external != nil {
		return errors.New("a server that somebody else runs cannot be restarted from here")
	}
	if err := s.Stop(mode); err != nil {
		return err
	}
	return s.start(ctx, 1)
}

// Set lays a setting over the present ones; it counts from the next Restart.
func (s *Server) Set(name, value string) { s.settings[name] = value }

// Close stops the server at once and removes what Start made. It is safe after Stop, and twice.
func (s *Server) Close() error {
	if s.external != nil {
		return nil
	}
	err := s.Stop(Immediate)
	for _, dir := range s.temporaryFolders() {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if s.watchdog != nil {
		s.watchdog.dismiss()
		s.watchdog = nil
	}
	return err
}

// temporaryFolders are the folders that go with the server.
func (s *Server) temporaryFolders() []string {
	var dirs []string
	if s.temporary && s.home != "" {
		dirs = append(dirs, s.home)
	}
	if s.socketDir != "" && s.socketDir != s.home {
		dirs = append(dirs, s.socketDir)
	}
	return dirs
}

func (s *Server) logSize() int64 {
	info, err := os.Stat(s.LogFile())
	if err != nil {
		return 0
	}
	return info.Size()
}

func (s *Server) logSince(offset int64) string {
	b, err := os.ReadFile(s.LogFile())
	if err != nil || int64(len(b)) < offset {
		return ""
	}
	return string(b[offset:])
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
