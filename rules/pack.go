package rules

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Pack is the parameters of every rule: data, so that a file can say it.
type Pack struct {
	// Rules say what is told, each with the parameters of its kind. Two of one kind may differ in parameters; their ids must.
	Rules []Rule
	// Supply is how stock is replenished where nothing more particular is known.
	Supply Supply
	// Limits replace the threshold of a rule for a part of the stock.
	Limits []Limit
	// Inhibit keeps alerts from being told beside others that say more.
	Inhibit []Inhibition
	// Scans re-judge a tenant by the calendar.
	Scans []Scan
	// ExpiresOnStart says that a lot has expired on the day of its date already; else it is usable through that day.
	ExpiresOnStart bool
}

// Rule is one question that is asked of everything it fits, and how its alerts behave.
type Rule struct {
	// ID names the rule, its alerts and their history. Empty: the name of its kind.
	ID string
	// Off keeps the rule in the pack without asking it.
	Off bool
	// Severity replaces what the kind says. Empty: as the kind says.
	Severity rxvigil.Severity
	// When is a condition in expr's language on what is judged by shelf: the rule is asked only about what fulfils it.
	When string
	Conduct
	// Params are those of the rule's kind, and say which kind it is.
	Params Params
}

// Params are the parameters of one kind. The family is sealed: LowStock, Expiry and the other structs of this package, each beside
// its kind.
//
//sumtype:decl
type Params interface {
	// Kind is the name of the kind.
	Kind() string
	// validate names what cannot be meant.
	validate() error
}

// Scan judges all shelves of a tenant at the times of a cron line, on the tenant's own clock.
type Scan struct {
	Name    string
	Cron    string
	CatchUp CatchUp       `yaml:"catch_up"`
	MaxAge  time.Duration `yaml:"max_age"` // for Skip: older moments are only recorded; 0 is an hour
}

// CatchUp says what becomes of moments that passed while nobody watched.
type CatchUp string

// The policies.
const (
	Latest CatchUp = "latest" // the newest is kept, the others are recorded as missed
	All    CatchUp = "all"    // each is kept, oldest first
	Skip   CatchUp = "skip"   // the newest is kept unless it is older than MaxAge
)

// prepare gives the pack as an engine uses it, or refuses one that cannot be meant, naming the rule or scan at fault. It leaves
// p as it is. The kinds that watch the engine itself are always in it: silence must not be mistaken for health.
func (p Pack) prepare() (Pack, error) {
	p.Rules = slices.Clone(p.Rules)
	seen := map[string]bool{}
	var errs []error
	for i := range p.Rules {
		r := &p.Rules[i]
		if r.ID == "" && r.Params != nil {
			r.ID = r.Params.Kind()
		}
		if seen[r.ID] {
			errs = append(errs, fmt.Errorf("pack: two rules are called %q", r.ID))
		}
		seen[r.ID] = true
		errs = append(errs, r.validate())
	}
	for _, own := range []Params{Blind{}, WALKept{}} {
		if !seen[own.Kind()] {
			p.Rules = append(p.Rules, Rule{ID: own.Kind(), Params: own})
		}
	}
	errs = append(errs, p.Supply.validate())
	for _, l := range p.Limits {
		errs = append(errs, l.validate(seen))
	}
	for _, i := range p.Inhibit {
		errs = append(errs, i.validate(p.Rules))
	}
	for _, s := range p.Scans {
		errs = append(errs, s.validate())
	}
	return p, errors.Join(errs...)
}

func (r *Rule) validate() error {
	if r.Params == nil {
		return fmt.Errorf("pack: rule %q has no kind", r.ID)
	}
	err := errors.Join(r.Params.validate(), r.Conduct.validate())
	if r.Severity != "" && r.Severity.Rank() == 0 {
		err = errors.Join(err, fmt.Errorf("severity %q is not info, warning, high or critical", r.Severity))
	}
	if r.When != "" {
		_, broken := newWhen(r.When)
		err = errors.Join(err, broken)
	}
	if err != nil {
		return fmt.Errorf("pack: rule %q: %w", r.ID, err)
	}
	return nil
}

func (s Scan) validate() error {
	if _, err := ParseSchedule(s.Cron); err != nil {
		return fmt.Errorf("pack: scan %q: %w", s.Name, err)
	}
	switch s.CatchUp {
	case Latest, All, Skip, "":
		return nil
	}
	return fmt.Errorf("pack: scan %q: catch-up %q is not latest, all or skip", s.Name, s.CatchUp)
}
