package main

import (
	"cmp"
	"context"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
)

// Analytics tells how a tenant's alerts have been.
func (d desk) Analytics(ctx context.Context, t rxvigil.Tenant, q push.AnalyticsQuery) (out push.Analytics, err error) {
	a, err := d.e.store.Analytics(ctx, t, rules.AnalyticsQuery{Since: q.Since, Zone: cmp.Or(q.Zone, "UTC"), Branches: q.Branches})
	if err != nil {
		return out, err
	}
	for _, c := range a.Days {
		out.Days = append(out.Days, push.DayCount{Day: c.Day.String(), Rule: c.Rule, Kind: c.Kind, Branch: c.Branch, Raised: c.Raised})
	}
	for _, r := range a.Rules {
		out.Rules = append(out.Rules, push.RuleStats{
			Rule: r.Rule, Kind: r.Kind, Raised: r.Raised, Open: r.Open, Acknowledged: r.Acknowledged, Resolved: r.Resolved,
			Acknowledge: seconds(r.Acknowledge), Resolve: seconds(r.Resolve),
		})
	}
	for _, n := range a.Noisiest {
		out.Noisiest = append(out.Noisiest, push.SubjectCount(n))
	}
	return out, nil
}

func seconds(q *rules.Quantiles) *push.Quantiles {
	if q == nil {
		return nil
	}
	return &push.Quantiles{P50: q.P50.Seconds(), P90: q.P90.Seconds()}
}
