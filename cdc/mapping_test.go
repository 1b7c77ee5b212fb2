package cdc

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

func TestAPredicateReadsAsItIsWritten(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for text, want := range map[string]Predicate{
		"{column: kind, in: [stock, 7]}":       {Column: "kind", In: []string{"stock", "7"}},
		"{column: kind, not_in: [sample]}":     {Column: "kind", NotIn: []string{"sample"}},
		"{column: deleted, true: true}":        {Column: "deleted", True: &yes},
		"{column: deleted, 'true': false}":     {Column: "deleted", True: &no},
		"column: deleted_at\nnull: false\n":    {Column: "deleted_at", Null: &no},
		"{column: deleted_at, \"null\": true}": {Column: "deleted_at", Null: &yes},
	} {
		var got Predicate
		must(t, yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()))
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", text, diff)
		}
	}
	for text, want := range map[string]string{
		"{column: kind, im: [a]}":     `did you mean "in"?`,
		"{column: kind, in: a}":       `"in" cannot be a`,
		"{column: kind, null: maybe}": `"null" cannot be maybe`,
	} {
		var got Predicate
		if err := yaml.UnmarshalWithOptions([]byte(text), &got, yaml.Strict()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestTheNearestNameIsProposedOnlyWhenItIsNear(t *testing.T) {
	t.Parallel()
	valid := []string{"quantity_on_hand", "expiry_date", "id", "batch_number"}
	for wrong, want := range map[string]string{
		"quantity_onhand": "quantity_on_hand", "Expiry_Date": "expiry_date", "expires_date": "expiry_date", "ID": "id",
		"batch": "", "zebra": "", "": "id", "batch_numbre": "batch_number",
	} {
		if got := Nearest(wrong, valid); got != want {
			t.Errorf("nearest to %q is %q, want %q", wrong, got, want)
		}
	}
	if got := Nearest("x", nil); got != "" {
		t.Errorf("nearest among nothing is %q", got)
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"lot", "lots", 1}, {"ab", "ba", 2}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
