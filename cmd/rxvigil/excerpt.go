package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil/cdc"
)

// fileError is a mistake in the configuration file: its place, one sentence, and the line itself.
func (c *config) fileError(err error) error {
	var placed yaml.Error
	if errors.As(err, &placed) && placed.GetToken() != nil {
		line := placed.GetToken().Position.Line
		return fmt.Errorf("%s:%d: %s%s", filepath.Base(c.name), line, sentenceOf(placed), c.quote(line))
	}
	if line := c.lineWith(err.Error(), 1); line > 0 {
		return fmt.Errorf("%s:%d: %w%s", filepath.Base(c.name), line, err, c.quote(line))
	}
	return fmt.Errorf("%s: %w", filepath.Base(c.name), err)
}

// sentenceOf says what is wrong in the words of the file, not of Go.
func sentenceOf(err yaml.Error) string {
	var broken *yaml.SyntaxError
	var unknown *yaml.UnknownFieldError
	var wrongType *yaml.TypeError
	switch {
	case errors.As(err, &broken):
		return "this is no YAML: " + broken.Message
	case errors.As(err, &unknown):
		key := unknown.Token.Value
		if n := cdc.Nearest(key, yamlNames(reflect.TypeFor[config](), map[reflect.Type]bool{})); n != "" {
			return fmt.Sprintf("unknown key %q: did you mean %q?", key, n)
		}
		return fmt.Sprintf("unknown key %q", key)
	case errors.As(err, &wrongType):
		return fmt.Sprintf("%q does not fit here: %s is wanted", wrongType.Token.Value, wordFor(wrongType.DstType))
	}
	return err.GetMessage()
}

// wordFor names a type for people.
func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "a section of its own"
	case reflect.Slice:
		return "a list"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "a text"
}

// where shows the line of the file that a finding is about, or nothing when the file does not say it. The path leads to the
// place; of a value that spans lines, the one with the words that the finding quotes is shown.
func (c *config) where(f cdc.Finding) string {
	if f.Path == "" {
		return ""
	}
	line := c.lineOf(f.Path)
	if line == 0 {
		return ""
	}
	if better := c.lineWith(f.What, line); better > 0 {
		line = better
	}
	return fmt.Sprintf("\n  %s:%d: %s", filepath.Base(c.name), line, c.line(line))
}

// lineOf is the line of a path such as $.mapping.lot.fields.expires, of what is around it when the mapping lacks it, or 0.
func (c *config) lineOf(path string) int {
	p, err := yaml.PathString(path)
	if err != nil {
		return 0
	}
	node, err := p.ReadNode(bytes.NewReader(c.text))
	if err == nil && node != nil {
		return node.GetToken().Position.Line
	}
	if i := strings.LastIndexAny(path, ".["); i > 0 && (strings.HasPrefix(path[:i], "$.mapping") || strings.HasPrefix(path[:i], "$.notify.")) {
		return c.lineOf(path[:i])
	}
	return 0
}

var quoted = regexp.MustCompile(`"([^"]+)"`)

// lineWith is the first line from a given one on that has a text the message quotes, or 0.
func (c *config) lineWith(message string, from int) int {
	for _, m := range quoted.FindAllStringSubmatch(message, -1) {
		word := regexp.MustCompile(`(^|[^\w])` + regexp.QuoteMeta(m[1]) + `($|[^\w])`)
		for i, line := range bytes.Split(c.text, []byte("\n")) {
			if i+1 >= from && word.Match(line) {
				return i + 1
			}
		}
	}
	return 0
}

func (c *config) quote(line int) string { return "\n    " + c.line(line) }

// secrets are what must not reach a terminal or a log: the passwords of DSNs, as URLs and as words, and shared secrets.
var secrets = regexp.MustCompile(`(://[^:/@\s"']*:)[^@\s"']+(@)|(password=)[^\s"']+|(\bsecret: *)(?:env:|file:)?[^\s,}]+`)

// line is a line of the file, its passwords masked.
func (c *config) line(number int) string {
	lines := strings.Split(string(c.text), "\n")
	if number < 1 || number > len(lines) {
		return ""
	}
	return secrets.ReplaceAllString(strings.TrimSpace(lines[number-1]), "${1}${3}${4}xxxxx${2}")
}
