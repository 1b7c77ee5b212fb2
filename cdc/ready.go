package cdc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ready is what is done to a column's text before anything else: the value is taken out of JSON, trimmed, and made lower or
// upper case. Its zero value does nothing.
type ready struct {
	json []string
	trim bool
	fold func([]byte) []byte
}

const (
	oidJSON  = 114
	oidJSONB = 3802
)

var errBadJSON = errors.New("bad_json")

func compileReady(e *Expr, c RelationColumn) (r ready, err error) {
	r.trim = e.Trim
	switch e.Case {
	case "lower":
		r.fold = bytes.ToLower
	case "upper":
		r.fold = bytes.ToUpper
	}
	if e.JSON == "" {
		return r, nil
	}
	if c.Type != oidJSON && c.Type != oidJSONB {
		return r, fmt.Errorf("column %q: it is no json", e.Column)
	}
	r.json = strings.Split(e.JSON, ".")
	return r, nil
}

// text makes a text ready. What is not in the JSON, or is null there, is null.
func (r *ready) text(text []byte) ([]byte, byte, error) {
	if r.json != nil {
		var err error
		if text, err = walkJSON(text, r.json); err != nil || text == nil {
			return nil, Null, err
		}
	}
	if r.trim {
		text = bytes.TrimSpace(text)
	}
	if r.fold != nil {
		text = r.fold(text)
	}
	return text, Text, nil
}

// walkJSON follows a path to a scalar, and gives its text; nil where there is none, or null.
func walkJSON(text []byte, path []string) ([]byte, error) {
	for _, step := range path {
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			return nil, errBadJSON
		}
		var next json.RawMessage
		switch text[0] {
		case '{':
			var object map[string]json.RawMessage
			if json.Unmarshal(text, &object) != nil {
				return nil, errBadJSON
			}
			next = object[step]
		case '[':
			var list []json.RawMessage
			if json.Unmarshal(text, &list) != nil {
				return nil, errBadJSON
			}
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(list) {
				next = list[i]
			}
		}
		if next == nil {
			return nil, nil
		}
		text = next
	}
	return scalarJSON(bytes.TrimSpace(text))
}

// scalarJSON is the text of a string, number or truth. A list or an object is no value of a field.
func scalarJSON(text []byte) ([]byte, error) {
	switch {
	case len(text) == 0 || text[0] == '{' || text[0] == '[':
		return nil, errBadJSON
	case string(text) == "null":
		return nil, nil
	case text[0] != '"':
		return text, nil
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return nil, errBadJSON
	}
	return append([]byte{}, s...), nil
}
