package propose

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// wordsOf splits a name into lower-case words in the singular: "SaleItems", "sale_items" and "sale-item" are the same.
func wordsOf(name string) []string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, singular(word.String()))
			word.Reset()
		}
	}
	runes := []rune(plain(name))
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1]) && runes[i+1] != 's'):
			flush()
		}
		word.WriteRune(unicode.ToLower(r))
	}
	flush()
	return words
}

// plain takes the accents off letters.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		case r == 'Đ':
			return 'D'
		}
		return r
	}, norm.NFD.String(name))
}

func singular(w string) string {
	switch {
	case len(w) > 4 && strings.HasSuffix(w, "ies"):
		return w[:len(w)-3] + "y"
	case len(w) > 4 && (strings.HasSuffix(w, "ches") || strings.HasSuffix(w, "shes") || strings.HasSuffix(w, "sses") || strings.HasSuffix(w, "xes")):
		return w[:len(w)-2]
	case len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && !strings.HasSuffix(w, "us") && !strings.HasSuffix(w, "is"):
		return w[:len(w)-1]
	}
	return w
}

// phrase is a term of a vocabulary: words that a name may consist of, and how much such a name says, 0 to 1.
type phrase struct {
	words  []string
	weight float64
}

// terms reads a vocabulary: terms parted by commas, each with its weight behind a colon where that is not 1.
func terms(text string) []phrase {
	var out []phrase
	for term := range strings.SplitSeq(text, ",") {
		name, weight, found := strings.Cut(strings.TrimSpace(term), ":")
		p := phrase{words: wordsOf(name), weight: 1}
		if found {
			p.weight = float64(weight[0]-'0') / 10
		}
		out = append(out, p)
	}
	return out
}

// fit tells how well a name's words fit a vocabulary, 0 to 1. The same words are best, in another order nearly so; words in
// front of the term cost, and words behind it are what the name is about: it does not fit then.
func fit(words []string, vocabulary []phrase) float64 { return fitting(words, vocabulary, 0.8) }

// fitColumn is fit for columns, where a word in front says more: a returned quantity is not the quantity.
func fitColumn(words []string, vocabulary []phrase) float64 { return fitting(words, vocabulary, 0.7) }

func fitting(words []string, vocabulary []phrase, behind float64) float64 {
	best := 0.0
	for _, p := range vocabulary {
		score := 0.0
		switch {
		case slices.Equal(words, p.words), strings.Join(words, "") == strings.Join(p.words, ""):
			score = 1
		case len(words) > len(p.words) && slices.Equal(words[len(words)-len(p.words):], p.words):
			score = behind
		case sameWords(words, p.words):
			score = 0.9
		}
		best = max(best, score*p.weight)
	}
	return best
}

func sameWords(a, b []string) bool {
	if len(a) != len(b) || len(a) < 2 {
		return false
	}
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// without removes a table's own words from the front of a column's: "sale_number" of "sales" is "number".
func without(words, prefix []string) []string {
	if len(prefix) > 0 && len(words) > len(prefix) && slices.Equal(words[:len(prefix)], prefix) {
		return words[len(prefix):]
	}
	return words
}

func holds(words []string, any ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(any, w) })
}
