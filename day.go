package rxvigil

import (
	"fmt"
	"math"
	"time"
)

// Day is a civil date: days since 1970-01-01, without an hour and without a zone.
type Day int32

// The two days that are not on the calendar: a lot that never expires expires on Never.
const (
	Never  Day = math.MaxInt32
	Always Day = math.MinInt32
)

// DayOf is the civil date of an instant in a zone.
func DayOf(t time.Time, zone *time.Location) Day {
	y, m, d := t.In(zone).Date()
	return DateOf(y, m, d)
}

// DateOf is the day of a year, month and day of month; they are normalised as time.Date does.
func DateOf(y int, m time.Month, d int) Day {
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads YYYY-MM-DD, "infinity" or "-infinity", as Postgres prints a date with DateStyle ISO. Years before 1 and
// after 9999 are errors.
func ParseDay(s string) (Day, error) {
	switch s {
	case "infinity":
		return Never, nil
	case "-infinity":
		return Always, nil
	}
	if d, ok := plainDay(s); ok {
		return d, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1 {
		return 0, fmt.Errorf("date %.40q is not YYYY-MM-DD", s)
	}
	return DateOf(t.Date()), nil
}

// plainDay reads the days that every month has, of four-digit years: most of all dates, at a tenth of the cost.
func plainDay(s string) (Day, bool) {
	if len(s) != len(time.DateOnly) || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok := digits(s[:4])
	m, ok2 := digits(s[5:7])
	d, ok3 := digits(s[8:])
	if !ok || !ok2 || !ok3 || y < 1 || m < 1 || m > 12 || d < 1 || d > 28 {
		return 0, false
	}
	return DateOf(y, time.Month(m), d), true
}

func digits(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, true
}

// Date is the year, month and day of month of a day on the calendar.
func (d Day) Date() (y int, m time.Month, day int) { return time.Unix(int64(d)*86400, 0).UTC().Date() }

// Until is the number of days from d to e, negative when e is past. Neither may be Never or Always.
func (d Day) Until(e Day) int { return int(e) - int(d) }

// Finite tells whether d is on the calendar.
func (d Day) Finite() bool { return d != Never && d != Always }

// String is YYYY-MM-DD, "infinity" or "-infinity".
func (d Day) String() string {
	switch d {
	case Never:
		return "infinity"
	case Always:
		return "-infinity"
	}
	return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly)
}
