package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
	"github.com/rxvigil/rxvigil/rules"
)

// config is the configuration file. Flags are stronger than RXVIGIL_… variables, and those than the file.
type config struct {
	Source  sourceConfig            `yaml:"source"`
	Sources map[string]sourceConfig `yaml:"sources"` // by name, instead of source: a database for each tenant, or for some of them
	State   struct {
		DSN    string `yaml:"dsn"`    // default: the source's
		Schema string `yaml:"schema"` // rxvigil, and nothing else for now
	} `yaml:"state"`
	DataDir string `yaml:"data_dir"`
	Tenants struct {
		Zone    string            `yaml:"zone"`    // where a pharmacy's day is decided, unless its own row says
		Zones   map[string]string `yaml:"zones"`   // by tenant id
		Locale  string            `yaml:"locale"`  // the language of messages, such as am or fr-CM; default en
		Locales map[string]string `yaml:"locales"` // by tenant id
	} `yaml:"tenants"`
	Mapping cdc.Mapping `yaml:"mapping"`
	Push    struct {
		Listen        string            `yaml:"listen"`
		CORSOrigins   []string          `yaml:"cors_origins"`
		Drain         time.Duration     `yaml:"drain"`
		HubPaths      map[string]string `yaml:"hub_paths"`      // of SignalR hubs besides /hubs/{hub}; default: those that the deployed portals call
		HubTransports []string          `yaml:"hub_transports"` // offered to SignalR clients; default: all
		Limits        push.Limits       `yaml:"limits"`
	} `yaml:"push"`
	Auth   *auth.Config `yaml:"auth"`  // who may call; without it only this machine may
	Rules  []string     `yaml:"rules"` // packs, each laid over the one before: names of those that come with the program, or files
	Notify notifyConfig `yaml:"notify"`
	Log    struct {
		Level     string        `yaml:"level"`     // debug, info, warn, error
		Format    string        `yaml:"format"`    // text, json; default by terminal
		Retention time.Duration `yaml:"retention"` // of the event log; default 24 h
		MaxBytes  int64         `yaml:"max_bytes"` // of the event log; default 1 GiB
	} `yaml:"log"`

	text []byte // of the file, for messages
	name string
}

// sourceConfig is a database that is read.
type sourceConfig struct {
	DSN         string `yaml:"dsn"`
	Slot        string `yaml:"slot"`
	Publication string `yaml:"publication"`
	Failover    *bool  `yaml:"failover"` // standbys keep a copy of the slot, where the server can (17 and newer); default true
	WAL         struct {
		Warn     string `yaml:"warn"`     // WAL kept for us that is a warning; default 1GiB; off: never
		Critical string `yaml:"critical"` // that is critical; default 5GiB
		Drop     string `yaml:"drop"`     // at which we drop our slot rather than fill the disk; default off
	} `yaml:"wal"`

	name string // among several; else empty
}

// settings are the lines of the file that a flag or a variable can replace.
var settings = []setting{ //nolint:gochecknoglobals // a table, never written
	{"dsn", "RXVIGIL_SOURCE_DSN", "Postgres to read", func(c *config) *string { return &c.Source.DSN }},
	{"slot", "RXVIGIL_SOURCE_SLOT", "name of our replication slot", func(c *config) *string { return &c.Source.Slot }},
	{"publication", "RXVIGIL_SOURCE_PUBLICATION", "name of our publication", func(c *config) *string { return &c.Source.Publication }},
	{"state-dsn", "RXVIGIL_STATE_DSN", "Postgres for our schema (default: the source)", func(c *config) *string { return &c.State.DSN }},
	{"data-dir", "RXVIGIL_DATA_DIR", "the engine's own disk", func(c *config) *string { return &c.DataDir }},
	{"listen", "RXVIGIL_PUSH_LISTEN", "address to serve on", func(c *config) *string { return &c.Push.Listen }},
	{"log-level", "RXVIGIL_LOG_LEVEL", "debug, info, warn or error", func(c *config) *string { return &c.Log.Level }},
	{"log-format", "RXVIGIL_LOG_FORMAT", "text or json", func(c *config) *string { return &c.Log.Format }},
}

type setting struct {
	flag, variable, help string
	of                   func(*config) *string
}

// parseConfig reads a configuration file's text. An error shows the line and, for a wrong name, the nearest right one.
func parseConfig(name string, text []byte) (*config, error) {
	c := &config{text: text, name: name}
	if err := yaml.UnmarshalWithOptions(text, c, yaml.Strict()); err != nil {
		return nil, c.fileError(err)
	}
	return c, nil
}

// yamlNames lists every key that the file may have, at any depth.
func yamlNames(t reflect.Type, seen map[reflect.Type]bool) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] {
		return nil
	}
	seen[t] = true
	var names []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != "" {
			names = append(names, name)
		}
		if name != "" || options == "inline" {
			names = append(names, yamlNames(field.Type, seen)...)
		}
	}
	return names
}

