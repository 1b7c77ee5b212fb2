package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/rxvigil/rxvigil/rules"
)

// pack reads the rules that the configuration names, each laid over the one before. A file's path is taken from where the
// configuration is.
func (c *config) pack() (rules.Pack, error) {
	if len(c.Rules) == 0 {
		return rules.DefaultPack(), nil
	}
	var p rules.Pack
	for _, name := range c.Rules {
		if slices.Contains(rules.Packs(), name) {
			if len(p.Rules) > 0 {
				return p, fmt.Errorf("rules: the pack %q comes first or not at all: it would replace what is before it", name)
			}
			p, _ = rules.NamedPack(name) // it is there
			continue
		}
		text, err := os.ReadFile(c.packFile(name))
		if err != nil {
			return p, fmt.Errorf("rules: %w: name a file or one of %v", err, rules.Packs())
		}
		if p, err = p.Lay(name, text); err != nil {
			return p, err
		}
	}
	return p, nil
}

// packFile is where a pack's file is.
func (c *config) packFile(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(c.name), name)
}
