package push

import (
	"net/http"
	"time"

	"github.com/rxvigil/rxvigil"
)

// AnalyticsQuery asks how a tenant's alerts have been since an instant, in some branches and in none at all; no branches: all.
type AnalyticsQuery struct {
	Since    time.Time
	Zone     string
	Branches []rxvigil.Branch
}

// Analytics is how a tenant's alerts have been, of those that were raised since an instant.
type Analytics struct {
	Since    time.Time      `json:"since"`
	Days     []DayCount     `json:"days"`
	Rules    []RuleStats    `json:"rules"`
	Noisiest []SubjectCount `json:"noisiest"`
	Cursor   string         `json:"cursor"`
}

// DayCount is how many alerts of a rule were raised on a day, by the tenant's clock, in a branch.
type DayCount struct {
	Day    string         `json:"day"` // YYYY-MM-DD
	Rule   string         `json:"rule"`
	Kind   string         `json:"kind"`
	Branch rxvigil.Branch `json:"branch"`
	Raised int            `json:"raised"`
}

// RuleStats is how a rule's alerts were dealt with. Seconds are from the start of an alert; null where none was acknowledged or resolved.
type RuleStats struct {
	Rule         string     `json:"rule"`
	Kind         string     `json:"kind"`
	Raised       int        `json:"raised"`
	Open         int        `json:"open"`
	Acknowledged int        `json:"acknowledged"`
	Resolved     int        `json:"resolved"`
	Acknowledge  *Quantiles `json:"acknowledge_seconds"`
	Resolve      *Quantiles `json:"resolve_seconds"`
}

// Quantiles in seconds: of half of them, and of nine of ten.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
}

// SubjectCount is how often an alert about a subject was raised.
type SubjectCount struct {
	Rule     string          `json:"rule"`
	Kind     string          `json:"kind"`
	Branch   rxvigil.Branch  `json:"branch"`
	Subject  rxvigil.Subject `json:"subject"`
	Episodes int             `json:"episodes"`
}

// analytics answers GET …/analytics.
func (s *Server) analytics(c call) (int, any, error) {
	if err := c.only("since", "branch"); err != nil {
		return 0, nil, err
	}
	back := 30 * 24 * time.Hour
	if w := c.param("since"); w != "" {
		var err error
		if back, err = span(w); err != nil || back <= 0 || back > 366*24*time.Hour {
			return 0, nil, bad("since %.20q is not a span such as 30d, up to 366d", w)
		}
	}
	q := AnalyticsQuery{Since: time.Now().Add(-back).UTC(), Zone: c.tenant.Zone}
	branch := rxvigil.Branch(c.param("branch"))
	if err := c.who.limit(Filter{Branch: branch}); err != nil {
		return 0, nil, err
	}
	switch {
	case branch != "":
		q.Branches = []rxvigil.Branch{branch}
	case c.who != nil && !c.who.Grant.EveryBranch:
		q.Branches = c.who.Branches
	}
	a, err := s.Alerts.Analytics(c.Context(), c.tenant.ID, q)
	if err != nil {
		return 0, nil, err
	}
	a.Since, a.Cursor = q.Since, c.cursor.String()
	a.Days = kept(a.Days, func(d DayCount) bool { return c.who.seesKind(d.Kind) })
	a.Rules = kept(a.Rules, func(r RuleStats) bool { return c.who.seesKind(r.Kind) })
	a.Noisiest = kept(a.Noisiest, func(n SubjectCount) bool { return c.who.seesKind(n.Kind) })
	return http.StatusOK, a, nil
}

// seesKind tells whether alerts of a kind may be seen.
func (r *rights) seesKind(kind string) bool {
	return r == nil || r.hears(rxvigil.Notifications) && r.may&forKind(kind) != 0
}

// kept are those that may be shown; never nil.
func kept[T any](all []T, may func(T) bool) []T {
	out := make([]T, 0, len(all))
	for _, one := range all {
		if may(one) {
			out = append(out, one)
		}
	}
	return out
}
