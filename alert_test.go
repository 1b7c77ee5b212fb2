package rxvigil_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
)

// FuzzAlertJSON: an alert is written as encoding/json writes it.
func FuzzAlertJSON(f *testing.F) {
	f.Add(uint64(1), "", "")
	f.Add(uint64(2), "Amoxicillin <500 mg> & \"more\"", "b1")
	f.Add(uint64(3), "\u2028\n\x00\xff", "ሰላም")
	f.Add(uint64(4), "x", "y")
	f.Fuzz(func(t *testing.T, seed uint64, one, other string) {
		draw := rand.New(rand.NewPCG(seed, 1))
		var a rxvigil.Alert
		fill(draw, reflect.ValueOf(&a).Elem(), []string{"", one, other})
		want, err := json.Marshal(&a)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(anything(t, want), anything(t, a.AppendJSON(nil))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var back rxvigil.Alert
		if err := json.Unmarshal(a.AppendJSON([]byte(" ")), &back); err != nil {
			t.Errorf("it does not come back: %v", err)
		}
	})
}

func anything(t *testing.T, text []byte) (all any) {
	t.Helper()
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return all
}

// fill puts something into every field that there is, or leaves it.
func fill(draw *rand.Rand, v reflect.Value, words []string) {
	if draw.IntN(3) == 0 && v.Kind() != reflect.Struct {
		return
	}
	word := func() string { return words[draw.IntN(len(words))] }
	switch x := v.Addr().Interface().(type) {
	case *time.Time:
		*x = time.UnixMicro(draw.Int64N(4e15)).In(time.FixedZone("", draw.IntN(24)*3600))
		return
	case *rxvigil.Facts:
		*x = rxvigil.Facts{}
		for range draw.IntN(4) {
			var fact rxvigil.Value
			fill(draw, reflect.ValueOf(&fact).Elem(), words)
			x.Set(word(), fact)
		}
		return
	case *rxvigil.Value:
		*x = []rxvigil.Value{
			rxvigil.TextOf(word()), rxvigil.ValueOf(rxvigil.TypeNumber, "12.50"), rxvigil.Null(rxvigil.TypeDay),
			{},
			rxvigil.ValueOf(rxvigil.TypeTruth, "true"),
			rxvigil.ValueOf(rxvigil.TypeNumber, "NaN"),
		}[draw.IntN(6)]
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(draw, field, words)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(draw, v.Elem(), words)
	case reflect.String:
		v.SetString(word())
	case reflect.Int:
		v.SetInt(draw.Int64N(10) - 1)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a field of an alert is a " + v.Kind().String())
	}
}
