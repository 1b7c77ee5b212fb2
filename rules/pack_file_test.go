package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

func TestThePacksThatComeWithTheProgramCanBeRead(t *testing.T) {
	t.Parallel()
	for _, name := range Packs() {
		if _, err := NamedPack(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NamedPack("nowhere"); err == nil || !strings.Contains(err.Error(), "default") {
		t.Errorf("an unknown pack: %v", err)
	}
}

func TestEveryKindCanBeSaidInAFileAndIsInTheDefaultPack(t *testing.T) {
	t.Parallel()
	usual := DefaultPack()
	prepared, err := usual.prepare()
	if err != nil {
		t.Fatal(err)
	}
	keys := strings.Join(packKeys(), " ")
	for _, k := range kinds() {
		if !strings.Contains(" "+keys+" ", " "+k.name+" ") {
			t.Errorf("rules/pack_file.go has no key for %s", k.name)
		}
		if prepared.index(k.name) < 0 {
			t.Errorf("rules/packs/default.yaml has no rule of kind %s", k.name)
		}
	}
}

func TestAFileIsLaidOverThePackItExtends(t *testing.T) {
	t.Parallel()
	p, err := ReadPack("mine.yaml", []byte(`
extends: default
supply: {lead_days: 14, review_days: 30}
rules:
  - {id: overstock, off: true}
  - {id: expiry, severity: info, keep_firing_for: 2h}
  - id: far
    expiry: {tiers: [{within: 180, rung: expires_180, severity: info}]}
  - low_stock: {recovery: "1.25"}
    for: 10m
    repeat: {after: 4h, most: 3}
limits:
  - {rule: low_stock, category: vaccines, value: 20}
`))
	if err != nil {
		t.Fatal(err)
	}
	usual := DefaultPack()
	if len(p.Rules) != len(usual.Rules)+1 || p.Supply.LeadDays != 14 || len(p.Scans) != 1 || len(p.Limits) != 1 {
		t.Errorf("%d rules, %+v, %d scans, %+v", len(p.Rules), p.Supply, len(p.Scans), p.Limits)
	}
	rule := func(id string) Rule { return p.Rules[p.index(id)] }
	if !rule("overstock").Off || rule("expiry").Severity != rxvigil.Info || rule("expiry").KeepFiringFor != 2*time.Hour || len(p.ExpiryTiers()) != 2 {
		t.Errorf("%+v, %+v", rule("overstock"), rule("expiry"))
	}
	if low := rule("low_stock"); low.For != 10*time.Minute || low.Repeat.Most != 3 || !low.Params.(LowStock).Recovery.Equal(number("1.25")) {
		t.Errorf("%+v", low)
	}
	if far := rule("far"); far.Params.Kind() != "expiry" {
		t.Errorf("%+v", far)
	}
}

func TestAMistakeInAFileIsShownWithItsLineAndACure(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"rules:\n  - low_stok: {}":                               "p.yaml:2: unknown key \"low_stok\": did you mean \"low_stock\"?\n    - low_stok: {}",
		"rules:\n  - low_stock: {recovry: 1.1}":                  `did you mean "recovery"?`,
		"rules:\n  - low_stock: {recovery: much}":                `number "much"`,
		"rules:\n  - low_stock: {recovery: 0.5}":                 "p.yaml:2: pack: rule \"low_stock\": recovery 0.5 is below 1\n    - low_stock",
		"rules:\n  - negative_stock: {}\n  - negative_stock: {}": "p.yaml:3: two rules are called \"negative_stock\": give this one an id",
		"rules:\n  - {id: mine}":                                 "p.yaml:2: a rule needs a kind",
		"rules:\n  - {negative_stock: {}, oversell: {}}":         "a rule is of one kind, and this one is of negative_stock and oversell",
		"rules: [":         "this is no YAML",
		"extends: nowhere": "p.yaml:1: there is no pack \"nowhere\": there are default",
		"extends: default\nlimits:\n  - {rule: overstok, value: 3}":                  "p.yaml:3: pack: a limit names the rule \"overstok\"",
		"extends: default\nlimits:\n  - {rule: low_stock, value: -3}":                "p.yaml:3: pack: a limit of rule \"low_stock\" is no number from 0",
		"extends: default\nscans:\n  - {name: nightly, cron: \"0 0 30 2 *\"}":        "p.yaml:3: pack: scan \"nightly\": schedule \"0 0 30 2 *\": no such date exists",
		"extends: default\nsupply: {lead_days: -1}":                                  "p.yaml:2: pack: supply: a number of days is below zero",
		"extends: default\nrules:\n  - {id: low_stock, for: soon}":                   `invalid duration "soon"`,
		"extends: default\nrules:\n  - {id: low_stock, severity: terrible}":          `severity "terrible" is not`,
		"rules:\n  - {id: oops, negative_stock: {}, digest: hourly, severity: info}": `digest "hourly" is not daily or weekly`,
		"rules:\n  - {id: oops, negative_stock: {}, digest: hourly}":                 `digest "hourly" is not daily or weekly`,
	} {
		if _, err := ReadPack("p.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v\nwant %s", text, err, want)
		}
	}
}

func TestParityTellsWhatPortalBTells(t *testing.T) {
	t.Parallel()
	pack, err := NamedPack("parity")
	if err != nil {
		t.Fatal(err)
	}
	s := setupAt(t, Config{Pack: pack}, time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC))
	s.expect("at the minimum, and thirty days away", s.commit(aMedicine("M", "M", 40), umiLot("L", "x", "M", "40", "0", s.in("30"))),
		"RAISED expiry warning expires_30 x / M / L days 30 quantity 40", "RAISED low_stock warning low x / M available 40 min 40")
	s.expect("one above it", s.commit(umiLot("L", "x", "M", "41", "0", s.in("31"))),
		"RESOLVED expiry warning expires_30 x / M / L days 31 quantity 41", "RESOLVED low_stock warning low x / M available 41 min 40")
	s.expect("at zero", s.commit(umiLot("L", "x", "M", "0", "0", s.in("7"))), "RAISED low_stock critical out x / M available 0 min 40")
	s.expect("seven days away", s.commit(umiLot("L", "x", "M", "50", "0", s.in("7"))),
		"RAISED expiry critical expires_7 x / M / L days 7 quantity 50", "RESOLVED low_stock critical out x / M available 50 min 40")
}
