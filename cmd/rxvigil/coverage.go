package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// coverageRows is how many rows of a table check looks at.
const coverageRows = 20_000

// coverage is what the mapping makes of the rows that are there.
type coverage struct {
	Entities []entityCoverage `json:"entities"`
	Alerts   []alertCoverage  `json:"alerts"`
}

type entityCoverage struct {
	Kind     string          `json:"kind"`
	Table    string          `json:"table"`
	Rows     int             `json:"rows"`    // looked at
	Sampled  bool            `json:"sampled"` // there are more
	Entities int             `json:"entities"`
	NoTenant int             `json:"no_tenant"`
	Fields   []fieldCoverage `json:"fields"`
	Faults   []faultCoverage `json:"faults"`
}

// fieldCoverage is a mapped field, and in what share of the entities it has a value.
type fieldCoverage struct {
	Name   string  `json:"name"`
	Filled float64 `json:"filled"`
}

type faultCoverage struct {
	Reason string `json:"reason"`
	Column string `json:"column,omitempty"`
	Text   string `json:"text,omitempty"`
	Rows   int    `json:"rows"`
}

// alertCoverage says whether a kind of alert can be judged: yes, partly or no, and why.
type alertCoverage struct {
	Rule       string `json:"rule"`
	Computable string `json:"computable"`
	Why        string `json:"why,omitempty"`
}

// cover looks at the rows.
func cover(ctx context.Context, cfg *config) (*coverage, error) {
	tallies := map[string]*tally{}
	var order []string
	err := cdc.Survey{Rows: coverageRows}.Look(ctx, cfg.Source.DSN, &cfg.Mapping, func(s cdc.Seen) error {
		key := s.Name + " " + s.Table
		t := tallies[key]
		if t == nil {
			t = newTally(s)
			tallies[key], order = t, append(order, key)
		}
		t.add(s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	c := &coverage{Entities: []entityCoverage{}}
	filled := map[string]bool{}
	for _, key := range order {
		e := tallies[key].coverage()
		for _, f := range e.Fields {
			filled[e.Kind+"."+f.Name] = filled[e.Kind+"."+f.Name] || f.Filled > 0 || e.Entities == 0 // nobody knows yet
		}
		c.Entities = append(c.Entities, e)
	}
	slices.SortStableFunc(c.Entities, func(a, b entityCoverage) int { return cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)) })
	for _, n := range rules.Needs() {
		c.Alerts = append(c.Alerts, judgeable(n, filled))
	}
	return c, nil
}

func kindOrder(name string) int {
	if i := slices.IndexFunc(rxvigil.Kinds(), func(k rxvigil.Kind) bool { return k.String() == name }); i >= 0 {
		return i
	}
	return int(rxvigil.KindCustom)
}

// judgeable tells what can be judged with the fields that have values.
func judgeable(n rules.Need, filled map[string]bool) alertCoverage {
	missing := func(fields []string) (none []string) {
		for _, f := range fields {
			if !slices.ContainsFunc(strings.Split(f, " or "), func(one string) bool { return filled[one] }) {
				none = append(none, f)
			}
		}
		return none
	}
	if none := missing(n.All); len(none) > 0 {
		return alertCoverage{n.Rule, "no", "no row has " + strings.Join(none, ", ")}
	}
	if none := missing(n.Better); len(none) > 0 {
		return alertCoverage{n.Rule, "partly", "no row has " + strings.Join(none, ", ") + ": " + n.Without}
	}
	return alertCoverage{Rule: n.Rule, Computable: "yes"}
}

// tally counts the rows of one source.
type tally struct {
	entityCoverage
	mapped []string
	known  map[string]int
	faults map[faultCoverage]int
}

func newTally(s cdc.Seen) *tally {
	t := &tally{mapped: s.Fields, known: map[string]int{}, faults: map[faultCoverage]int{}}
	t.Kind, t.Table = s.Name, s.Table
	return t
}

func (t *tally) add(s cdc.Seen) {
	if s.Row == nil {
		return
	}
	t.Rows++
	t.Sampled = t.Sampled || s.Cut
	if r := s.Record; r != nil && !r.Gone {
		t.Entities++
		if r.Tenant == "" && !s.Nobodys && s.Kind != rxvigil.KindTenant && s.Kind != rxvigil.KindSaleLine && s.Kind != rxvigil.KindPrescriptionLine {
			t.NoTenant++
		}
		for i, f := range r.Schema.Fields {
			if r.Values[i].IsKnown() {
				t.known[f.Name]++
			}
		}
	}
	for _, f := range s.Faults {
		if f.Reason != "no_tenant" { // counted by row
			t.faults[faultCoverage{Reason: f.Reason, Column: f.Column, Text: f.Text}]++
		}
	}
}

// mostFaults is how many different faults of an entity are listed.
const mostFaults = 10

func (t *tally) coverage() entityCoverage {
	e := t.entityCoverage
	e.Fields, e.Faults = []fieldCoverage{}, []faultCoverage{}
	for _, name := range t.mapped {
		e.Fields = append(e.Fields, fieldCoverage{name, float64(t.known[name]) / float64(max(t.Entities, 1))})
	}
	for f, n := range maps.All(t.faults) {
		f.Rows = n
		e.Faults = append(e.Faults, f)
	}
	slices.SortFunc(e.Faults, func(a, b faultCoverage) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Text, b.Text))
	})
	e.Faults = e.Faults[:min(len(e.Faults), mostFaults)]
	return e
}

// print writes the coverage for people.
func (c *coverage) print(out io.Writer) {
	for _, e := range c.Entities {
		rows := fmt.Sprintf("%d rows", e.Rows)
		if e.Sampled {
			rows = "the first " + rows
		}
		fmt.Fprintf(out, "\n%s from %s: %d of %s", e.Kind, e.Table, e.Entities, rows)
		if e.NoTenant > 0 {
			fmt.Fprintf(out, ", %d without a tenant", e.NoTenant)
		}
		fmt.Fprintln(out)
		var parts []string
		for _, f := range e.Fields {
			parts = append(parts, fmt.Sprintf("%s %s", f.Name, share(f.Filled)))
		}
		if len(parts) > 0 && e.Entities > 0 {
			fmt.Fprintf(out, "  filled: %s\n", strings.Join(parts, ", "))
		}
		for _, f := range e.Faults {
			fmt.Fprintf(out, "  ! %s, %d rows\n", faultText(cdc.Fault{Reason: f.Reason, Column: f.Column, Text: f.Text}), f.Rows)
		}
	}
	fmt.Fprintln(out, "\nalerts that can be judged:")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, a := range c.Alerts {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", a.Rule, a.Computable, a.Why)
	}
	_ = w.Flush()
	fmt.Fprintln(out)
}

func share(x float64) string {
	switch {
	case x == 0:
		return "never"
	case x == 1:
		return "always"
	}
	return fmt.Sprintf("%.1f %%", x*100)
}
