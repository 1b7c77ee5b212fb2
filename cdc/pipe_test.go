package cdc

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAPipeWaitsForMoreNoLongerThanItIsTold, nor at all where something waits already or nothing can come any more.
func TestAPipeWaitsForMoreNoLongerThanItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPipe(1 << 10)
		took := func(want bool) time.Duration {
			t.Helper()
			began := time.Now()
			if got := p.filled(5 * time.Millisecond); got != want {
				t.Errorf("it gave %v", got)
			}
			return time.Since(began)
		}
		if d := took(false); d != 5*time.Millisecond {
			t.Errorf("of nothing after %v", d)
		}
		go func() {
			time.Sleep(2 * time.Millisecond)
			p.put([]byte("x"))
		}()
		if d := took(true); d != 2*time.Millisecond {
			t.Errorf("of what came after %v", d)
		}
		if d := took(true); d != 0 {
			t.Errorf("of what was there after %v", d)
		}
		if _, err := p.take(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Millisecond)
			p.close(nil)
		}()
		if d := took(false); d != time.Millisecond {
			t.Errorf("of the end after %v", d)
		}
	})
}
