package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// summed is what the digests of a scan say.
func summed(out Outcome) (lines []string) {
	for _, d := range out.Digests {
		lines = append(lines, fmt.Sprintf("%s %s/%s: %d new, %d open: %s", d.Period, d.Branch, d.Rule, d.New, d.Open, d.Message))
	}
	return lines
}

func (s *shop) scan(wall string) Outcome {
	s.t.Helper()
	at, err := time.Parse(wallLayout, wall)
	if err != nil {
		s.t.Fatal(err)
	}
	s.at = at
	return s.send(Input{Wall: at, Commands: []Command{{Op: RunTick, Tenant: "t", Tick: Tick{Scan: "daily", Tenant: "t", Wall: wall}}}})
}

func TestWhatCanWaitIsSummedUpByDayOrWeek(t *testing.T) {
	t.Parallel()
	c := Config{Pack: DefaultPack()}
	for i := range c.Pack.Rules {
		switch c.Pack.Rules[i].Params.Kind() {
		case "low_stock":
			c.Pack.Rules[i].Digest = Daily
		case "expiry":
			c.Pack.Rules[i].Digest = Weekly
		}
	}
	s := setupAt(t, c, time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)) // a Friday
	out := s.commit(aMedicine("M", "Amoxicillin", 40), aMedicine("N", "Ibuprofen", 40), umiLot("L", "x", "M", "30", "0", "2026-12-01"), umiLot("K", "y", "N", "30", "0", "null"))
	for _, tr := range out.Transitions {
		if want := map[string]string{"low_stock": "daily", "expiry": "weekly"}[tr.Alert.Rule]; tr.Alert.Digest != want {
			t.Errorf("%s is told as %q, not %q", tr.Alert.Rule, tr.Alert.Digest, want)
		}
	}
	if got := fmt.Sprint(summed(s.scan("2026-11-28T06:00"))); got != "[daily x/low_stock: 1 new, 1 open: low_stock: new 1, open 1 daily y/low_stock: 1 new, 1 open: low_stock: new 1, open 1]" {
		t.Errorf("on Saturday %s", got)
	}
	s.commit(umiLot("J", "x", "N", "0", "0", "null"))
	if got := fmt.Sprint(summed(s.scan("2026-11-29T06:00"))); got != "[daily x/low_stock: 1 new, 2 open: low_stock: new 1, open 2]" {
		t.Errorf("on Sunday %s", got)
	}
	out = s.scan("2026-11-30T06:00")
	if got := fmt.Sprint(summed(out)); got != "[weekly x/expiry: 1 new, 1 open: expiry: new 1, open 1]" {
		t.Errorf("on Monday %s", got)
	}
	if d := out.Digests[0]; len(d.Items) != 1 || d.Items[0].Message == "" || d.Items[0].Severity != rxvigil.Critical || d.Until.Sub(d.Since) != 7*24*time.Hour {
		t.Errorf("the week's digest is %+v", d)
	}
	if out = s.scan("2026-12-01T06:00"); len(out.Digests) != 0 {
		t.Errorf("on Tuesday %s", summed(out))
	}
}
