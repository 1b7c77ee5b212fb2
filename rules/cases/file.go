// Package cases runs rule tests that a pharmacist can read: given what is on the shelves, at such a time this happens, expect these
// alerts. They run against the very engine that the service has.
package cases

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil/rules"
)

// File is a file of cases.
type File struct {
	// Pack is the pack that is tried: names of packs that come with the program, or files beside this one, each laid over the one
	// before; none: the default pack.
	Pack []string `yaml:"pack"`
	// Zone is where the pharmacy is; default UTC.
	Zone  string `yaml:"zone"`
	Cases []Case `yaml:"cases"`

	name string
	text []byte
	pack rules.Pack
}

// Case is one story.
type Case struct {
	Name string `yaml:"name"`
	// At is when the engine begins to watch; default: the time of the first step.
	At string `yaml:"at"`
	// Given is what is there then. The first key of each item says what it is and gives its id.
	Given []yaml.MapSlice `yaml:"given"`
	// Expect is what is open then, if it is said.
	Expect *[]yaml.MapSlice `yaml:"expect"`
	Steps  []Step           `yaml:"steps"`
}

// Step is what happens at a time, in one transaction, and every alert that is open after it.
type Step struct {
	At     string           `yaml:"at"`
	Change []yaml.MapSlice  `yaml:"change"`
	Expect *[]yaml.MapSlice `yaml:"expect"`
}

// Read reads a file of cases. load gives the text of a file that is named beside it.
func Read(name string, text []byte, load func(name string) ([]byte, error)) (*File, error) {
	f := &File{name: name, text: text}
	if err := yaml.UnmarshalWithOptions(text, f, yaml.Strict(), yaml.UseOrderedMap()); err != nil {
		var placed yaml.Error
		if errors.As(err, &placed) && placed.GetToken() != nil {
			return nil, fmt.Errorf("%s:%d: %s", name, placed.GetToken().Position.Line, placed.GetMessage())
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(f.Cases) == 0 {
		return nil, fmt.Errorf("%s: there are no cases in it", name)
	}
	seen := map[string]bool{}
	for i, c := range f.Cases {
		if c.Name == "" || seen[c.Name] {
			return nil, f.at(fmt.Sprintf("$.cases[%d]", i), errors.New("each case has a name of its own"))
		}
		seen[c.Name] = true
		if len(c.Steps) == 0 && c.Expect == nil {
			return nil, f.at(fmt.Sprintf("$.cases[%d]", i), errors.New("nothing is expected: add expect, or steps"))
		}
	}
	var err error
	f.pack, err = packOf(f.Pack, load)
	return f, err
}

// Judge makes another pack the one that is tried.
func (f *File) Judge(p rules.Pack) { f.pack = p }

func packOf(names []string, load func(string) ([]byte, error)) (p rules.Pack, err error) {
	if len(names) == 0 {
		return rules.DefaultPack(), nil
	}
	for _, name := range names {
		if named, err := rules.NamedPack(name); err == nil && len(p.Rules) == 0 {
			p = named
			continue
		}
		text, err := load(name)
		if err != nil {
			return p, fmt.Errorf("pack: %w: name a file or one of %s", err, strings.Join(rules.Packs(), ", "))
		}
		if p, err = p.Lay(name, text); err != nil {
			return p, err
		}
	}
	return p, nil
}

// at adds the place of a mistake in the file.
func (f *File) at(path string, err error) error {
	if p, bad := yaml.PathString(path); bad == nil {
		if node, bad := p.ReadNode(bytes.NewReader(f.text)); bad == nil && node != nil {
			return fmt.Errorf("%s:%d: %w", f.name, node.GetToken().Position.Line, err)
		}
	}
	return fmt.Errorf("%s: %w", f.name, err)
}
