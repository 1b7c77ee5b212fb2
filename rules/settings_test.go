package rules_test

import (
	"testing"

	"github.com/rxvigil/rxvigil/rules"
)

// TestSettingsAreThoseOfThePacksFile: what is shown of a rule are the keys and values by which a file would say it.
func TestSettingsAreThoseOfThePacksFile(t *testing.T) {
	t.Parallel()
	pack, err := rules.ReadPack("a.yaml", []byte(`
rules:
  - id: old
    digest: weekly
    keep_firing_for: 3h
    prescription_pending: {after: 72h, high: 168h, partial: 24h}
  - oversell: {}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := pack.Rules[0].Settings()
	for name, want := range map[string]any{"after": "72h0m0s", "high": "168h0m0s", "partial": "24h0m0s", "keep_firing_for": "3h0m0s", "digest": "weekly"} {
		if got[name] != want {
			t.Errorf("%s is %v (%T), want %v", name, got[name], got[name], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("settings: %v", got)
	}
	if got := pack.Rules[1].Settings(); len(got) != 0 {
		t.Errorf("of a rule that says nothing: %v", got)
	}
	for i, rule := range rules.DefaultPack().Rules { // each can be shown
		if rule.Settings() == nil {
			t.Errorf("rule %d has none", i)
		}
	}
}
