package story_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rxvigil/rxvigil/internal/story"
)

const targets = "../../testdata/targets"

func load(t *testing.T, name string) *story.Story {
	t.Helper()
	s, err := story.Load(filepath.Join(targets, name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryLineOfEveryStepIsRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string]int{
		"single": {
			"steps": 24, "seed": 11, "end": 13, "event": 41, "RAISED": 8, "RAISED ext": 1, "CHANGED": 1, "RESOLVED": 7,
			"HELD": 3, "alert-none": 10, "event-none": 3, "NOT": 15, "note": 10,
		},
		"umi": {
			"steps": 40, "seed": 16, "end": 20, "event": 64, "RAISED": 5, "RAISED ext": 4, "CHANGED": 1, "RESOLVED": 5,
			"HELD": 2, "alert-none": 22, "event-none": 4, "NOT": 20, "note": 16, "finding ext": 4,
		},
		"ziindi": {
			"steps": 48, "seed": 16, "end": 14, "event": 85, "RAISED": 4, "CHANGED": 1, "RESOLVED": 6,
			"HELD": 5, "alert-none": 27, "event-none": 6, "NOT": 24, "note": 15, "finding ext": 7,
		},
	} {
		s := load(t, name)
		got := map[string]int{"steps": len(s.Steps), "seed": len(s.Expected.Seed), "end": len(s.Expected.End)}
		for _, step := range s.Expected.Steps {
			for _, l := range step.Lines {
				kind := string(l.Kind)
				if l.Ext {
					kind += " ext"
				}
				got[kind]++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLinesOfAStoryAreWellFormed(t *testing.T) {
	t.Parallel()
	severities := map[string]bool{"warning": true, "critical": true, "expired": true}
	for _, name := range []string{"single", "umi", "ziindi"} {
		for _, step := range load(t, name).Expected.Steps {
			if step.Rows == "" {
				t.Errorf("%s step %d: no rows", name, step.Number)
			}
			for _, l := range step.Lines {
				told := len(l.Details) > 0 || len(l.Text) > 0
				switch l.Kind {
				case story.Event:
					if l.Name == "" || l.Subject == "" || !told {
						t.Errorf("%s step %d: %+v", name, step.Number, l)
					}
				case story.Raised, story.Changed, story.Resolved, story.Held:
					if !severities[l.Severity] || len(l.Path()) < 2 || !told {
						t.Errorf("%s step %d: %+v", name, step.Number, l)
					}
				case story.Finding:
					if l.Name == "" || l.Subject == "" || !l.Ext {
						t.Errorf("%s step %d: %+v", name, step.Number, l)
					}
				}
			}
		}
	}
}

func TestLinesSayWhatTheyMean(t *testing.T) {
	t.Parallel()
	umi, single := load(t, "umi"), load(t, "single")
	for _, c := range []struct {
		name string
		got  story.Line
		want story.Line
	}{
		{"a change of stock", umi.Expected.Steps[5].Lines[1], story.Line{
			Kind: story.Event, Name: "stock.changed", Subject: "Mwanza Chemists / Cairo Road / Paracetamol 500mg",
			Details: []story.Detail{
				{Key: "on_hand", From: "112", To: "106", HasFrom: true},
				{Key: "reserved", From: "6", To: "0", HasFrom: true},
				{Key: "available", From: "106", To: "106", HasFrom: true},
			},
		}},
		{"several lines in one detail", umi.Expected.Steps[26].Lines[0], story.Line{
			Kind: story.Event, Name: "sale.created", Subject: "Mwanza Chemists / Cairo Road / SALE-a0000001-000007",
			Details: []story.Detail{
				{Key: "status", To: "pending"},
				{Key: "total", To: "5.50"},
				{Key: "lines", To: "Ascorbic acid 500mg × 20, Loratadine 10mg × 2, Ibuprofen 400mg film-coated × 4"},
				{Key: "id", To: "10000000-0000-4000-8000-000000001007"},
			},
		}},
		{"prose behind a subject", umi.Expected.Steps[8].Lines[1], story.Line{
			Kind: story.Event, Name: "sale.completed", Subject: "Mwanza Chemists / Cairo Road / SALE-a0000001-000003",
			Text: []string{"in the same commit"},
		}},
		{"a severity that moves", single.Expected.Steps[5].Lines[1], story.Line{
			Kind: story.Changed, Name: "low_stock", SeverityFrom: "warning", Severity: "critical",
			Subject: "testpharmacy / Amoxicillin 500mg", Details: []story.Detail{{Key: "available", To: "0"}, {Key: "min", To: "40"}},
		}},
		{"an alert that is held", single.Expected.Steps[4].Lines[1], story.Line{
			Kind: story.Held, Name: "low_stock", Severity: "warning",
			Subject: "testpharmacy / Amoxicillin 500mg", Details: []story.Detail{{Key: "available", To: "30"}, {Key: "min", To: "40"}},
		}},
		{"a subject that is gone", umi.Expected.Steps[22].Lines[1], story.Line{
			Kind: story.Resolved, Name: "expiry", Severity: "critical",
			Subject: "Mwanza Chemists / Cairo Road / Cetirizine 10mg / CTZ-11", Text: []string{"subject gone"},
		}},
		{"quotes and accents", single.Expected.Steps[19].Lines[2], story.Line{
			Kind: story.Event, Name: "stock.changed", Subject: `kidane / ፓራሲታሞል "Kid's" syrup 120mg/5ml`,
			Details: []story.Detail{
				{Key: "on_hand", From: "none", To: "60", HasFrom: true}, {Key: "available", From: "none", To: "60", HasFrom: true},
			},
		}},
		{"an extended alert", umi.Expected.Steps[36].Lines[5], story.Line{
			Kind: story.Raised, Ext: true, Name: "ledger_mismatch", Severity: "critical",
			Subject: "Mwanza Chemists / Cairo Road / Artemether/Lumefantrine",
			Details: []story.Detail{{Key: "on_hand", To: "26"}, {Key: "ledger", To: "37"}, {Key: "drift", To: "-11"}},
		}},
		{"an extended finding after a while", umi.Expected.Steps[12].Lines[1], story.Line{
			Kind: story.Finding, Ext: true, Name: "sale_stock_mismatch", Severity: "high",
			Subject: "SALE-a0000001-000005 cancelled, 10 still reserved",
		}},
		{"an extended finding of the seed", umi.Expected.SeedLines[0], story.Line{
			Kind: story.Finding, Ext: true, Name: "prescription_pending", Severity: "high",
			Subject: "Mwanza Chemists / Cairo Road / RX-HIST-0002", Text: []string{"pending for 12 days"},
		}},
	} {
		c.got.Raw = ""
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestTablesOfOpenAlerts(t *testing.T) {
	t.Parallel()
	umi := load(t, "umi").Expected
	got := umi.Seed[4]
	got.Raw = ""
	want := story.Standing{
		Rule: "low_stock", Severity: "critical", Subject: "Mwanza Chemists / Cairo Road / Folic acid 5mg",
		Details: []story.Detail{{Key: "available", To: "0"}, {Key: "min", To: "50"}}, Text: []string{"†"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("standing 5 of the seed (-want +got):\n%s", diff)
	}
	ext := 0
	for _, s := range umi.End {
		if s.Ext {
			ext++
		}
		if s.Severity == "" || len(s.Path()) < 3 {
			t.Errorf("still open: %+v", s)
		}
	}
	if ext != 4 {
		t.Errorf("%d extended alerts are still open, want 4", ext)
	}
	if d, ok := umi.End[19].Detail("drift"); !ok || d.To != "-3" {
		t.Errorf("drift of the last one is %+v, want -3", d)
	}
}

func TestWorkloadIsCutAtItsMarks(t *testing.T) {
	t.Parallel()
	s := load(t, "single")
	if got := s.Steps[14]; got.Title != "rolled back: a sale that would have emptied Folic acid" || !strings.HasSuffix(got.SQL, "ROLLBACK;") {
		t.Errorf("step 15 is %+v", got)
	}
	for _, step := range s.Steps {
		if !strings.HasPrefix(step.SQL, "BEGIN;") {
			t.Errorf("step %d begins %.20q, want BEGIN;", step.Number, step.SQL)
		}
	}
}

func TestABrokenStoryIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no mark":          "BEGIN; COMMIT;",
		"a step left out":  "-- step 1 · a\nSELECT 1;\n-- step 3 · b\nSELECT 2;",
		"a step that is 0": "-- step 0 · a\nSELECT 1;",
		"no SQL":           "-- step 1 · a\n-- step 2 · b\nSELECT 2;",
	} {
		if _, err := story.ParseWorkload(text); err == nil {
			t.Errorf("workload with %s was read", name)
		}
	}
	table := "## Alerts still open after the last step\n| 1 | `expiry` | warning | a / b | dte 3 |\n"
	for name, text := range map[string]string{
		"nothing":               "",
		"an unknown bullet":     "## The story\n### 1 · a\n- perhaps something\n" + table,
		"a change to nowhere":   "## The story\n### 1 · a\n- CHANGED `low_stock` warning · a / b · dte 3\n" + table,
		"a malformed table row": "## The story\n### 1 · a\n- alert: none\n## Alerts still open after the last step\n| 1 | expiry | warning | a / b | dte 3 |\n",
		"steps out of order":    "## The story\n### 2 · a\n- alert: none\n" + table,
	} {
		if _, err := story.ParseExpected(text); err == nil {
			t.Errorf("expectations with %s were read", name)
		}
	}
}
