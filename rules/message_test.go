package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func TestEveryKindHasASentenceInEachLanguage(t *testing.T) {
	t.Parallel()
	english := speeches()[0]
	for _, s := range speeches() {
		for _, k := range kinds() {
			if len(sentencesOf(s, k.name)) == 0 {
				t.Errorf("rules/messages/%s.yaml has no sentence for %s", s.Language, k.name)
			}
			if !k.lasting && s.Sentences[k.name+".resolved"] == "" {
				t.Errorf("rules/messages/%s.yaml has no sentence %s.resolved", s.Language, k.name)
			}
		}
		for name := range english.Sentences {
			if _, ok := s.Sentences[name]; !ok {
				t.Errorf("rules/messages/%s.yaml lacks %s", s.Language, name)
			}
		}
		for name := range s.Sentences {
			if _, ok := english.Sentences[name]; !ok {
				t.Errorf("rules/messages/%s.yaml has %s, which English lacks", s.Language, name)
			}
		}
	}
}

func sentencesOf(s *speech, kind string) []string {
	var names []string
	for name := range s.Sentences {
		if name == kind || strings.HasPrefix(name, kind+".") {
			names = append(names, name)
		}
	}
	return names
}

// TestNoSentenceNeedsANumberThatNobodyKnows: every sentence can be said of an alert without a single value.
func TestNoSentenceNeedsANumberThatNobodyKnows(t *testing.T) {
	t.Parallel()
	for _, s := range speeches() {
		for name := range s.Sentences {
			if text := s.fill(name, &rxvigil.Alert{Subject: rxvigil.Subject{Name: "M"}}); strings.Contains(text, "template:") || strings.Contains(text, "<no value>") {
				t.Errorf("%s, %s: %s", s.Language, name, text)
			}
		}
	}
}

func TestNumbersDaysAndPluralsAreWrittenAsTheLanguageDoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ locale, number, day, none, one, many string }{
		{"en", "-1,234,567.25", "1 Feb 2026", "0 days", "1 day", "1,200 days"},
		{"fr", "-1\u00a0234\u00a0567,25", "1 févr. 2026", "0 jour", "1 jour", "1\u00a0200 jours"},
		{"am", "-1,234,567.25", "1 ፌብሩ 2026", "0 ቀን", "1 ቀን", "1,200 ቀናት"},
	} {
		s, ok := speechFor(c.locale)
		got := []string{s.num("-1234567.25"), s.date("2026-02-01"), s.count("days", "0"), s.count("days", wholeDays("-1")), s.count("days", wholeDays("1200.9"))}
		if want := []string{c.number, c.day, c.none, c.one, c.many}; !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.locale, got, want)
		}
	}
	if s, _ := speechFor("fr-CM"); s.count("months", "1.5") != "1,5 mois" || s.num("") != "un nombre inconnu" || s.date("infinity") != "un jour inconnu" {
		t.Errorf("French of Cameroon says %s, %s, %s", s.count("months", "1.5"), s.num(""), s.date("infinity"))
	}
}

func TestALocaleFallsBackToTheClosestLanguage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]string{"fr-CM": "fr", "am_ET": "am", "en-ZM": "en", "vi": "", "nonsense!": "", "": ""} {
		s, ok := speechFor(locale)
		if ok != (want != "") || ok && s.Language != want || !ok && s.Language != English {
			t.Errorf("%q: %s, %v", locale, s.Language, ok)
		}
	}
}

func TestATenantHearsItsOwnLanguage(t *testing.T) {
	t.Parallel()
	s := setupAt(t, Config{Pack: DefaultPack(), Locale: "fr", Locales: map[rxvigil.Tenant]string{"addis": "am"}}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	expectMessages(t, s.commit(aMedicine("M", "Doliprane", 40), umiLot("L", "x", "M", "38", "0", "null")),
		"low_stock warning low: Doliprane : stock bas, 38 disponibles, seuil de commande 40")
	out := s.commit(in("addis", aMedicine("N", "Amoxicillin", 40)), in("addis", umiLot("K", "x", "N", "38", "0", "null")))
	expectMessages(t, out, "low_stock warning low: Amoxicillin እያለቀ ነው፦ 38 አለ፣ የማዘዣ መጠን 40")
	if open := s.engine.OpenAlerts("addis"); len(open) != 1 || open[0].Message != out.Transitions[0].Alert.Message {
		t.Errorf("open alerts say %+v", open)
	}
}

func TestAPatientIsNamedByID(t *testing.T) {
	t.Parallel()
	a := rxvigil.Alert{Kind: "overstock", Subject: rxvigil.Subject{Type: "patient", ID: "P-17", Name: "Abebe Bikila"}}
	if text := speeches()[0].sentence(&a, false); strings.Contains(text, "Abebe") || !strings.Contains(text, "P-17") {
		t.Error(text)
	}
}

// TestWhatHasRunOutIsNotSaidToLast: a shelf that was to run out and has done so is no good news, in no language.
func TestWhatHasRunOutIsNotSaidToLast(t *testing.T) {
	t.Parallel()
	for _, s := range speeches() {
		said := func(available int64) string {
			return s.sentence(&rxvigil.Alert{
				Kind: "projected_stockout", Status: rxvigil.Resolved, Subject: rxvigil.Subject{Name: "M"}, Values: rxvigil.FactsOf(named("available", rxvigil.NumberValue(rxvigil.NumberOf(available)))),
			}, false)
		}
		if out := said(0); strings.Contains(out, "0") || out == said(3) || out != said(-1) || !strings.Contains(said(3), "3") {
			t.Errorf("%s: %q, else %q", s.Language, out, said(3))
		}
	}
}
