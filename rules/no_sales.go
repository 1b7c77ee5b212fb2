package rules

import (
	"errors"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// NoSales are the parameters of no_sales.
type NoSales struct {
	// Factor times the usual gap between two sales is too long a gap while the branch is open; Least is never too long.
	Factor int
	Least  time.Duration
}

// Kind is no_sales.
func (NoSales) Kind() string { return "no_sales" }

func (p NoSales) validate() error {
	if p.Factor < 1 || p.Least < 0 {
		return errors.New("factor is above zero, and least not below")
	}
	return nil
}

// till is when a branch sells: what it usually does, and when it did last. Nobody says when a branch is open; it is taken to be from the
// latest of the first sales to the earliest of the last ones that the same day of the week had lately.
type till struct {
	Rule   string
	Branch rxvigil.Branch
	Last   time.Time
	Day    rxvigil.Day  // of the last sale
	Gaps   []int        // minutes between sales of one day, the newest last
	Week   [7][]tillDay // by weekday, the newest last
	Look   time.Time    // when it will have been silent for too long; zero: nobody can tell
}

// tillDay is the minute of the first and of the last sale of a day.
type tillDay struct{ First, Last int }

const (
	mostGaps  = 64
	leastGaps = 20
	mostWeeks = 4
	leastWeek = 2 // days of the week that must be known
)

func (k *till) key() string    { return formTill + "/" + k.Rule + "/" + string(k.Branch) }
func (k *till) due() time.Time { return k.Look }

// watchTill notes that a branch has sold something.
func watchTill(e *Engine, r *rule, s *saleChange) {
	if !s.sold || s.wasSold || !s.created {
		return
	}
	k := &till{Rule: r.ID, Branch: s.branch.id}
	if old, known := s.tenant.matters[k.key()].(*till); known {
		*k = *old
		k.Gaps = slices.Clone(k.Gaps)
	}
	zone := e.zoneOf(s.tenant, s.branch)
	k.sell(e.clock.now, zone)
	k.Look = k.next(r.Params.(NoSales), zone)
	e.keep(s.tenant, k)
	e.stand(r, s.tenant, k.state(e.clock.now))
}

// sell takes a sale in.
func (k *till) sell(now time.Time, zone *time.Location) {
	local := now.In(zone)
	minute, today, weekday := local.Hour()*60+local.Minute(), rxvigil.DayOf(now, zone), int(local.Weekday())
	if k.Day == today {
		k.Gaps = append(k.Gaps, int(now.Sub(k.Last)/time.Minute))
		k.Gaps = k.Gaps[max(0, len(k.Gaps)-mostGaps):]
		k.Week[weekday] = slices.Clone(k.Week[weekday])
		k.Week[weekday][len(k.Week[weekday])-1].Last = minute
	} else {
		days := append(slices.Clone(k.Week[weekday]), tillDay{minute, minute})
		k.Week[weekday] = days[max(0, len(days)-mostWeeks-1):]
	}
	k.Last, k.Day = now, today
}

// hours are the minutes between which the branch is open for certain on a day of the week; false: nobody knows. The day that is going on
// does not count.
func (k *till) hours(weekday int, today bool) (from, to int, known bool) {
	days := k.Week[weekday]
	if today && len(days) > 0 {
		days = days[:len(days)-1]
	}
	if len(days) < leastWeek {
		return 0, 0, false
	}
	from, to = days[0].First, days[0].Last
	for _, d := range days {
		from, to = max(from, d.First), min(to, d.Last)
	}
	return from, to, from < to
}

// next is when the branch will have been silent for too long, unless it sells.
func (k *till) next(p NoSales, zone *time.Location) time.Time {
	if len(k.Gaps) < leastGaps {
		return time.Time{}
	}
	gaps := slices.Sorted(slices.Values(k.Gaps))
	usual := time.Duration(gaps[len(gaps)*9/10]) * time.Minute
	limit := max(p.Least, time.Duration(p.Factor)*usual)
	year, month, day := k.Last.In(zone).Date()
	for n := range 15 {
		midnight := time.Date(year, month, day+n, 0, 0, 0, 0, zone)
		from, to, known := k.hours(int(midnight.Weekday()), n == 0)
		if !known {
			continue
		}
		begin := time.Date(year, month, day+n, 0, from, 0, 0, zone)
		if begin.Before(k.Last) {
			begin = k.Last
		}
		if at := begin.Add(limit); !at.After(time.Date(year, month, day+n, 0, to, 0, 0, zone)) {
			return at
		}
	}
	return time.Time{}
}

// state is what is found of a branch at a time.
func (k *till) state(now time.Time) state {
	s := state{
		branch: k.Branch, subject: rxvigil.Subject{Type: subjectBranch, ID: string(k.Branch), Name: string(k.Branch)},
		verdict: verdict{rung: "silent", severity: rxvigil.High},
	}
	s.values = rxvigil.FactsOf(named("since", timeValue(k.Last)), named("minutes", rxvigil.NumberValue(rxvigil.NumberOf(int64(now.Sub(k.Last)/time.Minute)))))
	s.inputs = s.values
	if !k.Look.IsZero() && !now.Before(k.Look) {
		s.finding = fires
	}
	return s
}

// wake tells that a branch has been silent for too long. It is told again only when it has sold something.
func (k *till) wake(e *Engine, t *tenant) {
	r := e.ruleOf(k.Rule)
	if r == nil {
		return
	}
	s := k.state(e.clock.now)
	if b := t.branches[k.Branch]; b != nil && b.name != "" {
		s.subject.Name = b.name
	}
	if s.subject.Name == "" {
		s.subject.Name = string(t.id)
	}
	e.stand(r, t, s)
	told := *k
	told.Look = time.Time{}
	e.keep(t, &told)
}
