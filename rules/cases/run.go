package cases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Failure is where a case and the rules disagree.
type Failure struct {
	Case string
	At   string   // the step's time, as it is written
	Line int      // of the step in the file; 0: unknown
	Says []string // what is missing, and what is there that nobody expected
}

// Run runs every case, and gives where the rules do otherwise. The error is a mistake in the file.
func (f *File) Run() (failures []Failure, err error) {
	zone, err := time.LoadLocation(f.Zone)
	if err != nil {
		return nil, f.at("$.zone", fmt.Errorf("%q is no time zone: use a name of the tz database, such as Africa/Lusaka", f.Zone))
	}
	for i := range f.Cases {
		found, err := f.run(i, zone)
		if err != nil {
			return nil, err
		}
		failures = append(failures, found...)
	}
	return failures, nil
}

// run is one case.
type run struct {
	*world
	file   *File
	path   string // of the case in the file
	engine *rules.Engine
	lsn    uint64
	scans  []scan
}

type scan struct {
	name     string
	schedule *rules.Schedule
	last     time.Time
}

func (f *File) run(i int, zone *time.Location) (failures []Failure, err error) {
	c := &f.Cases[i]
	r := &run{
		world: &world{zone: zone, rows: map[string]*rxvigil.Record{}, lines: map[string][]*rxvigil.Record{}},
		file:  f, path: fmt.Sprintf("$.cases[%d]", i), lsn: 1000,
	}
	if r.engine, err = rules.NewEngine(rules.Config{Pack: f.pack, Zone: zone}); err != nil {
		return nil, err
	}
	start := c.At
	if start == "" && len(c.Steps) > 0 {
		start = c.Steps[0].At
	}
	if r.now, err = r.instant(start); err != nil || r.now.IsZero() {
		return nil, f.at(r.path, fmt.Errorf("at: %q is no time, such as 2026-11-27 10:00", start))
	}
	if err := r.boot(c); err != nil {
		return nil, err
	}
	if c.Expect != nil {
		found, err := r.compare(c, r.path, start, *c.Expect)
		if err != nil {
			return nil, err
		}
		failures = append(failures, found...)
	}
	for j := range c.Steps {
		found, err := r.step(c, j)
		if err != nil {
			return nil, err
		}
		failures = append(failures, found...)
	}
	return failures, nil
}

// boot makes what is given known, as a cold boot does.
func (r *run) boot(c *Case) error {
	for j, item := range c.Given {
		change, err := r.write(j, item)
		if err != nil {
			return r.file.at(fmt.Sprintf("%s.given[%d]", r.path, j), err)
		}
		if change.After == nil {
			continue
		}
		r.engine.Fold(&rxvigil.Change{After: change.After})
		for _, line := range change.Lines {
			r.engine.Fold(&rxvigil.Change{After: line, Document: change.After})
		}
	}
	for _, s := range r.file.pack.Scans {
		schedule, err := rules.ParseSchedule(s.Cron)
		if err != nil {
			return err
		}
		r.scans = append(r.scans, scan{s.Name, schedule, r.now})
	}
	r.engine.JudgeAll(rules.Input{Tx: r.tx(), Wall: r.now})
	return nil
}

func (r *run) tx() rxvigil.Tx {
	r.lsn += 16
	return rxvigil.Tx{LSN: r.lsn, XID: r.lsn, At: r.now}
}

func (r *run) step(c *Case, j int) ([]Failure, error) {
	step, path := &c.Steps[j], fmt.Sprintf("%s.steps[%d]", r.path, j)
	at, err := r.instant(step.At)
	if err != nil {
		return nil, r.file.at(path, fmt.Errorf("at: %q is no time, such as 2026-11-27 10:00 or +2h", step.At))
	}
	if at.Before(r.now) {
		return nil, r.file.at(path, errors.New("at: a step cannot be before the one before it"))
	}
	r.scanUntil(at)
	r.now = at
	in := rules.Input{Wall: at}
	for i, item := range step.Change {
		change, err := r.write(i, item)
		if err != nil {
			return nil, r.file.at(fmt.Sprintf("%s.change[%d]", path, i), err)
		}
		in.Changes = append(in.Changes, change)
	}
	in.Tx = r.tx()
	r.engine.Commit(in)
	if step.Expect == nil {
		return nil, nil
	}
	return r.compare(c, path, step.At, *step.Expect)
}

