package story

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	eventForm      = regexp.MustCompile("^event `([a-z_.]+)` (.+)$")
	transitionForm = regexp.MustCompile("^(RAISED|CHANGED|RESOLVED|HELD) `([a-z_]+)` (?:(\\w+) → )?(\\w+) · (.+)$")
	findingForm    = regexp.MustCompile("^(?:after [^`]+: )?`([a-z_]+)`(?: (info|warning|high|critical))?(?: visible to operators:)?(?: ·)? (.+)$")
	proseForm      = regexp.MustCompile(`^(NOT|note|alert|event): (.+)$`)
)

// parseLine reads one bullet.
func parseLine(bullet string) (Line, error) {
	raw, ok := strings.CutPrefix(bullet, "- ")
	if !ok {
		return Line{}, fmt.Errorf("%q is not a bullet", bullet)
	}
	text, ext := strings.CutPrefix(raw, "(ext) ")
	l := Line{Ext: ext, Raw: raw}
	if m := eventForm.FindStringSubmatch(text); m != nil {
		l.Kind, l.Name = Event, m[1]
		l.subject(m[2])
		return l, nil
	}
	if m := transitionForm.FindStringSubmatch(text); m != nil {
		l.Kind, l.Name, l.SeverityFrom, l.Severity = Kind(m[1]), m[2], m[3], m[4]
		l.subject(strings.TrimSuffix(m[5], " (no new alert)"))
		return l, l.check()
	}
	if m := findingForm.FindStringSubmatch(text); ext && m != nil {
		l.Kind, l.Name, l.Severity = Finding, m[1], m[2]
		l.subject(m[3])
		return l, nil
	}
	if m := proseForm.FindStringSubmatch(text); m != nil {
		return l.prose(m[1], m[2])
	}
	return Line{}, fmt.Errorf("%q has no form that is known", bullet)
}

// subject reads "subject · details · more".
func (l *Line) subject(text string) {
	parts := strings.Split(text, " · ")
	l.Subject = parts[0]
	for _, part := range parts[1:] {
		details, prose := parseDetails(part)
		l.Details, l.Text = append(l.Details, details...), append(l.Text, prose...)
	}
}

func (l *Line) check() error {
	if (l.Kind == Changed) != (l.SeverityFrom != "") {
		return fmt.Errorf("%q: a change, and nothing else, has a severity on both sides of an arrow", l.Raw)
	}
	return nil
}

func (l Line) prose(word, text string) (Line, error) {
	l.Text = []string{text}
	switch {
	case word == "NOT":
		l.Kind = Not
	case word == "note":
		l.Kind = Note
	case word == "alert" && text == "none":
		l.Kind, l.Text = NoAlert, nil
	case word == "event" && text == "none":
		l.Kind, l.Text = NoEvent, nil
	default:
		return Line{}, fmt.Errorf("%q: %s is followed by none or by nothing", l.Raw, word)
	}
	return l, nil
}

// detailKey begins a detail; other words are prose. Values hold commas (the lines of a sale), so a comma ends a value only
// when a key follows.
var detailKey = regexp.MustCompile(`(?:^|, )(name|category|price|min|batch|dte|qty|active|quantity|on_hand|reserved|available|id|status|patient|customer|total|lines|ledger|drift|class|code|pack_size|on_hold) `)

// parseDetails cuts one part of a line into details; a part that begins with no key is prose as a whole.
func parseDetails(part string) ([]Detail, []string) {
	keys := detailKey.FindAllStringSubmatchIndex(part, -1)
	if len(keys) == 0 || keys[0][0] != 0 {
		return nil, []string{part}
	}
	details := make([]Detail, len(keys))
	for i, k := range keys {
		end := len(part)
		if i+1 < len(keys) {
			end = keys[i+1][0]
		}
		d := Detail{Key: part[k[2]:k[3]], To: part[k[1]:end]}
		if from, to, ok := strings.Cut(d.To, " → "); ok {
			d.From, d.To, d.HasFrom = from, to, true
		}
		details[i] = d
	}
	return details, nil
}
