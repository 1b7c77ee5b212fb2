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
	// Recovery is the factor of the reorder level that stock must exceed before low_stock resolves.
	Recovery rxvigil.Number
	// Tiers are the rungs of expiry before the day itself, in any order.
	Tiers []Tier
	// Scans re-judge a tenant by the calendar.
	Scans []Scan
}

// Tier is one rung of the expiry ladder: at most Within days are left.
type Tier struct {
	Within   int
	Rung     string
	Severity rxvigil.Severity
}

// Scan judges all shelves of a tenant at the times of a cron line, on the tenant's own clock.
type Scan struct {
	Name    string
	Cron    string
	CatchUp CatchUp
	MaxAge  time.Duration // for Skip: older moments are only recorded; 0 is an hour
}

// CatchUp says what becomes of moments that passed while nobody watched.
type CatchUp string

// The policies.
const (
	Latest CatchUp = "latest" // the newest is kept, the others are recorded as missed
	All    CatchUp = "all"    // each is kept, oldest first
	Skip   CatchUp = "skip"   // the newest is kept unless it is older than MaxAge
)

// DefaultPack is the pack that portals know: expiry at 30 and 7 days, one scan at six in the morning.
func DefaultPack() Pack {
	factor, _ := rxvigil.ParseNumber("1.1")
	return Pack{
		Recovery: factor,
		Tiers: []Tier{
			{Within: 7, Rung: "expires_7", Severity: rxvigil.Critical},
			{Within: 30, Rung: "expires_30", Severity: rxvigil.Warning},
		},
		Scans: []Scan{{Name: "daily", Cron: "0 6 * * *", CatchUp: Latest}},
	}
}

// validate refuses a pack that cannot be meant, naming the line at fault, and puts the tiers in order.
func (p *Pack) validate() error {
	var errs []error
	if !p.Recovery.Known() || p.Recovery.Cmp(rxvigil.NumberOf(1)) < 0 {
		errs = append(errs, fmt.Errorf("pack: recovery %s is below 1", p.Recovery))
	}
	for _, t := range p.Tiers {
		if t.Within < 0 || t.Rung == "" || t.Rung == rungExpired || t.Severity.Rank() == 0 {
			errs = append(errs, fmt.Errorf("pack: tier %+v needs days from 0, a rung of its own and a severity", t))
		}
	}
	for _, s := range p.Scans {
		errs = append(errs, s.validate())
	}
	p.Tiers = slices.Clone(p.Tiers)
	slices.SortFunc(p.Tiers, func(a, b Tier) int { return a.Within - b.Within })
	return errors.Join(errs...)
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
