package rxvigil

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/govalues/decimal"
)

// Number is an exact decimal of at most 19 digits: a quantity in base units, or money. Its zero value is 0. A sum that
// does not fit becomes unknown and stays so; it is never rounded and never wraps.
type Number struct {
	// What a decimal.Decimal holds, and one thing more in no more room: there are millions of them.
	coefficient     uint64 // below 10^19
	scale           int8   // digits behind the point
	below0, unknown bool
}

// numberFrom is what an operation gave; unknown where it failed.
func numberFrom(d decimal.Decimal, err error) Number {
	if err != nil {
		return UnknownNumber
	}
	return Number{coefficient: d.Coef(), scale: int8(d.Scale()), below0: d.IsNeg()}
}

// decimal is n as the library counts with it; 0 for an unknown number.
func (n Number) decimal() decimal.Decimal {
	if n.coefficient > math.MaxInt64 {
		return n.large()
	}
	d, _ := decimal.New(n.whole(), int(n.scale)) // it came from one
	return d
}

// large is decimal for a coefficient that no int64 holds.
func (n Number) large() decimal.Decimal {
	most, _ := decimal.New(math.MaxInt64, int(n.scale))
	rest, _ := decimal.New(int64(n.coefficient-math.MaxInt64), int(n.scale))
	d, _ := most.Add(rest) // no more digits than it had
	if n.below0 {
		return d.Neg()
	}
	return d
}

// UnknownNumber is the number nobody knows.
var UnknownNumber = Number{unknown: true} //nolint:gochecknoglobals // a constant; Go has none for structs

// NumberOf is a whole number.
func NumberOf(n int64) Number {
	return numberFrom(decimal.New(n, 0))
}

// ParseNumber reads plain or exponent notation; NaN, infinities and what needs more than 19 digits are errors.
func ParseNumber(s string) (Number, error) {
	d, err := decimal.Parse(s)
	if err != nil {
		return UnknownNumber, fmt.Errorf("number %.40q: %w", s, err)
	}
	if !exact(s, d) {
		return UnknownNumber, fmt.Errorf("number %.40q has more than 19 digits", s)
	}
	return numberFrom(d, nil), nil
}

// exact tells whether parsing dropped digits: the library rounds what lies beyond its precision.
func exact(s string, d decimal.Decimal) bool {
	if i := max(strings.IndexByte(s, 'e'), strings.IndexByte(s, 'E')); i >= 0 {
		return exactPower(s[:i], s[i+1:])
	}
	if len(s) <= decimal.MaxPrec {
		return true
	}
	return d.String() == s || d.Trim(0).String() == trimZeros(s)
}

// exactPower tells whether digits times a power of ten fit: however few characters it takes, 1e-20 is below what we count with.
func exactPower(digits, power string) bool {
	n, err := strconv.Atoi(power)
	whole, fraction, _ := strings.Cut(strings.TrimLeft(digits, "+-"), ".")
	significant := strings.TrimRight(whole+fraction, "0")
	scale := len(fraction) - (len(whole+fraction) - len(significant)) // digits behind the point
	significant = strings.TrimLeft(significant, "0")
	return significant == "" || err == nil && len(significant) <= decimal.MaxPrec && scale-n <= decimal.MaxScale
}

func trimZeros(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			end := len(s)
			for s[end-1] == '0' {
				end--
			}
			if s[end-1] == '.' {
				end--
			}
			return s[:end]
		}
	}
	return s
}

// alike tells whether both are known, of one scale, and so far from their limits that their sum is too: nearly all are, and are
// counted as integers then.
func (n Number) alike(m Number) bool {
	return n.scale == m.scale && !n.unknown && !m.unknown && (n.coefficient|m.coefficient)>>62 == 0
}

// whole is the coefficient with its sign; wholeOf is the number of one.
func (n Number) whole() int64 {
	if n.below0 {
		return -int64(n.coefficient)
	}
	return int64(n.coefficient)
}

func wholeOf(coefficient int64, scale int8) Number {
	if coefficient < 0 {
		return Number{coefficient: uint64(-coefficient), scale: scale, below0: true}
	}
	return Number{coefficient: uint64(coefficient), scale: scale}
}

// Known tells whether n is a number at all. Cmp and Sign of an unknown number mean nothing: ask first.
func (n Number) Known() bool { return !n.unknown }