// loadConfig reads the file, lays variables and flags over it, and validates.
func loadConfig(path string, flag func(name string) (string, bool)) (*config, error) {
	if path == "" {
		return nil, usage(errors.New("which configuration? Say --config rxvigil.yaml"))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, err := parseConfig(path, text)
	if err != nil {
		return nil, err
	}
	for _, s := range settings {
		if v, ok := os.LookupEnv(s.variable); ok {
			*s.of(c) = v
		}
		if v, ok := flag(s.flag); ok {
			*s.of(c) = v
		}
	}
	return c, c.validate()
}

// validate fills in defaults and names the first field that is wrong.
func (c *config) validate() error {
	if len(c.Sources) > 0 {
		return c.validateEach()
	}
	for _, dsn := range []*string{&c.Source.DSN, &c.State.DSN, &c.Mapping.HashKey} {
		v, err := secret(*dsn)
		if err != nil {
			return err
		}
		*dsn = v
	}
	if c.Source.DSN == "" {
		return errors.New("source.dsn is missing: set it to the URL of the app's database, such as postgres://rxvigil@db/pharmacy")
	}
	if c.State.DSN == "" {
		c.State.DSN = c.Source.DSN
	}
	if c.State.Schema != "" && c.State.Schema != "rxvigil" {
		return fmt.Errorf("state.schema: %q is not possible yet: leave it out, the schema is rxvigil", c.State.Schema)
	}
	defaults(&c.Source.Slot, "rxvigil")
	defaults(&c.Source.Publication, "rxvigil")
	defaults(&c.DataDir, "rxvigil-data")
	defaults(&c.Push.Listen, "127.0.0.1:8080")
	if !slotName.MatchString(c.Source.Slot) {
		return fmt.Errorf("source.slot: %q is no name of a slot: use small letters, digits and _, at most 63", c.Source.Slot)
	}
	if _, err := c.walLimits(); err != nil {
		return err
	}
	if _, err := c.zones(); err != nil {
		return err
	}
	if _, err := zone("tenants.zone", c.Tenants.Zone); err != nil {
		return err
	}
	if _, err := c.locales(); err != nil {
		return err
	}
	if _, err := c.receivers(); err != nil {
		return err
	}
	if err := c.checkAuth(); err != nil {
		return err
	}
	if _, err := c.pack(); err != nil {
		return err
	}
	if err := push.CheckHubs(c.Push.HubPaths, c.Push.HubTransports); err != nil {
		return err
	}
	return errors.Join(oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error"), oneOf("log.format", c.Log.Format, "text", "json"))
}

// walLimits reads source.wal.
func (c *config) walLimits() (l walLimits, err error) {
	w := c.Source.WAL
	for _, field := range []struct {
		of            *int64
		name, text    string
		usual, lowest int64
	}{
		{&l.warn, "warn", w.Warn, 1 << 30, 1 << 20}, {&l.critical, "critical", w.Critical, 5 << 30, 1 << 20}, {&l.drop, "drop", w.Drop, 0, 64 << 20},
	} {
		if *field.of, err = size("source.wal."+field.name, field.text, field.usual); err != nil {
			return l, err
		}
		if *field.of > 0 && *field.of < field.lowest {
			return l, fmt.Errorf("source.wal.%s: %q is too little: a busy server writes that in a moment; use at least %s", field.name, field.text, rules.Size(field.lowest))
		}
	}
	return l, nil
}

var sizeUnits = map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40} //nolint:gochecknoglobals // a table, never written

// size reads a number of bytes such as 5GiB or 500 MB. Nothing is the usual, off is 0.
func size(field, text string, usual int64) (int64, error) {
	switch text {
	case "":
		return usual, nil
	case "off":
		return 0, nil
	}
	digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
	unit, known := sizeUnits[strings.ToUpper(strings.TrimSpace(text[len(digits):]))]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%s: %q is no size: write it as 5GiB, 500MB or off", field, text)
	}
	return n * unit, nil
}

// slotName is what Postgres accepts.
var slotName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// oneOf checks a setting that may be left out.
func oneOf(field, value string, valid ...string) error {
	if value == "" || slices.Contains(valid, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %s", field, value, strings.Join(valid, ", "))
}

func defaults(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// secret reads a value that may be env:NAME or file:PATH.
func secret(v string) (string, error) {
	if name, ok := strings.CutPrefix(v, "env:"); ok {
		v, set := os.LookupEnv(name)
		if !set {
			return "", fmt.Errorf("the configuration names the variable %s, which is not set", name)
		}
		return v, nil
	}
	if path, ok := strings.CutPrefix(v, "file:"); ok {
		b, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return "", fmt.Errorf("read secret: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	return v, nil
}

func (c *config) zones() (map[rxvigil.Tenant]*time.Location, error) {
	zones := map[rxvigil.Tenant]*time.Location{}
	for tenant, name := range c.Tenants.Zones {
		z, err := zone("tenants.zones."+tenant, name)
		if err != nil {
			return nil, err
		}
		zones[rxvigil.Tenant(tenant)] = z
	}
	return zones, nil
}

// locales reads the languages of messages, by tenant.
func (c *config) locales() (map[rxvigil.Tenant]string, error) {
	if err := locale("tenants.locale", c.Tenants.Locale); err != nil {
		return nil, err
	}
	locales := map[rxvigil.Tenant]string{}
	for tenant, name := range c.Tenants.Locales {
		if err := locale("tenants.locales."+tenant, name); err != nil {
			return nil, err
		}
		locales[rxvigil.Tenant(tenant)] = name
	}
	return locales, nil
}

func locale(field, name string) error {
	if name == "" || rules.Speaks(name) {
		return nil
	}
	return fmt.Errorf("%s: alerts cannot speak %q: use one of %s", field, name, strings.Join(rules.Languages(), ", "))
}

func zone(field, name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %q is no time zone: use a name of the tz database, such as Africa/Lusaka", field, name)
	}
	return z, nil
}

// logger writes text to a terminal and JSON elsewhere.
func (c *config) logger() *slog.Logger {
	var level slog.Level
	if c.Log.Level != "" {
		_ = level.UnmarshalText([]byte(c.Log.Level)) // validate has looked at it
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Log.Format == "json" || c.Log.Format == "" && !terminal(os.Stderr) {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
