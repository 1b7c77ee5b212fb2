package schema

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// TypeScript declares every schema of a set as an interface, by name.
func (s *Set) TypeScript() string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(s.Named)) {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "export interface %s %s\n", name, s.members(s.Named[name], ""))
	}
	return b.String()
}

var plainName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// members are the body of an interface.
func (s *Set) members(of Schema, indent string) string {
	properties, _ := of["properties"].(Schema)
	if len(properties) == 0 {
		return "{}"
	}
	required, _ := of["required"].([]string)
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		key, mark := name, "?"
		if !plainName.MatchString(name) {
			key = fmt.Sprintf("%q", name)
		}
		if slices.Contains(required, name) {
			mark = ""
		}
		property, _ := properties[name].(Schema)
		if about, ok := property["description"].(string); ok {
			fmt.Fprintf(&b, "%s  /** %s */\n", indent, about)
		}
		fmt.Fprintf(&b, "%s  %s%s: %s;\n", indent, key, mark, s.script(property, indent+"  "))
	}
	b.WriteString(indent + "}")
	return b.String()
}

// script is a schema as a TypeScript type.
func (s *Set) script(of Schema, indent string) string {
	if ref, ok := of["$ref"].(string); ok {
		return strings.TrimPrefix(ref, s.Prefix)
	}
	if either, ok := of["anyOf"].([]Schema); ok {
		return s.union(either, indent)
	}
	if words, ok := of["enum"].([]string); ok {
		return "'" + strings.Join(words, "' | '") + "'"
	}
	switch typ := of["type"].(type) {
	case []string:
		var all []Schema
		for _, one := range typ {
			all = append(all, Schema{"type": one})
		}
		return s.union(all, indent)
	case string:
		return s.plain(typ, of, indent)
	}
	return "unknown"
}

func (s *Set) union(of []Schema, indent string) string {
	parts := make([]string, len(of))
	for i, one := range of {
		parts[i] = s.script(one, indent)
	}
	return strings.Join(parts, " | ")
}

func (s *Set) plain(typ string, of Schema, indent string) string {
	switch typ {
	case "integer", "number":
		return "number"
	case "array":
		items, _ := of["items"].(Schema)
		inner := s.script(items, indent)
		if strings.Contains(inner, " ") {
			inner = "(" + inner + ")"
		}
		return inner + "[]"
	case "object":
		if values, ok := of["additionalProperties"].(Schema); ok {
			return "Record<string, " + s.script(values, indent) + ">"
		}
		if of["properties"] == nil {
			return "Record<string, any>"
		}
		return s.members(of, indent)
	}
	return typ // string, boolean, null
}