// scanUntil runs the pack's scans at their moments, as the service's clock would.
func (r *run) scanUntil(until time.Time) {
	for {
		var due *scan
		var moment rules.Moment
		for i := range r.scans {
			s := &r.scans[i]
			m := s.schedule.Next(s.last, r.zone)
			if !m.At.IsZero() && !m.At.After(until) && (due == nil || m.At.Before(moment.At)) {
				due, moment = s, m
			}
		}
		if due == nil {
			return
		}
		due.last, r.now = moment.At, moment.At
		tick := rules.Tick{Scan: due.name, Tenant: tenant, Wall: moment.Wall}
		r.engine.Commit(rules.Input{Tx: r.tx(), Wall: moment.At, Commands: []rules.Command{{Op: rules.RunTick, Tenant: tenant, Tick: tick}}})
	}
}

// compare matches every open alert with one that is expected.
func (r *run) compare(c *Case, path, at string, expected []yaml.MapSlice) ([]Failure, error) {
	open := slices.DeleteFunc(r.engine.OpenAlerts(tenant), func(a rxvigil.Alert) bool { return a.Status == rxvigil.Pending })
	slices.SortFunc(open, func(a, b rxvigil.Alert) int { return strings.Compare(a.Rule+a.Subject.ID, b.Rule+b.Subject.ID) })
	fail := Failure{Case: c.Name, At: at, Line: r.file.lineOf(path)}
	for i, e := range expected {
		want, err := expectationOf(e, r.file.pack)
		if err != nil {
			return nil, r.file.at(fmt.Sprintf("%s.expect[%d]", path, i), err)
		}
		found := -1
		for j := range open {
			if want.matches(&open[j]) {
				found = j
				break
			}
		}
		if found < 0 {
			fail.Says = append(fail.Says, "missing: "+want.String())
			continue
		}
		open = slices.Delete(open, found, found+1)
	}
	for i := range open {
		fail.Says = append(fail.Says, "not expected: "+told(&open[i]))
	}
	if len(fail.Says) == 0 {
		return nil, nil
	}
	return []Failure{fail}, nil
}

func (f *File) lineOf(path string) int {
	var line int
	_, _ = fmt.Sscanf(strings.TrimPrefix(f.at(path, errors.New("")).Error(), f.name), ":%d:", &line)
	return line
}

// expectation is an alert that is expected: the rule and the subject's id, and what else of it must be so.
type expectation struct {
	rule, subject string
	more          yaml.MapSlice
}

func expectationOf(e yaml.MapSlice, p rules.Pack) (expectation, error) {
	if len(e) == 0 || e[0].Value == nil {
		return expectation{}, errors.New("an alert begins with its rule and what it is about, such as low_stock: PCM500")
	}
	w := expectation{fmt.Sprint(e[0].Key), fmt.Sprint(e[0].Value), e[1:]}
	if !slices.ContainsFunc(p.Rules, func(r rules.Rule) bool { return r.ID == w.rule || r.ID == "" && r.Params.Kind() == w.rule }) {
		return w, fmt.Errorf("the pack has no rule %q", w.rule)
	}
	return w, nil
}

// String is what is expected, as it is written.
func (w expectation) String() string {
	var text strings.Builder
	fmt.Fprint(&text, w.rule, " ", w.subject)
	for _, m := range w.more {
		fmt.Fprintf(&text, ", %v %v", m.Key, m.Value)
	}
	return text.String()
}

func (w expectation) matches(a *rxvigil.Alert) bool {
	if a.Rule != w.rule || a.Subject.ID != w.subject && !strings.HasPrefix(a.Subject.ID, w.subject+"/") { // a sale's subject is the sale, then its line
		return false
	}
	for _, m := range w.more {
		want, got := fmt.Sprint(m.Value), ""
		switch key := fmt.Sprint(m.Key); key {
		case "branch":
			got = string(a.Branch)
		case "severity":
			got = string(a.Severity)
		case "rung":
			got = a.Rung
		case "status":
			got = string(a.Status)
		case "says":
			if !strings.Contains(a.Message, want) {
				return false
			}
			continue
		default:
			got = a.Values.Get(key).Text()
			if n, err := rxvigil.ParseNumber(want); err == nil {
				if have := a.Values.Get(key).Number(); have.Known() && have.Cmp(n) == 0 {
					continue
				}
			}
		}
		if got != want {
			return false
		}
	}
	return true
}

// told is an alert with its reason.
func told(a *rxvigil.Alert) string {
	text := fmt.Sprintf("%s %s", a.Rule, a.Subject.ID)
	if a.Branch != "" {
		text += ", branch " + string(a.Branch)
	}
	text += fmt.Sprintf(", severity %s, rung %s: %s", a.Severity, a.Rung, a.Message)
	if a.Threshold != nil {
		text += fmt.Sprintf(" (threshold %s from %s)", a.Threshold.Value.Text(), a.Threshold.Source)
	}
	return text
}
