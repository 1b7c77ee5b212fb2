package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/internal/story"
)

// names translate between a story's words and the service's ids.
type names struct {
	tenants  map[string][]string // id → name, subdomain
	branches map[string]string
	patients map[string]string
	today    time.Time
}

// eventNames are the story's neutral names in our words. A restored medicine is one that came again.
var eventNames = map[string]string{
	"medicine.created": "medicine_created", "medicine.updated": "medicine_updated", "medicine.deleted": "medicine_deleted",
	"medicine.restored": "medicine_created", "stock.threshold_changed": "medicine_updated",
	"lot.created": "lot_received", "lot.updated": "lot_updated", "lot.deleted": "lot_removed",
	"stock.changed": "stock_level_changed", "stock.removed": "stock_level_changed",
	"sale.created": "sale_created", "sale.completed": "sale_completed", "sale.cancelled": "sale_cancelled", "sale.updated": "sale_updated",
	"sale.status_changed": "sale_updated", "sale.partially_returned": "sale_returned", "sale.returned": "sale_returned",
	"prescription.updated": "prescription_updated", "prescription.deleted": "prescription_status_changed",
	"prescription.created": "prescription_created", "prescription.dispensed": "prescription_dispensed",
	"prescription.status_changed": "prescription_status_changed", "prescription.cancelled": "prescription_status_changed",
	"patient.registered": "patient_registered", "patient.updated": "patient_updated", "patient.deleted": "patient_removed",
}

// fieldNames are the story's keys in our words.
var fieldNames = map[string]string{"min": "reorder_level", "dte": "expires", "qty": "on_hand", "on_hold": "held"}

// statusNames are statuses that a story calls by the app's word.
var statusNames = map[string]string{"rejected": "cancelled", "picked": "validated"}

// toEach tells what concerns all sites of each of them.
func (n *names) toEach(lines []story.Line) []story.Line {
	var all []story.Line
	for _, l := range lines {
		rest, everywhere := strings.CutPrefix(l.Subject, "(all sites) / ")
		if !everywhere {
			all = append(all, l)
			continue
		}
		for id := range n.tenants {
			l.Subject = "site " + id + " / " + rest
			all = append(all, l)
		}
	}
	return all
}

// mismatch says why an event is not what a line tells, or "".
func (n *names) mismatch(l story.Line, e envelope) string {
	switch l.Kind {
	case story.Finding:
		want := "alert_raised"
		if strings.Contains(l.Raw, "` resolved ·") {
			want = "alert_resolved"
		}
		if e.Type != want {
			return "it is no " + want
		}
		return mismatchFinding(l, e.Data)
	case story.Raised, story.Changed, story.Resolved:
		want := "alert_" + strings.ToLower(string(l.Kind))
		if e.Type != want {
			return "it is no " + want
		}
		return n.mismatchAlert(l.Name, l.Severity, l.Path(), l.Details, l.Text, e.Data)
	}
	if e.Type != eventNames[l.Name] {
		return "it is no " + eventNames[l.Name]
	}
	if miss := n.mismatchSubject(l.Path(), e); miss != "" {
		return miss
	}
	for _, d := range l.Details {
		if miss := n.mismatchDetail(l.Name, d, e.Data); miss != "" {
			return miss
		}
	}
	return mismatchText(l, e)
}

func mismatchText(l story.Line, e envelope) string {
	for _, text := range l.Text {
		field, changed := strings.CutSuffix(text, " changed")
		switch {
		case changed:
			told, _ := e.Data["changed"].([]any)
			if !slices.Contains(told, any(field)) || strings.Contains(e.raw, "+260") || strings.Contains(e.raw, "+675") {
				return "it does not say, without the number, that it changed"
			}
		case strings.HasPrefix(text, "was available") && e.Data["available"] != nil:
			return "there is stock left"
		}
	}
	return ""
}

