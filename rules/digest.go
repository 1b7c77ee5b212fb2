package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Summary is what a rule found in one branch since the last one, where it does not tell each finding.
type Summary struct {
	Tenant       rxvigil.Tenant
	Branch       rxvigil.Branch // empty: of the tenant as a whole
	Rule, Kind   string
	Period       Digest
	Since, Until time.Time
	New, Open    int             // alerts that were raised since and are open, and all that are
	Items        []rxvigil.Alert // the newest ones, the gravest first; no more than mostSummed
	Message      string
}

// mostSummed is how many findings a summary names.
const mostSummed = 20

// sumUp tells what rules with a digest found since the scan before. Weekly ones are told on Mondays.
func (e *Engine) sumUp(t *tenant, wall, before string) {
	now, err := time.Parse(wallLayout, wall)
	if err != nil {
		return
	}
	since := map[Digest]time.Time{Daily: e.clock.now.AddDate(0, 0, -1), Weekly: e.clock.now.AddDate(0, 0, -7)}
	if last, err := time.Parse(wallLayout, before); err == nil { // days are as long as the clock on the wall says
		since[Daily] = e.clock.now.Add(-now.Sub(last))
	}
	type key struct {
		rule   string
		branch rxvigil.Branch
	}
	sums := map[key]*Summary{}
	for _, o := range e.alerts.tenants[t.id] {
		r := e.ruleOf(o.alert.Rule)
		if r == nil || r.Digest == AtOnce || r.Digest == Weekly && now.Weekday() != time.Monday || !o.alert.Status.Open() {
			continue
		}
		k := key{r.ID, o.alert.Branch}
		if sums[k] == nil {
			sums[k] = &Summary{Tenant: t.id, Branch: o.alert.Branch, Rule: r.ID, Kind: o.alert.Kind, Period: r.Digest, Since: since[r.Digest], Until: e.clock.now}
		}
		sums[k].Open++
		if o.alert.StartedAt.After(since[r.Digest]) {
			sums[k].New++
			a := o.alert
			e.say(&a, "")
			sums[k].Items = append(sums[k].Items, a)
		}
	}
	first := len(e.out.Digests)
	for _, s := range sums {
		if s.New == 0 {
			continue
		}
		slices.SortFunc(s.Items, func(a, b rxvigil.Alert) int {
			return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), b.StartedAt.Compare(a.StartedAt), strings.Compare(a.ID, b.ID))
		})
		s.Items = s.Items[:min(len(s.Items), mostSummed)]
		s.Message = e.speechOf(t.id).sentence(&rxvigil.Alert{Kind: "digest", Values: rxvigil.FactsOf(
			named("rule", rxvigil.TextOf(s.Rule)), named("new", rxvigil.NumberValue(rxvigil.NumberOf(int64(s.New)))), named("open", rxvigil.NumberValue(rxvigil.NumberOf(int64(s.Open)))),
		)}, false)
		e.out.Digests = append(e.out.Digests, *s)
	}
	slices.SortFunc(e.out.Digests[first:], func(a, b Summary) int {
		return cmp.Or(strings.Compare(string(a.Branch), string(b.Branch)), strings.Compare(a.Rule, b.Rule))
	})
}
