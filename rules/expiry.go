package rules

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// Expiry are the parameters of expiry.
type Expiry struct {
	// Tiers are the rungs before the day itself, the nearest first.
	Tiers []Tier
}

// Tier is one rung of the expiry ladder: at most Within days are left.
type Tier struct {
	Within   int
	Rung     string
	Severity rxvigil.Severity
}

// Kind is expiry.
func (Expiry) Kind() string { return "expiry" }

func (p Expiry) validate() error {
	before := -1
	for _, t := range p.Tiers {
		if t.Rung == "" || t.Rung == rungExpired || t.Severity.Rank() == 0 {
			return fmt.Errorf("tier %+v needs a rung of its own and a severity", t)
		}
		if t.Within <= before {
			return fmt.Errorf("tier %q is not further away than the one before it", t.Rung)
		}
		before = t.Within
	}
	return nil
}

const rungExpired = "expired"

// judgeExpiry climbs one ladder for each lot with something in it: the tiers of the pack, then expired. Always at or below
// a tier, never exactly on it: a day without a scan must not lose a lot (OpenLMIS does, for 27 dates in four years).
func judgeExpiry(dst []verdict, h *hearing) []verdict {
	for _, l := range h.shelf.lots {
		dst = append(dst, h.judgeLot(l))
	}
	return dst
}

func (h *hearing) judgeLot(l *lot) verdict {
	v := verdict{lot: l}
	switch {
	case l.onHand.Known() && l.onHand.Sign() <= 0, l.flags&lotDated != 0 && l.expires == rxvigil.Never:
		return v
	case !l.onHand.Known() || l.flags&lotDated == 0:
		v.finding, v.vague = unsure, true
		return v
	case l.expired(h.today):
		v.finding, v.rung, v.severity = fires, rungExpired, rxvigil.Critical
		return v
	}
	days := h.today.Until(l.expires)
	for _, t := range h.rule.Params.(Expiry).Tiers {
		if days <= t.Within {
			v.finding, v.rung, v.severity = fires, t.Rung, t.Severity
			return v
		}
	}
	return v
}

func describeExpiry(h *hearing, v verdict) description {
	values := rxvigil.FactsOf(
		named("days", rxvigil.Null(rxvigil.TypeNumber)),
		named("expires", rxvigil.Null(rxvigil.TypeDay)),
		named("quantity", rxvigil.NumberValue(v.lot.onHand)),
	)
	if v.lot.flags&lotDated != 0 {
		values.Set("expires", rxvigil.ValueOf(rxvigil.TypeDay, v.lot.expires.String()))
		if v.lot.expires.Finite() {
			values.Set("days", rxvigil.NumberValue(rxvigil.NumberOf(int64(h.today.Until(v.lot.expires)))))
		}
	}
	d := description{values: values, threshold: h.tierThreshold(v.rung)}
	d.inputs = values.With("today", rxvigil.ValueOf(rxvigil.TypeDay, h.today.String()))
	return d
}

func (h *hearing) tierThreshold(rung string) *rxvigil.Threshold {
	days := int64(-1)
	for _, t := range h.rule.Params.(Expiry).Tiers {
		if t.Rung == rung {
			days = int64(t.Within)
		}
	}
	return &rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(days)), Source: "rule"}
}
