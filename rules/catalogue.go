package rules

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"
	"text/template"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/language"
)

// English is the language of whoever asks for none, and of sentences that another one lacks.
const English = "en"

// speech is one language: its sentences, and how it writes numbers and days. It never changes, and any goroutine may use it.
type speech struct {
	tag            language.Tag
	group, decimal string
	catalogue
	set *template.Template
}

// catalogue is a file of rules/messages.
type catalogue struct {
	Language  string
	Unknown   struct{ Number, Day, Text string }
	Date      string
	Months    []string
	Counts    map[string]map[string]string
	Sentences map[string]string
}

//go:embed messages/*.yaml
var catalogues embed.FS

// speeches are all languages, English first. A catalogue that cannot be read is a programmer's mistake, found by any test.
var speeches = sync.OnceValue(func() []*speech { //nolint:gochecknoglobals // made once, never written
	all := []*speech{nil}
	files, _ := fs.Glob(catalogues, "messages/*.yaml") // the pattern is a good one
	for _, name := range files {
		s, err := readSpeech(name)
		switch {
		case err != nil:
			panic(fmt.Sprintf("rules: %s: %v", name, err))
		case s.Language == English:
			all[0] = s
		default:
			all = append(all, s)
		}
	}
	return all
})

func readSpeech(file string) (*speech, error) {
	text, err := catalogues.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := &speech{set: template.New("").Option("missingkey=zero")}
	if err := yaml.UnmarshalWithOptions(text, &s.catalogue, yaml.Strict()); err != nil {
		return nil, err
	}
	if s.tag, err = language.Parse(s.Language); err != nil || len(s.Months) != 12 {
		return nil, fmt.Errorf("a language and twelve months are wanted: %w", err)
	}
	s.readSymbols()
	s.set.Funcs(template.FuncMap{
		"num": s.num, "date": s.date, "size": s.size, "text": s.orUnknown, "above": above, "below": below,
		"days":   func(v string) string { return s.count("days", wholeDays(v)) },
		"months": func(v string) string { return s.count("months", v) },
	})
	for name, sentence := range s.Sentences {
		if _, err := s.set.New(name).Parse(sentence); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Languages lists the languages that alerts can speak.
func Languages() []string {
	var all []string
	for _, s := range speeches() {
		all = append(all, s.Language)
	}
	return all
}

// speechFor is the closest language to a locale such as fr-CM; false and English when there is none.
func speechFor(locale string) (*speech, bool) {
	all := speeches()
	wanted, err := language.Parse(locale)
	if err != nil {
		return all[0], false
	}
	var tags []language.Tag
	for _, s := range all {
		tags = append(tags, s.tag)
	}
	_, i, confidence := language.NewMatcher(tags).Match(wanted)
	return all[i], confidence > language.Low
}

// Speaks tells whether alerts can speak the language of a locale.
func Speaks(locale string) bool {
	_, ok := speechFor(locale)
	return ok
}
