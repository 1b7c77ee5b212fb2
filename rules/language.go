package rules

import (
	"strconv"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/message"
	cldr "golang.org/x/text/number"

	"github.com/rxvigil/rxvigil"
)

// readSymbols learns how CLDR separates digits from a number that has every separator.
func (s *speech) readSymbols() {
	sample := message.NewPrinter(s.tag).Sprint(cldr.Decimal(1234.5))
	s.group = strings.TrimSuffix(strings.TrimPrefix(sample[:strings.Index(sample, "234")], "1"), "234")
	s.decimal = strings.TrimSuffix(sample[strings.Index(sample, "234")+3:], "5")
}

// num writes a number with the language's separators.
func (s *speech) num(value string) string {
	n, err := rxvigil.ParseNumber(value)
	if err != nil {
		return s.Unknown.Number
	}
	text, sign := n.String(), ""
	if n.Sign() < 0 {
		text, sign = text[1:], "-"
	}
	whole, fraction, broken := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + s.group + whole[i:]
	}
	if broken {
		whole += s.decimal + fraction
	}
	return sign + whole
}

// date writes a day as the language does.
func (s *speech) date(value string) string {
	day, err := rxvigil.ParseDay(value)
	if err != nil || !day.Finite() {
		return s.Unknown.Day
	}
	y, m, d := day.Date()
	return strings.NewReplacer("{day}", strconv.Itoa(d), "{month}", s.Months[m-1], "{year}", strconv.Itoa(y)).Replace(s.Date)
}

func (s *speech) size(bytes string) string {
	n, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return s.Unknown.Number
	}
	return strings.Replace(Size(n), ".", s.decimal, 1)
}

func (s *speech) orUnknown(value string) string {
	if value == "" {
		return s.Unknown.Text
	}
	return value
}

// count says how many of something, in the plural form that the language has for that number.
func (s *speech) count(of, value string) string {
	form := s.Counts[of]["other"]
	if text, ok := s.Counts[of][s.form(value)]; ok {
		form = text
	}
	return strings.ReplaceAll(form, "{n}", s.num(value))
}

// form is CLDR's plural form of a number, from its digits before and behind the point.
func (s *speech) form(value string) string {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(value, "-"), ".")
	short := strings.TrimRight(fraction, "0")
	digits := func(text string) int {
		n, _ := strconv.Atoi(text[max(0, len(text)-7):]) // no language looks at more; none is 0
		return n
	}
	names := [...]string{"other", "zero", "one", "two", "few", "many"}
	return names[plural.Cardinal.MatchPlural(s.tag, digits(whole), len(fraction), len(short), digits(fraction), digits(short))]
}

// wholeDays is a number of days without its sign and fraction: "2 days" also says how long ago something was.
func wholeDays(value string) string {
	whole, _, _ := strings.Cut(strings.TrimPrefix(value, "-"), ".")
	return whole
}

func above(value string) bool { return signOf(value) > 0 }

func below(value string) bool { return signOf(value) < 0 }

// signOf is the sign of a number; 1 when it is not known.
func signOf(value string) int {
	n, err := rxvigil.ParseNumber(value)
	if err != nil {
		return 1
	}
	return n.Sign()
}
