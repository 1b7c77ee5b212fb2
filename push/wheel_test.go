package push

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestAWheelTellsEachOnceInAPeriod, whenever they joined, and at a different time those who joined at different times; and stands still
// while nobody is on it.
func TestAWheelTellsEachOnceInAPeriod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &wheel{every: 10 * time.Second}
		for lap := range 2 { // the second after nobody was on it
			start := time.Now()
			told := make(chan time.Duration)
			const riders, rounds = 100, 5
			for range riders {
				go func() {
					r := w.join()
					defer r.leave()
					last := time.Now()
					for round := range rounds {
						<-r.due
						if took := time.Since(last); round > 0 && took != w.every || took > w.every || took < w.every-w.every/spokes {
							t.Errorf("lap %d: heartbeat %d came after %v", lap, round, took)
						}
						last = time.Now()
						r.again()
					}
					told <- last.Sub(start) % w.every
				}()
				time.Sleep(37 * time.Millisecond)
			}
			times := map[time.Duration]bool{}
			for range riders {
				times[<-told] = true
			}
			if len(times) < 10 {
				t.Errorf("lap %d: %d riders were told at %d times", lap, riders, len(times))
			}
			synctest.Wait()
			if w.taken != 0 || w.timer.Stop() {
				t.Errorf("lap %d: the wheel turns for %d", lap, w.taken)
			}
			time.Sleep(time.Minute)
		}
	})
}
