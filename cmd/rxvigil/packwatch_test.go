package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// The rules of a running service are changed in their file: open alerts follow, and a mistake changes nothing.
func TestAPackThatChangesIsAdoptedAndAMistakeChangesNothing(t *testing.T) {
	t.Parallel()
	s := openShop(t, pgtest.Database(t), 37)
	pack := filepath.Join(s.svc.dir, "mine.yaml")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile(s.svc.config)
	if err != nil {
		t.Fatal(err)
	}
	write(s.svc.config, "rules: [mine.yaml]\n"+string(config))
	write(pack, "extends: default\nrules: []\n")
	s.svc.start()
	s.svc.ready()
	s.view = watch(t, s.svc, "sse", tenantOne)
	s.view.connected(t)
	about := func(rule, event string) func(envelope) bool {
		return func(e envelope) bool { return e.Type == event && e.Data["rule"] == rule }
	}

	pgtest.Exec(t, s.dsn, "UPDATE medicines SET current_stock = 0 WHERE id = '"+medicineID(101)+"'")
	s.view.until(t, 0, "the shortage", about("low_stock", "alert_raised"))

	write(pack, "extends: default\nrules:\n  - low_stock: {recovery: 0.5}\n")
	s.svc.says("pack_refused")
	s.svc.says("recovery 0.5 is below 1")
	from := s.mark(t, "after_the_mistake")
	if events, _ := s.view.heard(); from < len(events) {
		t.Errorf("the mistake told %s", events[from].raw)
	}

	write(pack, "extends: default\nrules:\n  - {id: low_stock, off: true}\n")
	s.svc.says("pack_adopted")
	s.mark(t, "after_the_change") // judged by the new pack
	s.view.until(t, from, "the shortage withdrawn", about("low_stock", "alert_resolved"))
	for _, a := range openAlerts(t, s.svc, tenantOne) {
		if a["rule"] == "low_stock" {
			t.Errorf("still open: %v", a)
		}
	}
}
