package rules

import "github.com/rxvigil/rxvigil"

func named(name string, v rxvigil.Value) rxvigil.Fact { return rxvigil.Fact{Name: name, Value: v} }

// with is a copy of the values with one more number in it.
func (d description) with(name string, n rxvigil.Number) rxvigil.Facts {
	return d.values.With(name, rxvigil.NumberValue(n))
}
