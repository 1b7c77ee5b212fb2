// Package schema describes Go types as JSON Schema (draft 2020-12), as encoding/json writes them. It is what the API's documents are
// generated from, so that they cannot say anything else than the code does.
package schema

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Schema is a JSON Schema.
type Schema = map[string]any

// Set is schemas by name. References point to Prefix and the name.
type Set struct {
	Prefix string // such as #/components/schemas/
	Named  map[string]Schema
	// Known are types that write themselves.
	Known map[reflect.Type]Schema
}

// New makes an empty set, with the types that write themselves.
func New(prefix string, known map[reflect.Type]Schema) *Set {
	s := &Set{Prefix: prefix, Named: map[string]Schema{}, Known: map[reflect.Type]Schema{
		reflect.TypeFor[time.Time]():       {"type": "string", "format": "date-time"},
		reflect.TypeFor[json.RawMessage](): {},
	}}
	maps.Copy(s.Known, known)
	return s
}

// Of describes a type. A struct with a name gets a place of its own in the set.
func (s *Set) Of(t reflect.Type) Schema {
	if known, ok := s.Known[t]; ok {
		return known
	}
	switch t.Kind() {
	case reflect.Pointer:
		return orNull(s.Of(t.Elem()))
	case reflect.String:
		return Schema{"type": "string"}
	case reflect.Bool:
		return Schema{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Schema{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return Schema{"type": "number"}
	case reflect.Slice, reflect.Array:
		return Schema{"type": "array", "items": s.Of(t.Elem())}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": s.Of(t.Elem())}
	case reflect.Struct:
		return s.structure(t)
	}
	return Schema{}
}

// orNull lets a schema be null, too.
func orNull(of Schema) Schema {
	if typ, ok := of["type"].(string); ok && len(of) == 1 {
		return Schema{"type": []string{typ, "null"}}
	}
	if len(of) == 0 {
		return of
	}
	return Schema{"anyOf": []Schema{of, {"type": "null"}}}
}

func (s *Set) structure(t reflect.Type) Schema {
	name := Name(t)
	if name == "" {
		return s.object(t)
	}
	if _, ok := s.Named[name]; !ok {
		s.Named[name] = Schema{} // for one that refers to itself
		s.Named[name] = s.object(t)
	}
	return Schema{"$ref": s.Prefix + name}
}

func (s *Set) object(t reflect.Type) Schema {
	properties, required := Schema{}, []string{}
	s.fields(t, properties, &required)
	slices.Sort(required)
	o := Schema{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// fields adds a struct's fields as encoding/json names them, those of an embedded struct among them.
func (s *Set) fields(t reflect.Type, properties Schema, required *[]string) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			s.fields(field.Type, properties, required)
		case !field.IsExported():
		default:
			if name == "" {
				name = field.Name
			}
			properties[name] = s.Of(field.Type)
			if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
				*required = append(*required, name)
			}
		}
	}
}

var generic = regexp.MustCompile(`^(\w+)\[(?:.*[./])?(\w+)\]$`)

// Name is a type's name in a document: page[T] is TPage. A type without a name has none.
func Name(t reflect.Type) string {
	name := t.Name()
	if m := generic.FindStringSubmatch(name); m != nil {
		name = m[2] + title(m[1])
	}
	return title(name)
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
