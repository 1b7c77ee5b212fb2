package rxvigil_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

func facts(all ...string) rxvigil.Facts {
	f := rxvigil.Facts{}
	for i := 0; i < len(all); i += 2 {
		f.Set(all[i], rxvigil.TextOf(all[i+1]))
	}
	return f
}

func TestFactsStandInOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	f := facts("min", "1", "available", "2", "on_hand", "3", "min", "4")
	want := rxvigil.FactsOf(rxvigil.Fact{Name: "on_hand", Value: rxvigil.TextOf("3")}, rxvigil.Fact{Name: "min", Value: rxvigil.TextOf("4")},
		rxvigil.Fact{Name: "available", Value: rxvigil.TextOf("2")})
	if string(f.AppendJSON(nil)) != `{"available":"2","min":"4","on_hand":"3"}` || string(want.AppendJSON(nil)) != string(f.AppendJSON(nil)) {
		t.Errorf("they are %s, %s", f.AppendJSON(nil), want.AppendJSON(nil))
	}
	for name, want := range map[string]string{"available": "2", "min": "4", "on_hand": "3"} {
		if got := f.Get(name); got.Text() != want {
			t.Errorf("%s is %q, want %q", name, got.Text(), want)
		}
	}
	if f.Get("other").IsKnown() || rxvigil.Facts(nil).Get("min").IsKnown() {
		t.Error("what nobody said is known")
	}
}

// An alert's inputs may be its values, with more or not.
func TestANewFactIsNotSeenByOthers(t *testing.T) {
	t.Parallel()
	f := facts("b", "1", "d", "2")
	more := f.With("c", rxvigil.TextOf("3"))
	other := f
	f.Set("a", rxvigil.TextOf("4"))
	for _, c := range []struct {
		got  rxvigil.Facts
		want string
	}{{f, `{"a":"4","b":"1","d":"2"}`}, {other, `{"b":"1","d":"2"}`}, {more, `{"b":"1","c":"3","d":"2"}`}, {more.With("c", rxvigil.TextOf("5")), `{"b":"1","c":"5","d":"2"}`}} {
		if got := string(c.got.AppendJSON(nil)); got != c.want {
			t.Errorf("they are %s, want %s", got, c.want)
		}
	}
}

func TestFactsComeBackFromJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`null`: `null`, `{}`: `{}`, ` {"b": 1.50, "a": null, "c": true, "": "x"} `: `{"":"x","a":null,"b":1.50,"c":true}`, `{"a":1,"a":2}`: `{"a":2}`,
	} {
		var f rxvigil.Facts
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, string(f.AppendJSON(nil))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{`[]`, `1`, `{"a":{}}`, `{"a":[1]}`} {
		var f rxvigil.Facts
		if json.Unmarshal([]byte(text), &f) == nil {
			t.Errorf("%s is read as %s", text, f.AppendJSON(nil))
		}
	}
}
