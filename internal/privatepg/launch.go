package privatepg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// startTimeout bounds one start of the postmaster, a crash recovery included.
const startTimeout = 60 * time.Second

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
	maps.Copy(m, o.Settings)
	return m
}

// create makes the home, its watchdog and, unless it is there, the cluster in it.
func (s *Server) create(ctx context.Context, dir string, cluster func(context.Context) error) error {
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
	return cluster(ctx)
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
