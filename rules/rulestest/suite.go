package rulestest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Claim claims one database for an engine: only the store claimed last may write.
type Claim func() rules.Store

// Suite is what every store promises. Open makes a fresh, empty database.
func Suite(t *testing.T, open func(t *testing.T) Claim) {
	for name, test := range map[string]func(*testing.T, Claim){
		"AnEmptyStoreKnowsNothing":                    empty,
		"OpenAlertsComeBackAsTheyWere":                comeBack,
		"SavingAgainIsHarmless":                       again,
		"AnOlderEngineIsFenced":                       fenced,
		"TransitionsComeBackUnderTheSameNames":        since,
		"AnAlertHasItsHistoryAndIsOneTenantsAlone":    history,
		"ResolvedAlertsArePagedNewestFirst":           paged,
		"TheNewestOccurrenceOfEachScanComesBack":      occurrences,
		"OverridesHoldUntilTheyAreWithdrawn":          overrides,
		"EpisodesOfEndedAlertsAreRemembered":          episodes,
		"APositionMovesThoughNothingElseWasToldOfIt":  position,
		"ConsecutiveTransactionsAreStoredTogether":    together,
		"APageKeyThatIsNotOursIsRefusedAndNotGuessed": badKey,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

var at = time.Date(2026, 11, 22, 9, 0, 0, 123456000, time.UTC) //nolint:gochecknoglobals // a constant; Go has none for times

// alert is an alert of tenant t about medicine m, as it is at a version.
func alert(t rxvigil.Tenant, medicine string, version int, status rxvigil.Status) rxvigil.Alert {
	a := rxvigil.Alert{
		Rule: "low_stock", Kind: "low_stock", Severity: rxvigil.Warning, Rung: "low", Episode: 1, Status: status,
		Tenant: t, Branch: "b", Subject: rxvigil.Subject{Type: "medicine", ID: medicine, Name: `ፓራሲታሞል "Kid's" ` + medicine},
		Message: "low", StartedAt: at, ChangedAt: at.Add(time.Duration(version) * time.Minute), Version: version,
		Values:    rxvigil.FactsOf(rxvigil.Fact{Name: "available", Value: rxvigil.ValueOf(rxvigil.TypeNumber, "0.30")}, rxvigil.Fact{Name: "min", Value: rxvigil.Null(rxvigil.TypeNumber)}),
		Threshold: &rxvigil.Threshold{Value: rxvigil.ValueOf(rxvigil.TypeNumber, "40"), Source: "app"},
		Why:       rxvigil.Why{Inputs: rxvigil.FactsOf(rxvigil.Fact{Name: "x", Value: rxvigil.TextOf("y")}), LSN: "0/10", CommittedAt: at},
	}
	a.ID = rxvigil.AlertID(a.Fingerprint(), a.Episode)
	if status == rxvigil.Resolved {
		resolved := a.ChangedAt
		a.ResolvedAt = &resolved
	}
	return a
}

func raised(a rxvigil.Alert) rules.Transition {
	return rules.Transition{Alert: &a, Event: rxvigil.AlertRaised}
}

func ended(a rxvigil.Alert) rules.Transition {
	return rules.Transition{Alert: &a, From: rxvigil.Firing, Event: rxvigil.AlertResolved, Note: "gone"}
}

func commit(lsn uint64, transitions ...rules.Transition) rules.Commit {
	return rules.Commit{Epoch: "e", Tx: rxvigil.Tx{LSN: lsn, XID: lsn + 1, At: at}, Transitions: transitions}
}

func save(t *testing.T, s rules.Store, commits ...rules.Commit) {
	t.Helper()
	if err := s.Save(t.Context(), commits); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, s rules.Store) rules.Snapshot {
	t.Helper()
	snapshot, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// same compares as JSON: that is how the world sees alerts.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(asJSON(t, want), asJSON(t, got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func empty(t *testing.T, claim Claim) {
	got := load(t, claim())
	if len(got.Alerts)+len(got.Episodes)+len(got.Occurrences) != 0 || !got.Position.IsZero() {
		t.Errorf("an empty store knows %+v", got)
	}
}

func comeBack(t *testing.T, claim Claim) {
	s, a := claim(), alert("t", "m", 1, rxvigil.Firing)
	save(t, s, commit(16, raised(a)))
	got := load(t, s)
	same(t, "open alerts", got.Alerts, []rxvigil.Alert{a})
	same(t, "position", got.Position, rxvigil.Position{Epoch: "e", LSN: 16})
	if got.Episodes[a.Fingerprint()] != 1 {
		t.Errorf("episodes %v", got.Episodes)
	}
}

func again(t *testing.T, claim Claim) {
	s, a := claim(), alert("t", "m", 1, rxvigil.Firing)
	first, second := commit(16, raised(a)), commit(24, ended(alert("t", "m", 2, rxvigil.Resolved)))
	save(t, s, first, second)
	save(t, s, first, second)
	got, lines, err := s.Alert(t.Context(), "t", a.ID)
	if err != nil || got.Version != 2 || len(lines) != 2 {
		t.Errorf("version %d with %d lines, %v", got.Version, len(lines), err)
	}
}

func fenced(t *testing.T, claim Claim) {
	old := claim()
	save(t, old, commit(16))
	young := claim()
	if err := old.Save(t.Context(), []rules.Commit{commit(24, raised(alert("t", "m", 1, rxvigil.Firing)))}); !errors.Is(err, rules.ErrFenced) {
		t.Errorf("the older engine saves: %v", err)
	}
	if got := load(t, young); len(got.Alerts) != 0 || got.Position.LSN != 16 {
		t.Errorf("it left %+v", got)
	}
	save(t, young, commit(24))
}

func since(t *testing.T, claim Claim) {
	s := claim()
	m, n := alert("t", "m", 1, rxvigil.Firing), alert("u", "n", 1, rxvigil.Firing)
	end := ended(alert("t", "m", 2, rxvigil.Resolved))
	end.By = "abebe"
	save(t, s, commit(16, raised(m)), commit(24, raised(n), end))
	got, err := s.Since(t.Context(), "e", 16)
	if err != nil {
		t.Fatal(err)
	}
	c := commit(24, raised(n), end)
	same(t, "transitions", got, []rules.Recorded{
		{Pos: c.Place(0), Tx: c.Tx, Transition: raised(n)}, {Pos: c.Place(1), Tx: c.Tx, Transition: end},
	})
	if got, err := s.Since(t.Context(), "another", 0); err != nil || len(got) != 0 {
		t.Errorf("of another epoch: %v, %v", got, err)
	}
}

func history(t *testing.T, claim Claim) {
	s, a, end := claim(), alert("t", "m", 1, rxvigil.Firing), alert("t", "m", 2, rxvigil.Resolved)
	save(t, s, commit(16, raised(a)), commit(24, ended(end)))
	got, lines, err := s.Alert(t.Context(), "t", a.ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "alert", got, end)
	want := []rules.HistoryLine{
		{
			Pos: rxvigil.Position{Epoch: "e", LSN: 16, Ordinal: rxvigil.FirstTransition}, At: a.ChangedAt, Event: rxvigil.AlertRaised,
			To: rxvigil.Firing, Severity: rxvigil.Warning, Rung: "low", Version: 1,
		},
		{
			Pos: rxvigil.Position{Epoch: "e", LSN: 24, Ordinal: rxvigil.FirstTransition}, At: end.ChangedAt, Event: rxvigil.AlertResolved,
			From: rxvigil.Firing, To: rxvigil.Resolved, Severity: rxvigil.Warning, Rung: "low", Note: "gone", Version: 2,
		},
	}
	same(t, "history", lines, want)
	if _, _, err := s.Alert(t.Context(), "u", a.ID); !errors.Is(err, rules.ErrNotFound) {
		t.Errorf("as another tenant: %v", err)
	}
}

func paged(t *testing.T, claim Claim) {
	s := claim()
	var want []string
	for i := range 7 {
		a := alert("t", fmt.Sprint("m", i), 2+i/2, rxvigil.Resolved)
		save(t, s, commit(uint64(16+i), ended(a)))
		want = append(want, a.ID)
	}
	save(t, s, commit(40, ended(alert("u", "m", 9, rxvigil.Resolved)), raised(alert("t", "open", 1, rxvigil.Firing))))
	got, q := map[string]bool{}, rules.ResolvedQuery{Limit: 2, Branches: []rxvigil.Branch{"b", "c"}, Rule: "low_stock"}
	var newest time.Time
	for pages := 0; ; pages++ {
		page, err := s.Resolved(t.Context(), "t", q)
		if err != nil || pages > 4 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, a := range page.Alerts {
			if got[a.ID] || !newest.IsZero() && a.ResolvedAt.After(newest) {
				t.Errorf("%s comes twice or too late", a.ID)
			}
			got[a.ID], newest = true, *a.ResolvedAt
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d alerts, want %d", len(got), len(want))
	}
	if page, err := s.Resolved(t.Context(), "t", rules.ResolvedQuery{Branches: []rxvigil.Branch{"c"}}); err != nil || len(page.Alerts) != 0 {
		t.Errorf("of another branch: %v, %v", page, err)
	}
}

func occurrences(t *testing.T, claim Claim) {
	s, c := claim(), commit(16)
	c.Occurrences = []rules.Occurrence{
		{Scan: "daily", Tenant: "t", Wall: "2026-11-20T06:00", At: at, Status: rules.Missed},
		{Scan: "daily", Tenant: "t", Wall: "2026-11-21T06:00", At: at, Status: rules.Done},
		{Scan: "daily", Tenant: "u", Wall: "2026-11-20T06:00", At: at, Status: rules.Done},
	}
	save(t, s, c)
	save(t, s, c)
	same(t, "occurrences", load(t, s).Occurrences, c.Occurrences[1:])
}

func episodes(t *testing.T, claim Claim) {
	s, a := claim(), alert("t", "m", 2, rxvigil.Resolved)
	a.Episode = 3
	a.ID = rxvigil.AlertID(a.Fingerprint(), 3)
	save(t, s, commit(16, ended(alert("t", "m", 2, rxvigil.Resolved)), ended(a)))
	got := load(t, s)
	if got.Episodes[a.Fingerprint()] != 3 || len(got.Alerts) != 0 {
		t.Errorf("episodes %v, open %v", got.Episodes, got.Alerts)
	}
}

func position(t *testing.T, claim Claim) {
	s := claim()
	save(t, s, commit(0xFFFF_FFFF_0000))
	other := commit(8)
	other.Epoch = "f"
	save(t, s, other)
	same(t, "position", load(t, s).Position, rxvigil.Position{Epoch: "f", LSN: 8})
}

func together(t *testing.T, claim Claim) {
	s := claim()
	var commits []rules.Commit
	for i := range 50 {
		commits = append(commits, commit(uint64(100+i), raised(alert("t", fmt.Sprint("m", i), 1, rxvigil.Firing))))
	}
	save(t, s, commits...)
	if got := load(t, s); len(got.Alerts) != 50 || got.Position.LSN != 149 {
		t.Errorf("%d alerts at %d", len(got.Alerts), got.Position.LSN)
	}
}

func badKey(t *testing.T, claim Claim) {
	if _, err := claim().Resolved(t.Context(), "t", rules.ResolvedQuery{After: "'; DROP"}); err == nil {
		t.Error("a rubbish key is accepted")
	}
}

func overrides(t *testing.T, claim Claim) {
	s := claim()
	set := func(lsn uint64, rule, medicine string, branch rxvigil.Branch, value string) rules.Commit {
		o := rules.Override{Tenant: "t", Rule: rule, Medicine: medicine, Branch: branch, By: "sara", At: at.Add(time.Duration(lsn) * time.Second)}
		if n, err := rxvigil.ParseNumber(value); err == nil {
			o.Value = &n
		}
		return rules.Commit{Epoch: "e", Tx: rxvigil.Tx{LSN: lsn, At: at}, Overrides: []rules.Override{o}}
	}
	save(t, s, set(10, "low_stock", "a", "", "12.50"), set(11, "low_stock", "a", "b", "7"), set(12, "overstock", "a", "", "90"))
	save(t, s, set(13, "low_stock", "a", "", "13"), set(14, "overstock", "a", "", ""))
	save(t, s, set(13, "low_stock", "a", "", "13"))
	got, err := claim().Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, o := range got.Overrides {
		text.WriteString(fmt.Sprintf("%s %s %s %s %s %s, ", o.Rule, o.Medicine, o.Branch, o.Value, o.By, o.At.Sub(at)))
	}
	want := "low_stock a  13 sara 13s, low_stock a b 7 sara 11s, "
	if text.String() != want {
		t.Errorf("overrides %q, want %q", text.String(), want)
	}
}