func (n *names) mismatchSubject(path []string, e envelope) string {
	if !slices.Contains(n.tenants[e.Tenant], path[0]) {
		return "another tenant"
	}
	rest := path[1:]
	if len(n.branches) > 0 && len(rest) > 1 {
		if n.branches[e.Branch] != rest[0] {
			return "another branch"
		}
		rest = rest[1:]
	}
	subject := []any{e.Data["name"]}
	switch {
	case strings.HasPrefix(e.Type, "lot_"):
		subject = []any{e.Data["medicine_name"], e.Data["number"]}
	case !strings.HasPrefix(e.Type, "medicine_") && !strings.HasPrefix(e.Type, "stock_"):
		subject = []any{e.Data["number"]}
	}
	for i, want := range rest {
		if i >= len(subject) || !sameText(want, subject[i]) && !called(want, e.Data["id"]) {
			return fmt.Sprintf("subject %v", subject)
		}
	}
	return ""
}

// called tells whether a story calls something by its kind and its id, or the end of that.
func called(want string, id any) bool {
	kind, end, ok := strings.Cut(want, " ")
	kinds := []string{"prescription", "customer", "shipment"}
	return ok && slices.Contains(kinds, kind) && strings.HasSuffix(fmt.Sprint(id), end)
}

func sameText(want string, got any) bool {
	if head, id, ok := strings.Cut(want, " ["); ok && strings.HasSuffix(id, "]") { // with the row's key behind it
		want = head
	}
	if want == "(no batch)" {
		return got == nil
	}
	return fmt.Sprint(got) == want
}

func (n *names) mismatchDetail(event string, d story.Detail, data map[string]any) string {
	key := d.Key
	if k, ok := fieldNames[key]; ok {
		key = k
	}
	if key == "patient" || key == "customer" {
		return "" // the story names the number, the event the id: personal data are another test's
	}
	to := d.To
	if event == "medicine.restored" {
		to, _, _ = strings.Cut(to, " (")
		return n.mismatchValue(key, to, data)
	}
	if !d.HasFrom {
		return n.mismatchValue(key, to, data)
	}
	before, _ := data["before"].(map[string]any)
	after, _ := data["after"].(map[string]any)
	if miss := n.mismatchValue(key, d.From, before); miss != "" {
		return "before: " + miss
	}
	if miss := n.mismatchValue(key, to, after); miss != "" {
		return "after: " + miss
	}
	return ""
}

