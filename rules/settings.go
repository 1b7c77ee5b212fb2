package rules

import (
	"fmt"
	"maps"

	"github.com/goccy/go-yaml"
)

// Settings are the rule's parameters and conduct by their names in a pack's file, without those that are empty; spans are text such
// as 72h0m0s.
func (r *Rule) Settings() map[string]any {
	all := map[string]any{}
	for _, part := range []any{r.Params, r.Conduct} {
		var found map[string]any
		text, err := yaml.MarshalWithOptions(part, yaml.OmitZero())
		if err == nil {
			err = yaml.Unmarshal(text, &found)
		}
		if err != nil { // every kind is read from YAML: that one cannot be written is a programmer's mistake
			panic(fmt.Sprintf("rules: settings of %s: %v", r.ID, err))
		}
		maps.Copy(all, found)
	}
	return all
}
