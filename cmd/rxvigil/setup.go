package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/pgstore"
	"github.com/rxvigil/rxvigil/state"
)

// newEngine makes an engine that knows nothing yet.
func newEngine(cfg *config, disk *state.Store, store alertStore, log *push.Log, logger *slog.Logger, reg prometheus.Registerer) (*engine, error) {
	c, err := cfg.rulesConfig(logger)
	if err != nil {
		return nil, err
	}
	e := &engine{
		disk: disk, store: store, log: log, logger: logger, slot: cfg.Source.Slot, ready: make(chan struct{}),
		age:       groupAge,
		usage:     map[string]rules.Usage{},
		onRevoke:  func(cdc.Message) {},
		awaited:   map[string]*awaited{},
		last:      map[rxvigil.Tenant]int{},
		spilled:   map[string]*spillroom{},
		words:     map[string]string{},
		retention: state.Retention{Age: cfg.Log.Retention, Bytes: cfg.Log.MaxBytes},
	}
	e.pack = c.Pack
	e.newRules = func(pack rules.Pack) (*rules.Engine, error) {
		now := c
		now.Pack, now.Sold = pack, e.sold
		return rules.NewEngine(now)
	}
	if _, err := e.renewRules(); err != nil {
		return nil, err
	}
	e.vital.set("starting")
	e.metrics = newEngineMetrics(reg, e)
	return e, nil
}

// rulesConfig is what the rules are told of the configuration.
func (c *config) rulesConfig(logger *slog.Logger) (rules.Config, error) {
	zones, err := c.zones()
	if err != nil {
		return rules.Config{}, err
	}
	where, err := zone("tenants.zone", c.Tenants.Zone)
	if err != nil {
		return rules.Config{}, err
	}
	pack, err := c.pack()
	if err != nil {
		return rules.Config{}, err
	}
	locales, err := c.locales()
	return rules.Config{
		Pack: pack, Zone: where, Zones: zones, Locale: c.Tenants.Locale, Locales: locales, Log: logger,
	}, err
}

// keptFrom joins what the disk holds with what the alert store knows of the source.
func keptFrom(meta state.Meta, row pgstore.Engine) (cdc.Kept, error) {
	kept := cdc.Kept{
		Hash: meta.Hash, Position: meta.Position, At: meta.At, Confirmed: row.Confirmed, SlotGen: row.SlotGeneration,
		Older: max(row.Position.LSN, row.Confirmed), OlderAt: row.UpdatedAt,
	}
	if meta.Position == 0 {
		return kept, nil
	}
	if err := json.Unmarshal(meta.Identity, &kept.Identity); err != nil {
		return kept, fmt.Errorf("read identity of the state: %w", err)
	}
	return kept, nil
}

// newID names an operation: a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
