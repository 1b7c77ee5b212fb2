package rules

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

const (
	ruleBlind    = "blind"
	mostFaults   = 1000 // open faults of one tenant; further ones are counted and not told
	mostFaultLen = 200  // of a fault's text in an alert
)

// Blind are the parameters of blind, which is in every pack: it has none.
type Blind struct{}

// Kind is blind.
func (Blind) Kind() string { return ruleBlind }

func (Blind) validate() error { return nil }

// noteFaults raises a lasting alert for each fault that is new: one for each tenant, table, column, reason and text.
func (e *Engine) noteFaults(faults []Fault) {
	for _, f := range faults {
		e.noteFault(f)
	}
}

func (e *Engine) noteFault(f Fault) {
	f.Tenant = cmp.Or(f.Tenant, rxvigil.EngineTenant)
	if len(f.Text) > mostFaultLen {
		f.Text = strings.ToValidUTF8(f.Text[:mostFaultLen], "") + "…"
	}
	values := rxvigil.FactsOf(
		named("table", rxvigil.TextOf(f.Table)),
		named("column", rxvigil.TextOf(f.Column)),
		named("reason", rxvigil.TextOf(f.Reason)),
		named("text", rxvigil.TextOf(f.Text)),
	)
	id := strings.Join([]string{f.Table, f.Column, f.Reason, f.Text}, "|")
	e.raiseLasting(f.Tenant, "fault", id, values)
}

// noteBlind raises one lasting alert in every known tenant: what happened in the interval nobody saw.
func (e *Engine) noteBlind(i *Interval) {
	if i == nil {
		return
	}
	values := rxvigil.FactsOf(
		named("from", lsnValue(i.From)),
		named("to", lsnValue(i.To)),
		named("since", timeValue(i.Since)),
		named("until", timeValue(i.Until)),
		named("reason", rxvigil.TextOf(i.Reason)),
	)
	id := strings.Join([]string{"interval", rxvigil.FormatLSN(i.From), rxvigil.FormatLSN(i.To)}, "|")
	for _, t := range e.tenantsForBlind() {
		e.raiseLasting(t, "interval", id, values)
	}
}

func (e *Engine) tenantsForBlind() []rxvigil.Tenant {
	var ids []rxvigil.Tenant
	for _, t := range e.book.known() {
		ids = append(ids, t.id)
	}
	if len(ids) == 0 {
		ids = append(ids, rxvigil.EngineTenant)
	}
	slices.Sort(ids)
	return ids
}

func (e *Engine) raiseLasting(t rxvigil.Tenant, rung, id string, values rxvigil.Facts) {
	if e.settled {
		return
	}
	subject := rxvigil.Subject{Type: "engine", ID: id, Name: "rxvigil"}
	print := rxvigil.Fingerprint(t, "", ruleBlind, subject.Type, subject.ID)
	if e.alerts.byPrint(t, print) != nil {
		return
	}
	if rung == "fault" && e.alerts.count(t, ruleBlind) >= mostFaults {
		e.untold++
		return
	}
	e.raise(print, rxvigil.Alert{
		Rule: ruleBlind, Kind: ruleBlind, Severity: rxvigil.Critical, Rung: rung, Tenant: t, Subject: subject,
		Values: values, Why: rxvigil.Why{Inputs: values},
	}, shelfKey{})
}

func lsnValue(lsn uint64) rxvigil.Value {
	if lsn == 0 {
		return rxvigil.Null(rxvigil.TypeText)
	}
	return rxvigil.TextOf(rxvigil.FormatLSN(lsn))
}

func timeValue(t time.Time) rxvigil.Value {
	if t.IsZero() {
		return rxvigil.Null(rxvigil.TypeInstant)
	}
	return rxvigil.ValueOf(rxvigil.TypeInstant, t.UTC().Format(time.RFC3339Nano))
}
