package privatepg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// StandbySlot is the physical slot by which a standby follows.
const StandbySlot = "rxvigil_standby"

// Standby starts a second server that follows this one, with settings over this one's. It begins as a copy of the files, for
// which this server is stopped for a moment. The caller closes the standby, and promotes it by pg_promote().
func (s *Server) Standby(ctx context.Context, settings map[string]string) (*Server, error) {
	if s.process == nil {
		return nil, errors.New("a standby needs a server of ours that runs")
	}
	if err := s.makeStandbySlot(ctx); err != nil {
		return nil, fmt.Errorf("make a slot for the standby: %w", err)
	}
	if err := s.Stop(Fast); err != nil {
		return nil, err
	}
	n := &Server{log: s.log, binaries: s.binaries, source: s.source, settings: maps.Clone(s.settings)}
	n.settings["primary_conninfo"] = "host=127.0.0.1 port=" + strconv.Itoa(s.port) + " user=postgres dbname=postgres application_name=" + StandbySlot
	n.settings["primary_slot_name"] = StandbySlot
	n.settings["hot_standby_feedback"] = "on"
	maps.Copy(n.settings, settings)
	err := n.create(ctx, "", func(ctx context.Context) error { return n.copyOf(ctx, s) })
	err = errors.Join(err, s.start(ctx, 1))
	if err == nil {
		err = n.start(ctx, 5)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a standby: %w", err), n.Close())
	}
	return n, nil
}

func (s *Server) makeStandbySlot(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN(""))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "SELECT pg_create_physical_replication_slot($1, true)", StandbySlot)
	return err
}

// copyOf takes over the files of a stopped server, but for its slots.
func (s *Server) copyOf(ctx context.Context, from *Server) error {
	if out, err := exec.CommandContext(ctx, "cp", "-a", from.DataDir(), s.DataDir()).CombinedOutput(); err != nil {
		return fmt.Errorf("copy a cluster: %w\n%s", err, out)
	}
	slots, err := filepath.Glob(filepath.Join(s.DataDir(), "pg_replslot", "*"))
	if err != nil {
		return err
	}
	for _, dir := range slots {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	signal := filepath.Join(s.DataDir(), "standby.signal")
	return errors.Join(err, os.WriteFile(signal, nil, 0o600), own(signal))
}
