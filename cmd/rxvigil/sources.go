package main

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Several databases may be read by one process: one for each tenant, or for some of them. Each has a slot, a position and an epoch of
// its own, a folder in data_dir, and its alerts in its own database; what is said about tenants, rules and push is said once.

var sourceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

// each gives the configuration of every source: this one, where there is only one.
func (c *config) each() []*config {
	if len(c.Sources) == 0 {
		return []*config{c}
	}
	var all []*config
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		one := *c
		one.Source, one.Sources = c.Sources[name], nil
		one.Source.name = name
		defaults(&one.Source.Slot, "rxvigil_"+name)
		defaults(&one.Source.Publication, "rxvigil")
		one.State.DSN = one.Source.DSN
		defaults(&one.DataDir, "rxvigil-data")
		one.DataDir = filepath.Join(one.DataDir, name)
		all = append(all, &one)
	}
	return all
}

// only gives the configuration of one source.
func (c *config) only(name string) (*config, error) {
	all := c.each()
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	for _, one := range all {
		if one.Source.name == name {
			return one, nil
		}
	}
	names := slices.Sorted(maps.Keys(c.Sources))
	if name == "" {
		return nil, usage(fmt.Errorf("there are several sources: say --source with one of %s", strings.Join(names, ", ")))
	}
	return nil, usage(fmt.Errorf("there is no source %q: there are %s", name, strings.Join(names, ", ")))
}

// validateEach validates what several sources share, and each of them.
func (c *config) validateEach() error {
	if c.Source.DSN != "" {
		return errors.New("source: and sources: are both there: leave source: out where there are several")
	}
	if c.State.DSN != "" {
		return errors.New("state.dsn: of several sources each keeps its alerts in its own database: leave it out")
	}
	for _, one := range c.each() {
		if !sourceName.MatchString(one.Source.name) {
			return fmt.Errorf("sources: %q is no name of a source: use small letters, digits and _, at most 41", one.Source.name)
		}
		if err := one.validate(); err != nil {
			return fmt.Errorf("sources.%s: %w", one.Source.name, err)
		}
		c.Push.Listen, c.Mapping.HashKey = one.Push.Listen, one.Mapping.HashKey
		source := c.Sources[one.Source.name]
		source.DSN = one.Source.DSN
		c.Sources[one.Source.name] = source
	}
	return nil
}
