package rules

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is a cron line. It has no zone of its own: whoever asks for the next moment says where.
//
// robfig/cron parses and does no more. Its own evaluation loses a day where the clock jumps over midnight (Cairo, Beirut,
// São Paulo) and runs twice where it is set back; lines with a fixed hour are therefore evaluated on the wall clock, and
// each wall time is resolved to an instant: in a gap the first instant after it, in a fold the first occurrence.
type Schedule struct {
	spec   string
	inner  cron.Schedule
	onWall bool // evaluated on the wall clock; else on real instants
	every  time.Duration
}

// Moment is one planned time: the instant, and its name.
type Moment struct {
	At   time.Time
	Wall string // 2026-11-22T06:00 where it is planned by the wall clock, else 2026-11-22T06:00Z in UTC
}

const (
	wallLayout = "2006-01-02T15:04"
	utcLayout  = "2006-01-02T15:04Z"
)

// ParseSchedule reads a line of five fields or a descriptor such as @daily. What robfig/cron would panic on, silently
// misread or never run is an error with its reason.
func ParseSchedule(spec string) (*Schedule, error) {
	clean, err := precheck(strings.TrimSpace(spec))
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", spec, err)
	}
	inner, err := parseCron(clean)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", spec, err)
	}
	s := &Schedule{spec: spec, inner: inner, onWall: fixedHour(clean)}
	if every, ok := inner.(cron.ConstantDelaySchedule); ok {
		s.every = every.Delay
	}
	if inner.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("schedule %q: no such date exists, it would never run", spec)
	}
	return s, nil
}

// Next is the first moment after an instant, in a zone; zero when there is none within five years.
func (s *Schedule) Next(after time.Time, zone *time.Location) Moment {
	if !s.onWall {
		return s.nextInstant(after, zone)
	}
	wall := s.inner.Next(naive(after.In(zone)).Add(-maxShift))
	for {
		if wall.IsZero() {
			return Moment{}
		}
		at := resolve(wall, zone)
		if at.After(after) {
			return Moment{At: at, Wall: wall.Format(wallLayout)}
		}
		wall = s.inner.Next(wall)
	}
}

// nextInstant evaluates on real instants. The times of @every are multiples of it, so that all who ask agree.
func (s *Schedule) nextInstant(after time.Time, zone *time.Location) Moment {
	at := after.Truncate(s.every).Add(s.every).UTC()
	if spec, ok := s.inner.(*cron.SpecSchedule); ok {
		local := *spec
		local.Location = zone
		at = local.Next(after).UTC()
	}
	if at.IsZero() {
		return Moment{}
	}
	return Moment{At: at, Wall: at.Format(utcLayout)}
}

// Instant is when the moment of that name comes, in a zone; a name of ours that this schedule does not have still has an
// instant.
func (s *Schedule) Instant(wall string, zone *time.Location) (time.Time, error) {
	if t, err := time.Parse(utcLayout, wall); err == nil {
		return t, nil
	}
	t, err := time.Parse(wallLayout, wall)
	if err != nil {
		return time.Time{}, fmt.Errorf("moment %q: %w", wall, err)
	}
	return resolve(t, zone), nil
}

// String is the line as it was written.
func (s *Schedule) String() string { return s.spec }

// maxShift is more than any zone ever moved its clock at once: Apia skipped a whole day.
const maxShift = 25 * time.Hour

// naive is the wall clock of t, as if it hung in UTC.
func naive(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// resolve gives the instant at which a wall clock in the zone shows what the naive time says: the first of two, and the
// end of the gap when it never does.
func resolve(wall time.Time, zone *time.Location) time.Time {
	lo, hi := wall.Add(-2*maxShift), wall.Add(2*maxShift)
	for at := lo.In(zone); ; {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.After(hi) {
			end = hi
		}
		_, offset := at.Zone()
		guess := wall.Add(-time.Duration(offset) * time.Second)
		switch {
		case guess.Before(at): // the clock jumped over it
			return at.UTC()
		case guess.Before(end):
			return guess.UTC()
		case !end.Before(hi):
			return guess.UTC()
		}
		at = end.In(zone)
	}
}

func parseCron(spec string) (s cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("cannot be parsed: %v", r)
		}
	}()
	s, err = cron.ParseStandard(spec)
	if spec, ok := s.(*cron.SpecSchedule); ok {
		spec.Location = time.UTC
	}
	return s, err
}

// fixedHour tells whether the line names hours; @every and a starred hour do not.
func fixedHour(spec string) bool {
	if strings.HasPrefix(spec, "@") {
		return spec != "@hourly" && !strings.HasPrefix(spec, "@every")
	}
	return !strings.ContainsAny(strings.Fields(spec)[1][:1], "*?")
}

// precheck refuses what robfig/cron accepts and should not, and writes Sunday as it likes it.
func precheck(spec string) (string, error) {
	switch {
	case spec == "":
		return "", errors.New("is empty")
	case strings.HasPrefix(spec, "TZ="), strings.HasPrefix(spec, "CRON_TZ="):
		return "", errors.New("names a zone; the zone is the tenant's, leave the prefix out")
	case strings.HasPrefix(spec, "@every"):
		return spec, checkEvery(strings.TrimSpace(strings.TrimPrefix(spec, "@every")))
	case strings.HasPrefix(spec, "@"):
		return spec, nil
	}
	fields := strings.Fields(spec)
	if len(fields) != 5 {
		return "", fmt.Errorf("has %d fields; minute, hour, day of month, month and day of week are wanted", len(fields))
	}
	if err := checkSteps(fields); err != nil {
		return "", err
	}
	fields[4] = sunday(fields[4])
	return strings.Join(fields, " "), nil
}

func checkEvery(period string) error {
	d, err := time.ParseDuration(period)
	if err != nil {
		return fmt.Errorf("@every wants a duration such as 15m: %w", err)
	}
	if d < time.Minute || d%time.Minute != 0 {
		return fmt.Errorf("@every %s is not a number of whole minutes", period)
	}
	return nil
}

// checkSteps refuses a step longer than its field: */70 of minutes would run at minute 0 alone.
func checkSteps(fields []string) error {
	names := [...]string{"minute", "hour", "day of month", "month", "day of week"}
	widths := [...]int{60, 24, 31, 12, 7}
	for i, field := range fields {
		for part := range strings.SplitSeq(field, ",") {
			_, step, ok := strings.Cut(part, "/")
			if n, err := strconv.Atoi(step); ok && err == nil && n >= widths[i] {
				return fmt.Errorf("step %d of the %s never comes a second time", n, names[i])
			}
		}
	}
	return nil
}

// sunday writes day 7 as 0, and a range that ends in it as two.
func sunday(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		switch {
		case days == "7":
			parts[i] = "0" + strings.TrimPrefix(part, "7")
		case strings.HasSuffix(days, "-7") && !stepped:
			parts[i] = strings.TrimSuffix(days, "7") + "6,0"
		case strings.HasSuffix(days, "-7"):
			parts[i] = stepDays(days, step)
		}
	}
	return strings.Join(parts, ",")
}

// stepDays lists the days of a range to Sunday with a step: 1-7/2 is 1,3,5,0. What it cannot read it leaves to the parser.
func stepDays(days, step string) string {
	first, err1 := strconv.Atoi(strings.TrimSuffix(days, "-7"))
	by, err2 := strconv.Atoi(step)
	if err1 != nil || err2 != nil || by < 1 || first < 0 {
		return days + "/" + step
	}
	var list []string
	for d := first; d <= 7; d += by {
		list = append(list, strconv.Itoa(d%7))
	}
	return strings.Join(list, ",")
}