func (n *names) mismatchValue(key, want string, values map[string]any) string {
	got, known := values[key]
	if !known {
		return key + " is absent"
	}
	text := fmt.Sprint(got)
	switch {
	case key == "lines":
		text = lineText(got)
	case key == "status" && statusNames[want] != "":
		want = statusNames[want]
	case key == "status" && strings.HasPrefix(want, "unknown "):
		text = fmt.Sprintf("%v %q", got, values["native_status"])
	case got == nil:
		text = "null"
	case key == "expires":
		text = n.daysLeft(text)
	}
	if want == "none" {
		want = "null"
	}
	if text == want || sameNumber(text, want) {
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", key, text, want)
}

// gather makes one of what two transactions of a step did to a document, because the story tells them together: lines that
// changed in the first are those of the last, as they were before.
func gather(got []envelope) []envelope {
	for i := 0; i < len(got); i++ {
		before, _ := got[i].Data["before"].(map[string]any)
		j := slices.IndexFunc(got[i+1:], func(e envelope) bool {
			return e.Data["id"] == got[i].Data["id"] && e.transaction() != got[i].transaction()
		})
		if j < 0 || before["lines"] == nil {
			continue
		}
		later := got[i+1+j].Data
		later["before"].(map[string]any)["lines"], later["after"].(map[string]any)["lines"] = before["lines"], later["lines"]
		got = slices.Delete(got, i, i+1)
		i--
	}
	return got
}

// transaction is the part of an event's id that names its transaction.
func (e envelope) transaction() string { return e.ID[:strings.LastIndexByte(e.ID, '.')] }

func sameNumber(a, b string) bool {
	x, err := rxvigil.ParseNumber(a)
	y, err2 := rxvigil.ParseNumber(b)
	return err == nil && err2 == nil && x.Equal(y)
}

// daysLeft is a date as the story counts it; a date that never comes is null there.
func (n *names) daysLeft(date string) string {
	if date == "infinity" {
		return "null"
	}
	d, err := rxvigil.ParseDay(date)
	if err != nil {
		return date
	}
	return fmt.Sprint(rxvigil.DateOf(n.today.Date()).Until(d))
}

// lineText is the lines of a document as the story writes them: in the order of the story's ids.
func lineText(v any) string {
	lines, _ := v.([]any)
	var texts []string
	for _, l := range lines {
		m := l.(map[string]any)
		text := fmt.Sprintf("%v × %v", m["medicine_name"], m["quantity"])
		if d, ok := m["dispensed"]; ok {
			text += fmt.Sprintf(" (dispensed %v)", d)
		}
		if back, ok := m["returned"]; ok && fmt.Sprint(back) != "0" && fmt.Sprint(back) != "0.000" {
			text += fmt.Sprintf(" (returned %s)", strings.TrimSuffix(fmt.Sprint(back), ".000"))
		}
		if lot, ok := m["lot_number"]; ok {
			text += fmt.Sprintf(" (%v)", lot)
		}
		texts = append(texts, text)
	}
	if texts == nil {
		return "null"
	}
	return strings.Join(texts, ", ")
}

// rungs are the story's severities in our words.
var rungs = map[string]map[string]string{
	"low_stock": {"warning": "low", "critical": "out"},
	"expiry":    {"warning": "expires_30", "critical": "expires_7", "expired": "expired"},
}

func (n *names) mismatchAlert(rule, severity string, path []string, details []story.Detail, texts []string, a map[string]any) string {
	if a["rule"] != rule {
		return "another rule"
	}
	if r, ok := rungs[rule]; ok && a["rung"] != r[severity] {
		return fmt.Sprintf("rung %v, not %s", a["rung"], r[severity])
	}
	if !slices.Contains(n.tenants[a["tenant"].(string)], path[0]) {
		return "another tenant"
	}
	rest := path[1:]
	if len(n.branches) > 0 {
		if branch, _ := a["branch"].(string); n.branches[branch] != rest[0] {
			return "another branch"
		}
		rest = rest[1:]
	}
	subject := a["subject"].(map[string]any)
	if rule == "ledger_mismatch" { // a ledger is kept of a medicine, whichever lot it names
		rest = rest[:1]
	}
	if subject["name"] != rest[0] || len(rest) > 1 && !sameText(rest[1], subject["lot"]) {
		return fmt.Sprintf("subject %v", subject)
	}
	values, _ := a["values"].(map[string]any)
	for _, d := range details {
		if miss := mismatchFact(d, values); miss != "" {
			return miss
		}
	}
	for _, text := range texts {
		if rule == "negative_stock" && values["lots"] != text {
			return fmt.Sprintf("lots %v", values["lots"])
		}
	}
	return ""
}

// factNames are the story's keys for the numbers of alerts.
var factNames = map[string]string{"dte": "days"}

func mismatchFact(d story.Detail, values map[string]any) string {
	key := d.Key
	if k, ok := factNames[key]; ok {
		key = k
	}
	got, known := values[key]
	if !known {
		if key == "on_hand" && strings.Contains(fmt.Sprint(values["lots"]), "on_hand "+d.To) {
			return ""
		}
		return key + " is absent"
	}
	to, _, _ := strings.Cut(d.To, " †")
	if to == "null" && got == nil {
		return ""
	}
	if !sameNumber(fmt.Sprint(got), to) {
		return fmt.Sprintf("%s is %v, not %s", key, got, to)
	}
	return ""
}
