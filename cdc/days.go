package cdc

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// layout is how a day is written in a text.
type layout []layoutPart

// layoutPart is a number or, where width is 0, a text that stands as it is.
type layoutPart struct {
	what  byte // Y, M or D
	width int
	exact bool // a number follows at once: the width tells where this one ends
	text  string
}

// parseLayout reads a format such as DD/MM/YYYY, MM-YYYY or YYYYMMDD.
func parseLayout(format string) (layout, error) {
	bad := fmt.Errorf("%q is no format of a day", format)
	var l layout
	seen := map[byte]bool{}
	for rest := format; rest != ""; {
		c := rest[0]
		if c != 'Y' && c != 'M' && c != 'D' {
			l = append(l, layoutPart{text: rest[:1]})
			rest = rest[1:]
			continue
		}
		n := len(rest) - len(strings.TrimLeft(rest, string(c)))
		if seen[c] || n != 2 && (c != 'Y' || n != 4) {
			return nil, bad
		}
		if len(l) > 0 && l[len(l)-1].width > 0 {
			l[len(l)-1].exact = true
		}
		seen[c] = true
		l = append(l, layoutPart{what: c, width: n})
		rest = rest[n:]
	}
	if !seen['Y'] || !seen['M'] {
		return nil, bad
	}
	return l, nil
}

// read reads a day. A year of two digits is one of this century; a month alone is its last day.
func (l layout) read(text []byte) (rxvigil.Day, bool) {
	n := map[byte]int{}
	for i, p := range l {
		if p.width == 0 {
			if !bytes.HasPrefix(text, []byte(p.text)) {
				return 0, false
			}
			text = text[len(p.text):]
			continue
		}
		digits := 0
		for digits < p.width && digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
			n[p.what] = 10*n[p.what] + int(text[digits]-'0')
			digits++
		}
		whole := p.exact || p.what == 'Y' || i > 0 && l[i-1].exact
		if digits == 0 || whole && digits != p.width {
			return 0, false
		}
		if p.what == 'Y' && p.width == 2 {
			n['Y'] += 2000
		}
		text = text[digits:]
	}
	if _, ok := n['D']; !ok {
		n['D'] = lastOf(n['Y'], n['M'])
	}
	if len(text) > 0 || n['Y'] < 1 || n['M'] < 1 || n['M'] > 12 || n['D'] < 1 || n['D'] > lastOf(n['Y'], n['M']) {
		return 0, false
	}
	return rxvigil.DateOf(n['Y'], time.Month(n['M']), n['D']), true
}

// lastOf is the number of days of a month.
func lastOf(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func formatConverter(column uint32, format string) (convert, string) {
	l, err := parseLayout(format)
	if err != nil {
		return nil, err.Error()
	}
	switch column {
	case oidText, oidVarchar, oidBpchar, oidInt4, oidInt8:
	default:
		return nil, "format: says how a day is written in a text, and this is none"
	}
	return func(dst, text []byte) ([]byte, error) {
		d, ok := l.read(bytes.TrimSpace(text))
		if !ok {
			return dst, errBadDay
		}
		return append(dst, d.String()...), nil
	}, ""
}

// dayInConverter gives the civil date that a zone saw at an instant; a timestamp without zone was meant in another one.
func dayInConverter(column uint32, zone *time.Location, in string) (convert, string) {
	seen, err := time.LoadLocation(in)
	switch {
	case err != nil:
		return nil, err.Error()
	case column == oidTimestamptz:
		zone = time.UTC
	case column != oidTimestamp:
		return nil, "day_in: makes a day of an instant, and this is none"
	case zone == nil:
		return nil, "a timestamp without time zone needs zone: to say what it means"
	}
	return func(dst, text []byte) ([]byte, error) {
		if bytes.HasSuffix(text, []byte("infinity")) {
			return append(dst, text...), nil
		}
		t, err := parseInstant(text, zone)
		if t = t.In(seen); err != nil || !onCalendar(t) {
			return append(dst, text...), errBadTime
		}
		return t.AppendFormat(dst, time.DateOnly), nil
	}, ""
}

// monthEnd makes a day the last of its month. One that is on no calendar stays as it is.
func monthEnd(c convert) convert {
	return func(dst, text []byte) ([]byte, error) {
		from := len(dst)
		dst, err := c(dst, text)
		d, bad := rxvigil.ParseDay(string(dst[from:]))
		if err != nil || bad != nil || !d.Finite() {
			return dst, err
		}
		year, month, _ := time.Unix(int64(d)*86400, 0).UTC().Date()
		return append(dst[:from], rxvigil.DateOf(year, month, lastOf(year, int(month))).String()...), nil
	}
}
