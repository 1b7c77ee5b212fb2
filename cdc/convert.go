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
// (session.go), so that the text has one form only.
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
	case oidInt2, oidInt4, oidInt8, oidNumeric, oidFloat4, oidFloat8:
		return copyText, ""
	case oidText, oidVarchar, oidBpchar:
		return checkedNumber, ""
	case oidMoney:
		return nil, "money is printed by the server's locale: convert the column to numeric, or map another one"
	}
	return nil, "it is no number"
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
		return copyText, ""
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
	if err != nil {
		return dst, err
	}
	return append(dst, rxvigil.DayOf(t, zone).String()...), nil
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
		if err != nil {
			return dst, err
		}
		return t.UTC().AppendFormat(dst, time.RFC3339Nano), nil
	}, ""
}

func parseInstant(text []byte, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999Z07:00"} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			return t, nil
		}
	}
	t, err := time.ParseInLocation("2006-01-02 15:04:05.999999999", string(text), zone)
	if err != nil {
		return time.Time{}, errBadTime
	}
	return t, nil
}

func truthConverter(column uint32) (convert, string) {
	switch column {
	case oidBool, oidInt2, oidInt4, oidInt8, oidText, oidVarchar, oidBpchar:
		return truth, ""
	}
	return nil, "it is no boolean"
}

func truth(dst, text []byte) ([]byte, error) {
	switch string(bytes.ToLower(bytes.TrimSpace(text))) {
	case "t", "true", "1", "y", "yes":
		return append(dst, "true"...), nil
	case "f", "false", "0", "n", "no":
		return append(dst, "false"...), nil
	}
	return dst, errBadTruth
}
