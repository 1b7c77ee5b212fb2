package rxvigil_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil"
)

// numbers are texts and whether they fit into 19 digits.
var numbers = map[string]bool{
	"0": true, "-0": true, "7": true, "-7.50": true, "+5": true, ".5": true, "5.": true, "0.30": true, "00012": true,
	"9223372036854775807": true, "9223372036854775808": true, "-9223372036854775808": true, "9999999999999999999": true, "-0.9999999999999999999": true, "12345678901234567890": false, "12345678901234567890.5": false, "1234567890123456789.50": false, "0.12345678901234567890": true,
	"1e5": true, "1E+2": true, "1e-5": true, "1e-05": true, "1e-19": true, "1e-20": false, "-1e-25": false, "5e-324": false, "1.5e-19": false, "15e-19": true,
	"1e18": true, "1e19": false, "1e308": false, "0e0": true, "0e-99": true, "0.000e5": true, "100e-2": true, "1000000e-25": true, "1.234567890123456e+15": true, "1.234567890123456e+18": true,
	"1234567890123456789e-19": true, "12345678901234567891e-3": false, "1e99999999999999999999": false, "": false, "e5": false, "1e": false, "NaN": false, "Infinity": false, "0x10": false, "1_000": false, "1,5": false, " 1": false,
}

func TestANumberIsExactOrAnError(t *testing.T) {
	t.Parallel()
	for text, fits := range numbers {
		if _, err := rxvigil.ParseNumber(text); (err == nil) != fits {
			t.Errorf("%q: %v", text, err)
		}
		exactOrError(t, text)
	}
}

// exactOrError fails where a text is read as another number than it says.
func exactOrError(t *testing.T, text string) {
	t.Helper()
	n, err := rxvigil.ParseNumber(text)
	_, power, _ := strings.Cut(strings.ToLower(text), "e")
	if err != nil || len(power) > 5 { // a power of that size takes the library of rationals for ever
		return
	}
	want, ok := new(big.Rat).SetString(text)
	got, ok2 := new(big.Rat).SetString(n.String())
	if !ok || !ok2 || got.Cmp(want) != 0 {
		t.Errorf("%q reads as %s", text, n)
	}
}

func FuzzParseNumber(f *testing.F) {
	for text := range numbers {
		f.Add(text)
	}
	f.Fuzz(exactOrError)
}

func TestQuotientsAreRoundedAndWholePartsAreNot(t *testing.T) {
	t.Parallel()
	parse := func(s string) rxvigil.Number {
		n, err := rxvigil.ParseNumber(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if q := parse("2").Quo(parse("3")); q.String() != "0.6666666666666666667" || q.Round(2).String() != "0.67" || q.Int64() != 0 {
		t.Errorf("2 ÷ 3 is %s, %s, %d", q, q.Round(2), q.Int64())
	}
	if q := parse("1").Quo(rxvigil.Number{}); q.Known() {
		t.Errorf("1 ÷ 0 is %s", q)
	}
	if n := parse("-1.5"); n.Floor().String() != "-2" || n.Ceil().String() != "-1" || n.Int64() != -1 || n.Sqrt().Known() {
		t.Errorf("of -1.5: %s, %s, %d, %s", n.Floor(), n.Ceil(), n.Int64(), n.Sqrt())
	}
}

// sums are pairs at the edges of what is counted as integers.
var sums = [][2]string{
	{"0", "-0"},
	{"1", "-1"},
	{"1.50", "-1.50"},
	{"0.1", "0.20"},
	{"4611686018427387903", "4611686018427387903"},
	{"4611686018427387904", "-4611686018427387905"},
	{"-4611686018427387903", "-4611686018427387903"},
	{"9999999999999999999", "-9999999999999999999"},
	{"9999999999999999999", "1"},
	{"9.223372036854775808", "-0.000000000000000001"},
}

// sumsAreExact fails where a sum, a difference or a comparison is not that of rational numbers; one that does not fit is unknown, or,
// where only digits behind the point do not, rounded by the library.
func sumsAreExact(t *testing.T, a, b string) {
	t.Helper()
	n, err := rxvigil.ParseNumber(a)
	m, err2 := rxvigil.ParseNumber(b)
	if err != nil || err2 != nil {
		return
	}
	x, _ := new(big.Rat).SetString(n.String())
	y, _ := new(big.Rat).SetString(m.String())
	if got, want := n.Cmp(m), x.Cmp(y); got != want || n.Equal(m) != (want == 0) || n.Sign() != x.Sign() {
		t.Errorf("%s against %s is %d, want %d; sign %d, want %d", a, b, got, want, n.Sign(), x.Sign())
	}
	_, fraction, _ := strings.Cut(n.String(), ".")
	_, fraction2, _ := strings.Cut(m.String(), ".")
	scale := max(len(fraction), len(fraction2))
	for _, c := range []struct {
		got  rxvigil.Number
		want *big.Rat
	}{{n.Add(m), new(big.Rat).Add(x, y)}, {n.Sub(m), new(big.Rat).Sub(x, y)}} {
		digits := new(big.Int).Quo(new(big.Int).Mul(c.want.Num(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)), c.want.Denom())
		if len(digits.Abs(digits).String()) > 19 {
			continue
		}
		if got, ok := new(big.Rat).SetString(c.got.String()); !ok || got.Cmp(c.want) != 0 {
			t.Errorf("%s and %s give %s, want %s", a, b, c.got, c.want.FloatString(scale))
		}
		if _, f, _ := strings.Cut(c.got.String(), "."); len(f) != scale {
			t.Errorf("%s and %s give %s, want %d digits behind the point", a, b, c.got, scale)
		}
	}
}

func TestSumsAndComparisonsAreExact(t *testing.T) {
	t.Parallel()
	for _, s := range sums {
		sumsAreExact(t, s[0], s[1])
		sumsAreExact(t, s[1], s[0])
	}
}

func FuzzSum(f *testing.F) {
	for _, s := range sums {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) { sumsAreExact(t, a, b) })
}
