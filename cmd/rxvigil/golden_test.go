package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil/internal/story"
)

// TestGoldenNumbersComeOutTheSameThroughEveryMapping is T7 of the acceptance cases: the formulas' golden numbers, of history that four
// apps keep in four ways.
func TestGoldenNumbersComeOutTheSameThroughEveryMapping(t *testing.T) {
	t.Parallel()
	golden := map[string]string{ // daily use, days of cover, min, max, order of 21 units of safety stock
		"Ascorbic acid 500mg":   "3 100 42 132 0",
		"Magnesium trisilicate": "3 8 42 132 108",
		"Multivitamin":          "3 206.67 42 132 0",
	}
	for name, zone := range map[string]string{"umi": "Africa/Lusaka", "ziindi": "Africa/Lusaka", "beras": "Asia/Ho_Chi_Minh", "msupply": "Pacific/Port_Moresby"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := story.Load(filepath.Join("../../testdata/targets", name))
			if err != nil {
				t.Fatal(err)
			}
			st := setStage(t, s, name, zone)
			found := map[string]string{}
			for id := range st.names.tenants {
				var page struct{ Items []map[string]any }
				if err := json.Unmarshal(st.svc.get("/api/tenant/"+id+"/stock?limit=200"), &page); err != nil {
					t.Fatal(err)
				}
				for _, item := range page.Items {
					if item["daily_use"] != nil {
						found[fmt.Sprint(item["medicine"].(map[string]any)["name"])] = numbers(item, "daily_use", "cover_days", "min", "max", "order")
					}
				}
			}
			if fmt.Sprint(found) != fmt.Sprint(golden) {
				t.Errorf("got  %v\nwant %v", found, golden)
			}
			risk := map[string]string{}
			for _, a := range st.open(t) {
				if a["rule"] == "will_not_sell_before_expiry" {
					risk[fmt.Sprint(a["subject"].(map[string]any)["name"])] = numbers(a["values"].(map[string]any), "units")
				}
			}
			if fmt.Sprint(risk) != "map[Multivitamin:140]" {
				t.Errorf("units that will not sell before they expire: %v", risk)
			}
		})
	}
}

func numbers(of map[string]any, names ...string) string {
	var texts []string
	for _, name := range names {
		texts = append(texts, fmt.Sprint(of[name]))
	}
	return strings.Join(texts, " ")
}
