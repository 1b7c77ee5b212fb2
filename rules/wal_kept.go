package rules

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

const ruleWALKept = "wal_kept"

// WALKept are the parameters of wal_kept, which is in every pack: its limits travel with the message.
type WALKept struct{}

// Kind is wal_kept.
func (WALKept) Kind() string { return ruleWALKept }

func (WALKept) validate() error { return nil }

// Kept is the WAL that the source keeps for us, as a message of ours tells it. The limits to judge it by travel with it, so that
// a replay comes to the same findings whatever the configuration says by then.
type Kept struct {
	Bytes    int64  `json:"bytes"`    // what cannot be removed because of our slot
	Safe     int64  `json:"safe"`     // what may still be written before the slot is in danger; negative without limit
	Limit    int64  `json:"limit"`    // what the server keeps for a slot at most; not positive: all
	Status   string `json:"status"`   // reserved, extended, unreserved, lost
	Warn     int64  `json:"warn"`     // bytes that are a warning; not positive: never
	Critical int64  `json:"critical"` // bytes that are critical; not positive: never
	Behind   int64  `json:"behind"`   // seconds for which an older message of ours had not been read back when this one was sent
}

// The rungs of wal_kept.
const (
	rungMuch    = "much"
	rungTooMuch = "too_much"
)

// rung judges how much is kept, with the limits at a percentage of what they are.
func (k *Kept) rung(percent int64) string {
	over := func(limit int64) bool { return limit > 0 && k.Bytes >= limit*percent/100 }
	switch {
	case k.Status == "unreserved" || k.Status == "lost" || over(k.Critical):
		return rungTooMuch
	case over(k.Warn), k.Limit > 0 && k.Safe >= 0 && k.Safe < k.Limit*(200-percent)/400:
		return rungMuch
	}
	return ""
}

// An engine is behind when what was committed so many seconds ago was not read yet; it has caught up at half of that.
const lagging = 60

// noteLag keeps the one alert about an engine that is behind true.
func (e *Engine) noteLag(behind int64) {
	subject := rxvigil.Subject{Type: "engine", ID: "lag", Name: "rxvigil"}
	print := rxvigil.Fingerprint(rxvigil.EngineTenant, "", ruleBlind, subject.Type, subject.ID)
	o := e.alerts.byPrint(rxvigil.EngineTenant, print)
	values := rxvigil.FactsOf(named("behind", rxvigil.NumberValue(rxvigil.NumberOf(behind))), named("reason", rxvigil.TextOf("lag")))
	switch {
	case e.settled:
	case o == nil && behind > lagging:
		e.raise(print, rxvigil.Alert{
			Rule: ruleBlind, Kind: ruleBlind, Severity: rxvigil.Critical, Rung: "lag", Tenant: rxvigil.EngineTenant, Subject: subject, Values: values,
			Threshold: &rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(lagging)), Source: sourceRule}, Why: rxvigil.Why{Inputs: values},
		}, shelfKey{})
	case o != nil && behind <= lagging/2:
		o.alert.Values = values
		e.resolve(o, "", "")
	}
}

var keptRank = map[string]int{"": 0, rungMuch: 1, rungTooMuch: 2} //nolint:gochecknoglobals // a table, never written

// noteKept keeps the one alert about kept WAL true. It climbs at once, and steps down when a tenth less is kept than the limit
// it was raised at.
func (e *Engine) noteKept(k *Kept) {
	if k == nil {
		return
	}
	e.noteLag(k.Behind)
	subject := rxvigil.Subject{Type: "engine", ID: "wal", Name: "rxvigil"}
	print := rxvigil.Fingerprint(rxvigil.EngineTenant, "", ruleWALKept, subject.Type, subject.ID)
	o, rung := e.alerts.byPrint(rxvigil.EngineTenant, print), k.rung(100)
	if o != nil && keptRank[rung] < keptRank[o.alert.Rung] {
		rung = k.rung(90)
		if keptRank[rung] > keptRank[o.alert.Rung] {
			rung = o.alert.Rung
		}
	}
	values, threshold := k.values(), k.threshold(rung)
	switch {
	case o == nil && rung != "" && !e.settled:
		e.raise(print, rxvigil.Alert{
			Rule: ruleWALKept, Kind: ruleWALKept, Severity: keptSeverity(rung), Rung: rung, Tenant: rxvigil.EngineTenant, Subject: subject,
			Values: values, Threshold: threshold, Why: rxvigil.Why{Inputs: values},
		}, shelfKey{})
	case o == nil:
	case e.settled:
		o.alert.Values = values
	case rung == "":
		o.alert.Values = values
		e.resolve(o, "", "")
	default:
		e.keptMoved(o, rung, values, threshold)
	}
}

func (e *Engine) keptMoved(o *open, rung string, values rxvigil.Facts, threshold *rxvigil.Threshold) {
	o.alert.Values = values
	if o.alert.Rung == rung {
		return
	}
	o.alert.Rung, o.alert.Threshold, o.alert.Why.Inputs = rung, threshold, values
	e.change(o, keptSeverity(rung), "")
}

func keptSeverity(rung string) rxvigil.Severity {
	if rung == rungTooMuch {
		return rxvigil.Critical
	}
	return rxvigil.Warning
}

func (k *Kept) values() rxvigil.Facts {
	values := rxvigil.FactsOf(
		named("bytes", rxvigil.NumberValue(rxvigil.NumberOf(k.Bytes))), named("status", rxvigil.TextOf(k.Status)),
		named("safe", rxvigil.Null(rxvigil.TypeNumber)), named("limit", rxvigil.Null(rxvigil.TypeNumber)),
	)
	if k.Safe >= 0 {
		values.Set("safe", rxvigil.NumberValue(rxvigil.NumberOf(k.Safe)))
	}
	if k.Limit > 0 {
		values.Set("limit", rxvigil.NumberValue(rxvigil.NumberOf(k.Limit)))
	}
	return values
}

func (k *Kept) threshold(rung string) *rxvigil.Threshold {
	limit := k.Warn
	if rung == rungTooMuch {
		limit = k.Critical
	}
	return &rxvigil.Threshold{Value: rxvigil.NumberValue(rxvigil.NumberOf(limit)), Source: "rule"}
}

// Size says a number of bytes to a person: 1.5 GiB.
func Size(bytes int64) string {
	if bytes < 1<<10 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	n, unit := float64(bytes)/(1<<10), 0
	for n >= 1024 && unit < 3 {
		n, unit = n/1024, unit+1
	}
	return fmt.Sprintf("%.1f %s", n, []string{"KiB", "MiB", "GiB", "TiB"}[unit])
}
