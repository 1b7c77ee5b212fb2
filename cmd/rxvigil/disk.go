package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/state"
)

// openState opens the engine's own disk.
func openState(cfg *config, logger *slog.Logger) (*state.Store, error) {
	return openDisk(cfg, false, logger)
}

// openDisk opens the engine's own disk. Where a process that lost its turn still has it, which is frozen or cut off, the disk
// stays that one's, and we begin anew on a spare one beside it.
func openDisk(cfg *config, threw bool, logger *slog.Logger) (*state.Store, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w: choose a folder that this user may write", err)
	}
	usual, spare := filepath.Join(cfg.DataDir, "state"), filepath.Join(cfg.DataDir, "state-spare")
	disk, err := state.Open(usual, logger)
	if errors.Is(err, state.ErrInUse) && threw {
		logger.Warn("state_in_use", "folder", usual, "using", spare)
		return state.Open(spare, logger)
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(spare); errors.Is(err, fs.ErrNotExist) {
		return disk, nil
	}
	return settleSpare(disk, usual, spare, logger)
}

// settleSpare keeps the newer of two disks as the usual one. A spare one that is in use is somebody's who will not need it again.
func settleSpare(disk *state.Store, usual, spare string, logger *slog.Logger) (*state.Store, error) {
	other, err := state.Open(spare, logger)
	if errors.Is(err, state.ErrInUse) {
		return disk, nil
	}
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	newer := slotOf(other) > slotOf(disk)
	if err := other.Close(); err != nil || !newer {
		return disk, errors.Join(err, os.RemoveAll(spare))
	}
	if err := errors.Join(disk.Close(), os.RemoveAll(usual), os.Rename(spare, usual)); err != nil {
		return nil, fmt.Errorf("take over the spare state: %w", err)
	}
	return state.Open(usual, logger)
}

// slotOf is the generation of the slot that a disk was filled from.
func slotOf(disk *state.Store) int64 {
	var id cdc.Identity
	if meta := disk.Meta(); meta.Position == 0 || json.Unmarshal(meta.Identity, &id) != nil {
		return -1
	}
	return id.Slot
}
