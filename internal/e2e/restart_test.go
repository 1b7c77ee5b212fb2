//go:build e2e

package e2e

import (
	"testing"
	"time"
)

func TestAServerThatRestartsUnderLoadCostsNothing(t *testing.T) {
	s := setup(t, nil)
	home := s.work()
	s.busy()
	s.server.restart()
	s.busy()

	began := time.Now()
	if code := s.server.stop(); code != 0 {
		t.Errorf("the server's fast shutdown was held up until it was killed: exit code %d", code)
	}
	t.Logf("the server shut down in %v", time.Since(began).Round(time.Millisecond))
	for _, v := range s.views {
		v.hears("stale")
	}
	s.server.start()
	s.busy()
	home()
	s.check()
}

func TestAServerThatCrashesUnderLoadCostsNothing(t *testing.T) {
	s := setup(t, nil)
	home := s.work()
	for range 3 {
		s.busy()
		s.server.kill()
		s.server.start()
	}
	s.busy()
	home()
	s.check()
}
