package push

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// tally counts the events of one type: all of them, and those of the last minute in steps of ten seconds.
type tally struct {
	total uint64
	steps [6]uint64
	at    int64 // the step that was counted last, in tens of seconds since 1970
}

func (t *tally) count(now time.Time) {
	step := now.Unix() / 10
	for ; t.at < step; t.at++ {
		if step-t.at > 6 {
			t.at = step - 6
		}
		t.steps[(t.at+1)%6] = 0
	}
	t.steps[step%6]++
	t.total++
}

func (t *tally) perMinute(now time.Time) (n uint64) {
	for i := range int64(6) {
		if step := now.Unix()/10 - i; step <= t.at && t.at-step < 6 {
			n += t.steps[step%6]
		}
	}
	return n
}

// Count is how often an event type was published for a tenant since this process started, and in the last minute.
type Count struct {
	Total     uint64 `json:"total"`
	PerMinute uint64 `json:"per_minute"`
}

// Counts gives the counts of one tenant's event types.
func (l *Log) Counts(t rxvigil.Tenant) map[rxvigil.EventType]Count {
	now, counts := time.Now(), map[rxvigil.EventType]Count{}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if lane := l.lanes[t]; lane != nil {
		for typ, tally := range lane.tallies {
			counts[typ] = Count{tally.total, tally.perMinute(now)}
		}
	}
	return counts
}
