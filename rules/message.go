package rules

import (
	"cmp"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// say writes the alert's sentence in the language of its tenant: made of the alert's own values, so no patient is ever in it by
// name.
func (e *Engine) say(a *rxvigil.Alert, note string) {
	if r := e.ruleOf(a.Rule); r != nil {
		a.Digest = string(r.Digest)
	}
	if note == noteHidden {
		return // what it said stays true
	}
	s := e.speechOf(a.Tenant)
	if text := s.sentence(a, note == noteGone); text != "" {
		a.Message = text
	}
}

// Say is an open alert's sentence in the language of a locale; in its tenant's own where that one is not spoken.
func (e *Engine) Say(a *rxvigil.Alert, locale string) string {
	s, ok := speechFor(locale)
	if !ok {
		return a.Message
	}
	return cmp.Or(s.sentence(a, false), a.Message)
}

// speechOf is the language of a tenant.
func (e *Engine) speechOf(t rxvigil.Tenant) *speech {
	if own, ok := e.speeches[t]; ok {
		return own
	}
	return e.speech
}

// sentence says an alert; empty when no catalogue knows its kind. What the language lacks is said in English.
func (s *speech) sentence(a *rxvigil.Alert, gone bool) string {
	for _, s := range []*speech{s, speeches()[0]} {
		for _, name := range sentenceNames(a, gone) {
			if _, ok := s.Sentences[name]; ok {
				return s.fill(name, a)
			}
		}
	}
	return ""
}

// sentenceNames are the sentences that could say an alert, the most particular first.
func sentenceNames(a *rxvigil.Alert, gone bool) []string {
	told := []string{a.Kind + "." + a.Rung, a.Kind + "." + a.Values.Get("reason").Text(), a.Kind}
	switch {
	case gone && a.Subject.Lot != "":
		return []string{"gone.lot"}
	case gone:
		return []string{"gone"}
	case a.Status == rxvigil.Resolved: // what happened stays true: its kind has no such sentence
		return append([]string{a.Kind + ".resolved"}, told...)
	}
	return told
}

// fill writes a sentence with an alert's values. A patient is named by id.
func (s *speech) fill(name string, a *rxvigil.Alert) string {
	values := make(map[string]string, len(a.Values)+2)
	for _, f := range a.Values {
		values[f.Name] = f.Value.Text()
	}
	values["subject"] = a.Subject.Name
	values["lot"] = a.Subject.Lot
	if a.Subject.Type == "patient" {
		values["subject"] = a.Subject.ID
	}
	var text strings.Builder
	if err := s.set.ExecuteTemplate(&text, name, values); err != nil {
		return a.Kind + ": " + err.Error() // a sentence that cannot be said must not stop the line
	}
	return text.String()
}
