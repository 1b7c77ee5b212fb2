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

	"github.com/jackc/pgx/v5"
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
		return use(ctx, o)
	}
	b, err := find(ctx, o.Log)
	if err != nil {
		return nil, err
	}
	s := &Server{log: o.Log, binaries: b, source: b.String(), settings: settings(o)}
	if err := s.create(ctx, o.Dir, s.initdb); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.start(ctx, 5); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.log.Info("postgres_started", "source", s.source, "port", s.port, "home", s.home)
	return s, nil
}

// use takes a server that somebody else runs.
func use(ctx context.Context, o Options) (*Server, error) {
	u, err := url.Parse(o.DSN)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("the DSN of a Postgres is a URL: postgres://user@host:port/database")
	}
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return nil, fmt.Errorf("use the server of the given DSN: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	source := fmt.Sprintf("PostgreSQL %s at %s", conn.PgConn().ParameterStatus("server_version"), u.Host)
	return &Server{log: o.Log, external: u, source: source}, nil
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

// LogTail is the last lines of the server's log.
func (s *Server) LogTail(lines int) string { return tail(s.logSince(0), lines) }

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
