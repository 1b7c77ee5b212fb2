package main

import (
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil/internal/story"
	"github.com/rxvigil/rxvigil/rules"
)

// Findings are the lines of a story that name a rule beyond stock and expiry, and say of what in prose.

// due tells whether a finding is to be seen at once: its rule is in the default pack, and it waits for no settle time, which a story
// told in seconds never reaches.
func due(l story.Line) bool {
	pack := rules.DefaultPack()
	asked := slices.ContainsFunc(pack.Rules, func(r rules.Rule) bool { return r.Params.Kind() == l.Name })
	return l.Kind == story.Finding && asked && !settles(l)
}

func settles(l story.Line) bool {
	return strings.Contains(l.Raw, "settle time") || l.Name == "rx_missing" || l.Name == "dispensing_mismatch" || l.Name == "sale_stock_mismatch"
}

// mismatchFinding says why an alert is not what a finding tells, or "". The finding names the alert's subject somewhere.
func mismatchFinding(l story.Line, a map[string]any) string {
	switch {
	case a["rule"] != l.Name:
		return "another rule"
	case l.Severity != "" && a["severity"] != l.Severity:
		return "another severity"
	}
	subject := a["subject"].(map[string]any)
	id, _ := subject["id"].(string)
	byID := slices.ContainsFunc(strings.Fields(l.Raw), func(word string) bool { return len(word) >= 4 && strings.HasSuffix(id, word) })
	if name, _ := subject["name"].(string); name == "" || !strings.Contains(l.Raw, name) && !byID {
		return "another subject"
	}
	return ""
}

// foretold tells whether any of the findings is of the alert.
func foretold(findings []story.Line, a map[string]any) bool {
	return slices.ContainsFunc(findings, func(l story.Line) bool { return l.Kind == story.Finding && mismatchFinding(l, a) == "" })
}

// missing are the findings that are due and have no alert.
func missing(findings []story.Line, open []map[string]any) (none []string) {
	for _, l := range findings {
		if due(l) && !slices.ContainsFunc(open, func(a map[string]any) bool { return mismatchFinding(l, a) == "" }) {
			none = append(none, l.Raw)
		}
	}
	return none
}
