package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/rxvigil/rxvigil/rules"
)

// packWatch reads the rule packs again when a file of theirs changes, and on SIGHUP. A pack with a mistake is refused with its
// line, and the running one stays.
type packWatch struct {
	cfg       *config
	engine    *engine
	scheduler *rules.Scheduler
	logger    *slog.Logger
	last      string // stamp of the files that were read last
}

// lookAtPacks is how often their files are looked at: their folder may be a mounted volume, which tells nobody of a change.
const lookAtPacks = 2 * time.Second

func newPackWatch(cfg *config, e *engine, s *rules.Scheduler, logger *slog.Logger) *packWatch {
	w := &packWatch{cfg: cfg, engine: e, scheduler: s, logger: logger}
	w.last = w.stamp()
	return w
}

// Run watches until ctx ends.
func (w *packWatch) Run(ctx context.Context) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	defer signal.Stop(asked)
	tick := time.NewTicker(lookAtPacks)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-asked:
			w.last = w.stamp()
			w.read()
		case <-tick.C:
			if now := w.stamp(); now != w.last {
				w.last = now
				w.read()
			}
		}
	}
}

// stamp changes when a file does.
func (w *packWatch) stamp() (all string) {
	for _, name := range w.cfg.Rules {
		if slices.Contains(rules.Packs(), name) {
			continue
		}
		if info, err := os.Stat(w.cfg.packFile(name)); err == nil {
			all += fmt.Sprintln(name, info.ModTime().UnixNano(), info.Size())
		}
	}
	return all
}

func (w *packWatch) read() {
	pack, err := w.cfg.pack()
	if err == nil {
		err = w.engine.adopt(pack)
	}
	if err == nil {
		err = w.scheduler.Adopt(pack)
	}
	if err != nil {
		w.logger.Error("pack_refused", "error", err.Error())
		return
	}
	w.logger.Info("pack_adopted", "rules", len(pack.Rules))
}

// adopt has the rules judge by another pack from the next transaction on.
func (e *engine) adopt(p rules.Pack) error {
	e.packs.Lock()
	defer e.packs.Unlock()
	if err := e.rules.Load().Adopt(p); err != nil {
		return err
	}
	e.pack = p
	return nil
}
