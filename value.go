package rxvigil

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

type valueState uint8

const (
	stateUnknown valueState = iota
	stateNull
	stateKnown
)

// Value is one field: unknown, null, or text of a type. The zero Value is unknown, and unknown is never null and never 0.
type Value struct {
	text  string
	state valueState
	typ   FieldType
}

// Null is the value of a field that is known to be empty.
func Null(t FieldType) Value { return Value{state: stateNull, typ: t} }

// ValueOf is a known value of a type; text must be canonical for it (see FieldType).
func ValueOf(t FieldType, text string) Value { return Value{state: stateKnown, typ: t, text: text} }

// TextOf is a known text.
func TextOf(s string) Value { return ValueOf(TypeText, s) }

// NumberValue is n as a value; an unknown number is an unknown value.
func NumberValue(n Number) Value {
	if !n.Known() {
		return Value{typ: TypeNumber}
	}
	return ValueOf(TypeNumber, n.String())
}

// IsKnown tells whether there is a text; null and unknown have none.
func (v Value) IsKnown() bool { return v.state == stateKnown }

// IsNull tells whether the value is known to be empty.
func (v Value) IsNull() bool { return v.state == stateNull }

// IsUnknown tells whether nothing is known of the value.
func (v Value) IsUnknown() bool { return v.state == stateUnknown }

// Type is the value's type.
func (v Value) Type() FieldType { return v.typ }

// Text is the canonical text; empty when null or unknown.
func (v Value) Text() string { return v.text }

// Number is the number, unknown when there is none.
func (v Value) Number() Number {
	if v.state != stateKnown {
		return UnknownNumber
	}
	n, err := ParseNumber(v.text)
	if err != nil {
		return UnknownNumber
	}
	return n
}

// Day is the day; false when null, unknown or no date.
func (v Value) Day() (Day, bool) {
	if v.state != stateKnown {
		return 0, false
	}
	d, err := ParseDay(v.text)
	return d, err == nil
}

// Instant is the point in time; false when null, unknown or none.
func (v Value) Instant() (time.Time, bool) {
	if v.state != stateKnown {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, v.text)
	return t, err == nil
}

// Equal compares by meaning: 0.30 and 0.3 are the same number.
func (v Value) Equal(w Value) bool {
	if v.state != w.state {
		return false
	}
	if v.text == w.text {
		return true
	}
	if v.typ != TypeNumber {
		return false
	}
	a, b := v.Number(), w.Number()
	return a.Known() && b.Known() && a.Equal(b)
}

// MarshalJSON gives a number, string or truth by type; null and unknown are null.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote. JSON knows no days, instants, statuses or references: they come back as text.
func (v *Value) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case string(b) == "null":
		*v = Null(TypeText)
	case string(b) == "true" || string(b) == "false":
		*v = ValueOf(TypeTruth, string(b))
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*v = TextOf(s)
	case json.Valid(b) && len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9'):
		*v = ValueOf(TypeNumber, string(b))
	default:
		return fmt.Errorf("value %.40q is not a JSON scalar", b)
	}
	return nil
}

// AppendJSON appends the value's JSON to b.
func (v Value) AppendJSON(b []byte) []byte {
	if v.state != stateKnown {
		return append(b, "null"...)
	}
	switch {
	case v.typ == TypeTruth && (v.text == "true" || v.text == "false"):
		return append(b, v.text...)
	case v.typ == TypeNumber && jsonNumber(v.text):
		return append(b, v.text...)
	}
	return appendString(b, v.text)
}

// jsonNumber tells whether s is a number in JSON's own grammar: Postgres also prints NaN and Infinity.
func jsonNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	return json.Valid([]byte(s))
}

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD, and U+2028 and U+2029 are escaped, so that the
// result is safe inside SSE lines and scripts.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := plainBytes(s); i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
			i += size
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// plainBytes is how many bytes at the front of s, in eights, are ASCII that JSON takes as it is; ids and most names are nothing else. In
// a word, a byte's top bit is set where it is beyond ASCII, below a space, or one of the two that are escaped; the bytes behind one
// may be taken for such too.
func plainBytes(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		if (w|(w-ones*' ')|((w^ones*'"')-ones)|((w^ones*'\\')-ones))&tops != 0 {
			break
		}
	}
	return i
}
