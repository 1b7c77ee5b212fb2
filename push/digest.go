package push

import (
	"encoding/json"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Digest is a notification that sums up what a rule found since the last one, where the pack does not have each finding told.
type Digest struct {
	Kind    string        `json:"kind"` // digest
	Topic   rxvigil.Topic `json:"topic,omitempty"`
	Rule    string        `json:"rule"`
	Of      string        `json:"of"`     // the kind of its alerts
	Period  string        `json:"period"` // daily or weekly
	Since   time.Time     `json:"since"`
	Until   time.Time     `json:"until"`
	New     int           `json:"new"`  // raised since, and open
	Open    int           `json:"open"` // in all
	Message string        `json:"message"`
	Items   []DigestItem  `json:"items"` // the newest ones, the gravest first
}

// DigestItem is one finding.
type DigestItem struct {
	Alert    string           `json:"alert"`
	Severity rxvigil.Severity `json:"severity"`
	Message  string           `json:"message"`
}

// DigestJSON is the data of the notification. It names the topic that its alerts are about: who may not see those does not see it.
func DigestJSON(d Digest) []byte {
	d.Kind = "digest"
	if a := forKind(d.Of); a&forAll == 0 {
		for _, t := range rxvigil.Topics() {
			if a&forTopic(t) != 0 {
				d.Topic = t
				break
			}
		}
	}
	b, err := json.Marshal(d)
	if err != nil { // plain data
		panic(err)
	}
	return b
}
