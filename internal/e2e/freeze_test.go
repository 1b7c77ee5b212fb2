//go:build e2e

package e2e

import (
	"net/http"
	"testing"
	"time"
)

func TestAFrozenServerIsToldAndCostsNothing(t *testing.T) {
	s := setup(t, nil)
	home := s.work()
	s.busy()
	s.server.freeze()
	frozen := time.Now()
	for _, v := range s.views {
		reason := v.hears("stale")
		t.Logf("stale was told after %v: %s", time.Since(frozen).Round(time.Second), reason)
	}
	s.stillServes()
	s.server.thaw()
	thawed := time.Now()
	for _, v := range s.views {
		v.hears("fresh")
	}
	t.Logf("fresh was told %v after the thaw", time.Since(thawed).Round(time.Millisecond))
	s.busy()
	home()
	s.check()
}

// stillServes wants an engine that cannot see its source to live.
func (s *scene) stillServes() {
	s.t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Get("http://" + s.engine.addr + "/healthz")
	if err != nil {
		s.t.Error(err)
		return
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Errorf("an engine that does not see its source is not well: %s", resp.Status)
	}
}
