//go:build e2e

package e2e

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pharmacy"
)

func TestANewMappingIsABlindIntervalAndThenTheTruth(t *testing.T) {
	s := setup(t, nil)
	home := s.work()
	s.busy()
	home()
	s.check()
	before := s.openIDs()

	s.engine.stop()
	home = s.work()
	s.appWorks(40) // unseen
	home()
	s.engine.configure(s.server.dsn, strings.Replace(pharmacy.Mapping, "barcode: barcode", "barcode: barcode, edited: updated_at", 1))
	s.engine.start()
	s.resyncs++
	for _, v := range s.views {
		v.hears("resync")
	}
	s.mark()
	s.check()
	s.checkBlind("the mapping changed")
	for subject, id := range s.openIDs() {
		if was, open := before[subject]; open && was != id {
			t.Errorf("%s was open as %s and is now another episode, %s", subject, was, id)
		}
	}

	home = s.work()
	s.busy()
	home()
	s.server.exec(`UPDATE products SET barcode = '4006381333931', updated_at = '2026-01-01Z' WHERE id = 1001`)
	s.views[0].sees("the new column", func(e event) bool {
		var d struct {
			Barcode string
			Edited  *string
		}
		return e.Type == "medicine_updated" && json.Unmarshal(e.Data, &d) == nil && d.Barcode == "4006381333931" && d.Edited != nil
	})

	s.engine.stop() // and once more, with nothing changed: no boot, no resync
	home = s.work()
	s.appWorks(40)
	s.engine.start()
	s.busy()
	home()
	s.check()
	if n := strings.Count(s.engine.log.String(), "msg=cold_boot"); n != 2 {
		t.Errorf("the engine booted cold %d times, want twice: at first, and with the new mapping", n)
	}
}

// appWorks waits until the app has committed so many transactions more.
func (s *scene) appWorks(n int) {
	s.t.Helper()
	const done = `SELECT count(*)::text FROM audit_log`
	goal, err := strconv.Atoi(s.server.texts(done)[0])
	s.server.must(err)
	goal += n
	for timeout := time.After(patience); ; {
		if now, err := strconv.Atoi(s.server.texts(done)[0]); err == nil && now >= goal {
			return
		}
		select {
		case <-timeout:
			s.t.Fatal("the app does not work")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// openIDs gives the open alerts' ids by what they are about.
func (s *scene) openIDs() map[string]string {
	s.t.Helper()
	ids := map[string]string{}
	for _, row := range s.server.texts(`
		SELECT concat_ws(' ', tenant, branch, rule, body -> 'subject' ->> 'id') || '|' || id
		FROM rxvigil.alerts WHERE status <> 'resolved' AND rule <> 'blind'`) {
		subject, id, _ := strings.Cut(row, "|")
		ids[subject] = id
	}
	return ids
}

// checkBlind wants one blind interval told in each tenant, with its bounds and its reason.
func (s *scene) checkBlind(reason string) {
	s.t.Helper()
	for _, tenant := range tenants {
		var blind []alert
		for _, a := range s.engine.open(tenant.name) {
			if a.Rule == "blind" {
				blind = append(blind, a)
			}
		}
		if len(blind) != 1 {
			s.t.Errorf("tenant %s: %d blind intervals are told, want 1", tenant.id, len(blind))
			continue
		}
		s.t.Logf("tenant %s: %s", tenant.id, blind[0].Message)
		values := blind[0].Values
		for _, bound := range []string{"from", "to", "since", "until"} {
			if values[bound] == nil {
				s.t.Errorf("tenant %s: the blind interval has no %s: %v", tenant.id, bound, values)
			}
		}
		if values["reason"] != reason {
			s.t.Errorf("tenant %s: the blind interval's reason is %v, want %s", tenant.id, values["reason"], reason)
		}
	}
}