// Add is n + m; unknown when either is, or when the sum does not fit.
func (n Number) Add(m Number) Number {
	if n.alike(m) {
		return wholeOf(n.whole()+m.whole(), n.scale)
	}
	return n.apply(m, decimal.Decimal.AddExact)
}

// Sub is n − m; unknown when either is, or when the difference does not fit.
func (n Number) Sub(m Number) Number {
	if n.alike(m) {
		return wholeOf(n.whole()-m.whole(), n.scale)
	}
	return n.apply(m, decimal.Decimal.SubExact)
}

// Mul is n × m; unknown when either is, or when the product does not fit.
func (n Number) Mul(m Number) Number { return n.apply(m, decimal.Decimal.MulExact) }

// Quo is n ÷ m, rounded to 19 digits; unknown when either is, or when m is 0.
func (n Number) Quo(m Number) Number {
	if n.unknown || m.unknown {
		return UnknownNumber
	}
	return numberFrom(n.decimal().Quo(m.decimal()))
}

// Sqrt is the square root of n, rounded to 19 digits; unknown when n is, or is below 0.
func (n Number) Sqrt() Number {
	if n.unknown {
		return UnknownNumber
	}
	return numberFrom(n.decimal().Sqrt())
}

// Round is n with at most so many digits behind the point, half to even, and no zeros at the end: for people to read.
func (n Number) Round(digits int) Number {
	return n.changed(n.decimal().Round(digits).Trim(0))
}

// Floor is n rounded down to a whole number.
func (n Number) Floor() Number { return n.changed(n.decimal().Floor(0)) }

// Ceil is the smallest whole number that is not below n.
func (n Number) Ceil() Number { return n.changed(n.decimal().Ceil(0)) }

// changed is what became of n; unknown stays unknown.
func (n Number) changed(d decimal.Decimal) Number {
	if n.unknown {
		return n
	}
	return numberFrom(d, nil)
}

func (n Number) apply(m Number, op func(a, b decimal.Decimal, scale int) (decimal.Decimal, error)) Number {
	if n.unknown || m.unknown {
		return UnknownNumber
	}
	return numberFrom(op(n.decimal(), m.decimal(), 0))
}

// Neg is −n.
func (n Number) Neg() Number { return n.changed(n.decimal().Neg()) }

// Trim is n without zeros at the end of its fraction, so that a sum reads the same whatever it was summed from.
func (n Number) Trim() Number { return n.changed(n.decimal().Trim(0)) }

// Cmp is -1, 0 or 1 as n is below, equal to or above m.
func (n Number) Cmp(m Number) int {
	if n.alike(m) {
		return cmp.Compare(n.whole(), m.whole())
	}
	return n.decimal().Cmp(m.decimal())
}

// Equal tells whether both are known and the same number, or both unknown.
func (n Number) Equal(m Number) bool {
	return n.unknown == m.unknown && (n.unknown || n == m || n.Cmp(m) == 0)
}

// Sign is -1, 0 or 1.
func (n Number) Sign() int {
	switch {
	case n.coefficient == 0:
		return 0
	case n.below0:
		return -1
	}
	return 1
}

// Int64 is n rounded toward zero, for durations and counts.
func (n Number) Int64() int64 {
	whole, _, _ := n.decimal().Trunc(0).Int64(0)
	return whole
}

// Float64 is n as near as a float can be, to be compared and never told.
func (n Number) Float64() float64 {
	f, _ := n.decimal().Float64()
	return f
}

// String is plain decimal notation, or "unknown".
func (n Number) String() string {
	if n.unknown {
		return "unknown"
	}
	return n.decimal().String()
}

// MarshalJSON gives a JSON number in plain notation; an unknown number is null.
func (n Number) MarshalJSON() ([]byte, error) { return n.appendJSON(nil), nil }

// UnmarshalYAML reads a number as a person writes it into a file; it may stand in quotes.
func (n *Number) UnmarshalYAML(text []byte) (err error) {
	*n, err = ParseNumber(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	return err
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *Number) UnmarshalJSON(b []byte) (err error) {
	*n = UnknownNumber
	if string(b) != "null" {
		*n, err = ParseNumber(string(b))
	}
	return err
}

func (n Number) appendJSON(b []byte) []byte {
	if n.unknown {
		return append(b, "null"...)
	}
	b, _ = n.decimal().AppendText(b) // it never fails
	return b
}
