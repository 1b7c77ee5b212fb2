package rules

import (
	"maps"

	"github.com/rxvigil/rxvigil"
)

// with is a copy of the values with one more number in it.
func (d description) with(name string, n rxvigil.Number) rxvigil.Facts {
	f := maps.Clone(d.values)
	f[name] = rxvigil.NumberValue(n)
	return f
}
