package rules

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// packText is a file, to show the line of what cannot be meant.
type packText struct{ name, text string }

// at is a mistake at a path such as $.rules[2], with the line itself.
func (f *packText) at(place string, err error) error {
	p, broken := yaml.PathString(place)
	if broken != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	node, broken := p.ReadNode(strings.NewReader(f.text))
	if broken != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	return f.line(node.GetToken().Position.Line, err.Error())
}

// mistake is what the YAML library found, in the words of the file and not of Go.
func (f *packText) mistake(err error) error {
	var placed yaml.Error
	if !errors.As(err, &placed) || placed.GetToken() == nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	var unknown *yaml.UnknownFieldError
	var wrongType *yaml.TypeError
	var broken *yaml.SyntaxError
	what := placed.GetMessage()
	switch {
	case errors.As(err, &broken):
		what = "this is no YAML: " + broken.Message
	case errors.As(err, &unknown):
		what = fmt.Sprintf("unknown key %q", unknown.Token.Value)
		if n := nearest(unknown.Token.Value, packKeys()); n != "" {
			what += fmt.Sprintf(": did you mean %q?", n)
		}
	case errors.As(err, &wrongType):
		what = fmt.Sprintf("%q does not fit here", wrongType.Token.Value)
	}
	return f.line(placed.GetToken().Position.Line, what)
}

func (f *packText) line(number int, what string) error {
	lines := strings.Split(f.text, "\n")
	if number < 1 || number > len(lines) {
		return fmt.Errorf("%s: %s", f.name, what)
	}
	return fmt.Errorf("%s:%d: %s\n    %s", f.name, number, what, strings.TrimSpace(lines[number-1]))
}

// keysOf lists every key that a file may have, at any depth.
func keysOf(t reflect.Type) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[packFile]().PkgPath() {
		return nil
	}
	var keys []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" {
			name = strings.ToLower(field.Name)
		}
		if options != "inline" {
			keys = append(keys, name)
		}
		keys = append(keys, keysOf(field.Type)...)
	}
	return keys
}

// nearest is the name that somebody may have meant, or nothing.
func nearest(wrong string, valid []string) string {
	best, least := "", max(2, len(wrong)/3)+1
	for _, v := range valid {
		if d := distance(strings.ToLower(wrong), v); d < least {
			best, least = v, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// packKeys lists every key of a pack file.
func packKeys() []string { return keysOf(reflect.TypeFor[packFile]()) }
