package cdc

import (
	"bytes"
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Type OIDs of PostgreSQL's own catalog, which never change.
const (
	oidBool        = 16
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidFloat4      = 700
	oidFloat8      = 701
	oidMoney       = 790
	oidBpchar      = 1042
	oidVarchar     = 1043
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidNumeric     = 1700
)

// convert turns Postgres' text of a column into the canonical text of a field, appended to dst. The session is pinned
// (session.go), so that the text has one form only. With an error, what was appended is the raw text, kept because it is
// exact although we cannot count with it; nothing appended means that there is no value.
type convert func(dst, text []byte) ([]byte, error)

var (
	errBadNumber = errors.New("bad_number")
	errBadDay    = errors.New("bad_day")
	errBadTime   = errors.New("bad_time")
	errBadTruth  = errors.New("bad_truth")
)

// converter picks the function for a field's type and a column's type; a nil one means the two do not go together, and the
// sentence says why.
func converter(field rxvigil.FieldType, column uint32, zone *time.Location) (convert, string) {
	switch field {
	case rxvigil.TypeNumber:
		return numberConverter(column)
	case rxvigil.TypeDay:
		return dayConverter(column, zone)
	case rxvigil.TypeInstant:
		return instantConverter(column, zone)
	case rxvigil.TypeTruth:
		return truthConverter(column)
	}
	return copyText, ""
}

func copyText(dst, text []byte) ([]byte, error) { return append(dst, text...), nil }

func numberConverter(column uint32) (convert, string) {
	switch column {
	case oidInt2, oidInt4, oidInt8:
		return copyText, ""
	case oidNumeric, oidFloat4, oidFloat8:
		return exactNumber, ""
	case oidText, oidVarchar, oidBpchar:
		return checkedNumber, ""
	case oidMoney:
		return nil, "money is printed by the server's locale: convert the column to numeric, or map another one"
	}
	return nil, "it is no number"
}

// exactNumber keeps the server's text. What it holds and we do not count with, such as NaN, is kept and reported.
func exactNumber(dst, text []byte) ([]byte, error) {
	dst = append(dst, text...)
	if _, err := rxvigil.ParseNumber(alias(text)); err != nil {
		return dst, errBadNumber
	}
	return dst, nil
}

func checkedNumber(dst, text []byte) ([]byte, error) {
	text = bytes.TrimSpace(text)
	if _, err := rxvigil.ParseNumber(alias(text)); err != nil {
		return dst, errBadNumber
	}
	return append(dst, text...), nil
}

func dayConverter(column uint32, zone *time.Location) (convert, string) {
	switch column {
	case oidDate:
		return exactDay, ""
	case oidText, oidVarchar, oidBpchar:
		return checkedDay, ""
	case oidTimestamptz, oidTimestamp:
		if zone == nil {
			return nil, "an instant is a day only in a time zone: add zone:"
		}
		return func(dst, text []byte) ([]byte, error) { return dayOfInstant(dst, text, zone) }, ""
	}
	return nil, "it is no date"
}

// exactDay keeps the server's text. A date before year 1 or after 9999 is kept and reported: it is on no calendar of ours.
func exactDay(dst, text []byte) ([]byte, error) {
	dst = append(dst, text...)
	if len(text) == len("2006-01-02") && text[4] == '-' || bytes.HasSuffix(text, []byte("infinity")) {
		return dst, nil
	}
	return dst, errBadDay
}

func checkedDay(dst, text []byte) ([]byte, error) {
	text = bytes.TrimSpace(text)
	if _, err := rxvigil.ParseDay(alias(text)); err != nil {
		return dst, errBadDay
	}
	return append(dst, text...), nil
}

// dayOfInstant gives the civil date at which zone saw an instant. A timestamp without time zone is read as UTC: that is how
// apps that store instants in such columns mean them.
func dayOfInstant(dst, text []byte, zone *time.Location) ([]byte, error) {
	if bytes.HasSuffix(text, []byte("infinity")) {
		return append(dst, text...), nil
	}
	t, err := parseInstant(text, time.UTC)
	if t = t.In(zone); err != nil || !onCalendar(t) {
		return append(dst, text...), errBadTime
	}
	return t.AppendFormat(dst, time.DateOnly), nil
}

func instantConverter(column uint32, zone *time.Location) (convert, string) {
	switch column {
	case oidTimestamptz:
		zone = time.UTC
	case oidTimestamp:
		if zone == nil {
			return nil, "a timestamp without time zone needs zone: to say what it means"
		}
	default:
		return nil, "it is no timestamp"
	}
	return func(dst, text []byte) ([]byte, error) {
		if bytes.HasSuffix(text, []byte("infinity")) {
			return append(dst, text...), nil
		}
		t, err := parseInstant(text, zone)
		if t = t.UTC(); err != nil || !onCalendar(t) {
			return append(dst, text...), errBadTime
		}
		return t.AppendFormat(dst, time.RFC3339Nano), nil
	}, ""
}

// onCalendar tells whether t is in a year from 1 to 9999: a zone moves the first and the last hours beyond them.
func onCalendar(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// parseInstant reads a timestamp as DateStyle ISO prints it: YYYY-MM-DD HH:MM:SS, up to six decimals, and for one with time
// zone its offset, +HH[:MM[:SS]]. zone is where one without was meant. Years before 1 and after 9999 are errors.
func parseInstant(text []byte, zone *time.Location) (time.Time, error) {
	r := digits{b: text}
	y, mo, d := r.number(4), r.after('-'), r.after('-')
	h, mi, s := r.after(' '), r.after(':'), r.after(':')
	nano := r.fraction()
	if len(r.b) > 0 {
		zone = nil
		sign := 1
		if r.b[0] == '-' {
			sign = -1
		}
		offset := 3600 * r.after(r.b[0])
		for unit := 60; unit > 0 && len(r.b) > 0; unit /= 60 {
			offset += unit * r.after(':')
		}
		s -= sign * offset
	}
	if r.bad || len(r.b) > 0 {
		return time.Time{}, errBadTime
	}
	if zone == nil {
		zone = time.UTC
	}
	return time.Date(y, time.Month(mo), d, h, mi, s, nano, zone), nil
}

// digits reads fixed-width numbers and remembers what did not fit.
type digits struct {
	b   []byte
	bad bool
}

func (r *digits) number(width int) int {
	if len(r.b) < width {
		r.bad, r.b = true, nil
		return 0
	}
	n := 0
	for _, c := range r.b[:width] {
		if c < '0' || c > '9' {
			r.bad = true
		}
		n = 10*n + int(c-'0')
	}
	r.b = r.b[width:]
	return n
}

// after reads two digits behind a separator.
func (r *digits) after(sep byte) int {
	if len(r.b) == 0 || r.b[0] != sep {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[1:]
	return r.number(2)
}

// fraction reads the decimals of a second, as nanoseconds.
func (r *digits) fraction() int {
	if len(r.b) == 0 || r.b[0] != '.' {
		return 0
	}
	n, unit := 0, 100_000_000
	for r.b = r.b[1:]; len(r.b) > 0 && r.b[0] >= '0' && r.b[0] <= '9'; r.b = r.b[1:] {
		n += unit * int(r.b[0]-'0')
		unit /= 10
	}
	return n
}

func truthConverter(column uint32) (convert, string) {
	switch column {
	case oidBool, oidInt2, oidInt4, oidInt8, oidText, oidVarchar, oidBpchar:
		return truth, ""
	}
	return nil, "it is no boolean"
}

func truth(dst, text []byte) ([]byte, error) {
	var low [8]byte
	text = bytes.TrimSpace(text)
	if len(text) > len(low) {
		return dst, errBadTruth
	}
	n := copy(low[:], text)
	for i := range n {
		if low[i] >= 'A' && low[i] <= 'Z' {
			low[i] += 'a' - 'A'
		}
	}
	switch string(low[:n]) {
	case "t", "true", "1", "y", "yes":
		return append(dst, "true"...), nil
	case "f", "false", "0", "n", "no":
		return append(dst, "false"...), nil
	}
	return dst, errBadTruth
}
