package push

import "time"

// sight is whether the source is in sight. The zero value is.
type sight struct {
	lost   bool
	since  time.Time
	reason string
}

// Stale says that the source has been out of sight since then: every connection is told, and told again when it is Fresh.
func (l *Log) Stale(since time.Time, reason string) { l.see(sight{true, since, reason}) }

// Fresh says that the source is in sight again.
func (l *Log) Fresh() { l.see(sight{}) }

func (l *Log) see(s sight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sight == s {
		return
	}
	l.sight = s
	l.turn()
}
