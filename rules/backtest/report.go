package backtest

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Report is what a pack told of a history.
type Report struct {
	Start, End   time.Time
	Sales        int
	Transactions int
	Standing     int // alerts that were open when the window began
	Unexplained  int // transitions that do not say why; there should be none
	Told         int // notifications: alerts raised, changed or told again, and digests
	ByRule       map[string]*Rule
	ByDay        map[string]int // notifications, by civil day
	Noisiest     []Noise

	subjects map[string]*Noise
	raised   map[string]time.Time // by fingerprint, while open
	resolved map[string]time.Time
	alerts   map[string]bool // everything that was raised, by rule, branch and subject, as people call them

	raisedAlerts map[string]rxvigil.Alert
}

// Rule is what one rule told.
type Rule struct {
	Raised, Changed, Resolved, Open int
	Flaps                           int             // raised again within a day of resolving
	Took                            []time.Duration // from raised to resolved, ascending
}

// Noise is how often one subject was told of.
type Noise struct {
	Rule, Branch, Subject string
	Told                  int
}

const flapping = 24 * time.Hour

func newReport(start, end time.Time) *Report {
	return &Report{
		Start: start, End: end, ByRule: map[string]*Rule{}, ByDay: map[string]int{},
		subjects: map[string]*Noise{}, raised: map[string]time.Time{}, resolved: map[string]time.Time{}, alerts: map[string]bool{}, raisedAlerts: map[string]rxvigil.Alert{},
	}
}

func (r *Report) rule(id string) *Rule {
	if r.ByRule[id] == nil {
		r.ByRule[id] = &Rule{}
	}
	return r.ByRule[id]
}

// note takes one transition.
func (r *Report) note(t *rules.Transition, now time.Time, zone *time.Location) {
	a := t.Alert
	if len(a.Why.Inputs) == 0 || a.Why.LSN == "" || a.Why.CommittedAt.IsZero() {
		r.Unexplained++
	}
	rule, print := r.rule(a.Rule), rxvigil.Fingerprint(a.Tenant, a.Branch, a.Rule, a.Subject.Type, a.Subject.ID)
	switch t.Event {
	case rxvigil.AlertRaised:
		rule.Raised++
		r.raised[print] = now
		r.raisedAlerts[print] = *a
		if last, again := r.resolved[print]; again && now.Sub(last) < flapping {
			rule.Flaps++
		}
	case rxvigil.AlertResolved:
		rule.Resolved++
		if since, known := r.raised[print]; known {
			rule.Took = append(rule.Took, now.Sub(since))
		}
		r.resolved[print] = now
		return
	case rxvigil.AlertChanged:
		rule.Changed++
	default:
		return
	}
	if a.Digest != "" {
		return // it is summed up
	}
	r.tell(now, zone)
	if r.subjects[print] == nil {
		r.subjects[print] = &Noise{Rule: a.Rule, Branch: string(a.Branch), Subject: strings.TrimSpace(a.Subject.Name + " " + a.Subject.Lot)}
	}
	r.subjects[print].Told++
}

// tell counts a notification.
func (r *Report) tell(now time.Time, zone *time.Location) {
	r.Told++
	r.ByDay[now.In(zone).Format(time.DateOnly)]++
}

func alertName(a *rxvigil.Alert, branch string) string {
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s", a.Rule, strings.Trim(branch+" / "+a.Subject.Name, " /"), a.Subject.Lot))
}

const mostNoise = 10

func (r *Report) finish(e *rules.Engine) {
	branches := map[string]string{}
	for _, t := range e.Tenants() {
		for _, b := range t.Branches {
			branches[string(b.ID)] = b.Name
		}
		for _, a := range e.OpenAlerts(t.ID) {
			if a.Status != rxvigil.Pending {
				r.rule(a.Rule).Open++
			}
		}
	}
	for _, a := range r.raisedAlerts {
		r.alerts[alertName(&a, cmp.Or(branches[string(a.Branch)], string(a.Branch)))] = true
	}
	for _, rule := range r.ByRule {
		slices.Sort(rule.Took)
	}
	for _, n := range r.subjects {
		one := *n
		one.Branch = cmp.Or(branches[n.Branch], n.Branch)
		r.Noisiest = append(r.Noisiest, one)
	}
	slices.SortFunc(r.Noisiest, func(a, b Noise) int {
		return cmp.Or(cmp.Compare(b.Told, a.Told), strings.Compare(a.Rule+a.Subject+a.Branch, b.Rule+b.Subject+b.Branch))
	})
	r.Noisiest = r.Noisiest[:min(len(r.Noisiest), mostNoise)]
}

// Days is how long the window is.
func (r *Report) Days() int { return max(1, int(r.End.Sub(r.Start).Hours()/24+0.5)) }

// Quantile is the time to resolve that so many in a hundred need at most; false where none was resolved.
func (r *Rule) Quantile(percent int) (time.Duration, bool) {
	if len(r.Took) == 0 {
		return 0, false
	}
	return r.Took[min(len(r.Took)-1, len(r.Took)*percent/100)], true
}

// quantile is the same in words.
func (r *Rule) quantile(percent int) string {
	d, known := r.Quantile(percent)
	switch {
	case !known:
		return "-"
	case d >= 48*time.Hour:
		return fmt.Sprintf("%.1f d", d.Hours()/24)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return d.Round(time.Minute).String()
}

// Write writes the report for people.
func (r *Report) Write(w io.Writer) error {
	days := r.Days()
	busiest, most := "", 0
	for _, day := range slices.Sorted(maps.Keys(r.ByDay)) {
		if r.ByDay[day] > most {
			busiest, most = day, r.ByDay[day]
		}
	}
	fmt.Fprintf(w, "%d days, %d sales, %d transactions; %d alerts stood at the start\n", days, r.Sales, r.Transactions, r.Standing)
	fmt.Fprintf(w, "%d notifications, %.1f a day", r.Told, float64(r.Told)/float64(days))
	if most > 0 {
		fmt.Fprintf(w, "; most on %s: %d", busiest, most)
	}
	fmt.Fprint(w, "\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "rule\traised\ta day\tchanged\tresolved\topen\tflaps\tto resolve\t9 in 10")
	for _, id := range slices.Sorted(maps.Keys(r.ByRule)) {
		rule := r.ByRule[id]
		fmt.Fprintf(table, "%s\t%d\t%.2f\t%d\t%d\t%d\t%d\t%s\t%s\n", id, rule.Raised, float64(rule.Raised)/float64(days), rule.Changed, rule.Resolved, rule.Open, rule.Flaps, rule.quantile(50), rule.quantile(90))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.Noisiest) > 0 {
		fmt.Fprint(w, "\nnoisiest\n")
		for _, n := range r.Noisiest {
			fmt.Fprintf(table, "  %d\t%s\t%s\t%s\n", n.Told, n.Rule, n.Branch, n.Subject)
		}
	}
	return table.Flush()
}

// Difference is what another pack would have told that this one did not, and the other way round.
type Difference struct{ More, Less []string }

// Against compares what was raised with what another pack raised.
func (r *Report) Against(other *Report) Difference {
	missing := func(in, from map[string]bool) (out []string) {
		for name := range in {
			if !from[name] {
				out = append(out, name)
			}
		}
		slices.Sort(out)
		return out
	}
	return Difference{More: missing(r.alerts, other.alerts), Less: missing(other.alerts, r.alerts)}
}
