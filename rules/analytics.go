package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// AnalyticsQuery asks how a tenant's alerts have been since an instant. Days are decided in Zone, a name of the tz database.
// Branches narrow it to some and to what is of no branch; none: all.
type AnalyticsQuery struct {
	Since    time.Time
	Zone     string
	Branches []rxvigil.Branch
}

// Analytics is how a tenant's alerts have been, of those raised since an instant.
type Analytics struct {
	Days     []DayCount
	Rules    []RuleStats
	Noisiest []SubjectCount // those with most episodes, at most MostNoisy of a rule
}

// MostNoisy is how many subjects of a rule are counted.
const MostNoisy = 10

// DayCount is how many alerts of a rule were raised on a day in a branch.
type DayCount struct {
	Day        rxvigil.Day
	Rule, Kind string
	Branch     rxvigil.Branch
	Raised     int
}

// RuleStats is how people and stock dealt with a rule's alerts. Quantiles are over those that were acknowledged, or have resolved.
type RuleStats struct {
	Rule, Kind   string
	Raised       int
	Open         int
	Acknowledged int
	Resolved     int
	// Acknowledge and Resolve are the time from the start, at the median and for nine of ten; nil where there was none.
	Acknowledge, Resolve *Quantiles
}

// Quantiles of a duration.
type Quantiles struct{ P50, P90 time.Duration }

// SubjectCount is how often a subject came back.
type SubjectCount struct {
	Rule, Kind string
	Branch     rxvigil.Branch
	Subject    rxvigil.Subject
	Episodes   int
}
