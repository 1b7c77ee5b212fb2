package push

import (
	"encoding/json"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/auth"
)

// audience is a set of those who may see something: a bit for each topic that is granted, one for those who look after the engine, and
// one for those who may see everything.
type audience uint32

const (
	forEngine audience = 1 << 8
	forAll    audience = 1 << 9 // of a kind that no table names: better too few than too many
	known     audience = 1 << 15
)

// forTopic is the bit of a topic.
func forTopic(topics ...rxvigil.Topic) (a audience) {
	for _, t := range topics {
		if i := slices.Index(rxvigil.Topics(), t); i >= 0 {
			a |= 1 << i
		}
	}
	return a
}

// forKind is who may see alerts of a kind (CONTRACTS 8).
func forKind(kind string) audience {
	switch kind {
	case "low_stock", "negative_stock", "expiry", "ledger_mismatch", "projected_stockout", "will_not_sell_before_expiry", "overstock", "dead_stock",
		"price_below_cost", "price_change", "recall", "cold_chain":
		return forTopic(rxvigil.Inventory)
	case "oversell", "expired_dispense", "fefo_violation", "rx_missing", "recalled_dispense", "sale_stock_mismatch", "dispensing_mismatch",
		"sales_spike", "sold_below_cost", "no_sales":
		return forTopic(rxvigil.Sales, rxvigil.Inventory)
	case "prescription_pending", "prescription_expired", "duplicate_therapy", "refill_due", "refill_early", "low_adherence":
		return forTopic(rxvigil.Prescriptions)
	case "blind", "wal_kept":
		return forEngine
	}
	return forAll
}

// forWhom is who may see the event. It is found out once, where somebody's rights ask for it.
func (e *Event) forWhom() audience {
	if a := audience(atomic.LoadUint32(&e.who)); a != 0 {
		return a
	}
	a := forTopic(e.Topic)
	if e.Topic == rxvigil.Notifications {
		a = forNotification(e)
	}
	atomic.StoreUint32(&e.who, uint32(a|known))
	return a | known
}

// forNotification is who may see an alert, or an event of the user's own: everybody who hears notifications, unless it names a topic.
func forNotification(e *Event) audience {
	var data struct {
		Kind  string
		Topic rxvigil.Topic
	}
	err := json.Unmarshal(dataOf(e), &data)
	switch e.Type {
	case rxvigil.AlertRaised, rxvigil.AlertChanged, rxvigil.AlertAcknowledged, rxvigil.AlertSnoozed, rxvigil.AlertResolved:
		return forKind(data.Kind)
	}
	if a := forTopic(data.Topic); err == nil && a != 0 {
		return a
	}
	return forTopic(rxvigil.Notifications)
}

// rights are what one caller may see of one tenant. A nil one may see everything: nobody is asked who they are.
type rights struct {
	auth.Caller
	may   audience
	token auth.Caller // what the token itself says, where the app says otherwise
	round uint64      // of the server's looks at rights
}

func newRights(c auth.Caller) *rights {
	r := &rights{Caller: c, token: c, may: forTopic(c.Grant.Topics...)}
	if c.Grant.Engine {
		r.may |= forEngine
	}
	if len(c.Grant.Topics) == len(rxvigil.Topics()) {
		r.may |= forAll
	}
	return r
}

// hears tells whether a topic is granted.
func (r *rights) hears(t rxvigil.Topic) bool { return r == nil || r.may&forTopic(t) != 0 }

// knowsPeople tells whether personal values may be seen. Where nobody is asked who they are, nobody was granted that.
func (r *rights) knowsPeople() bool {
	return r != nil && r.may&forTopic(rxvigil.Patients, rxvigil.Prescriptions) != 0
}

// looksAfter tells whether the engine is in the caller's care.
func (r *rights) looksAfter() bool { return r == nil || r.may&forEngine != 0 && r.Grant.EveryBranch }

// in tells whether something of that branch may be seen; of none: it is the tenant's as a whole.
func (r *rights) in(b rxvigil.Branch) bool {
	return r == nil || b == "" || r.Grant.EveryBranch || slices.Contains(r.Branches, b)
}

// sees tells whether an event may be seen. A resync is about everything.
func (r *rights) sees(e *Event) bool {
	switch {
	case r == nil:
		return true
	case !r.in(e.Branch):
		return false
	case e.Type == rxvigil.Resync:
		return true
	}
	return r.hears(e.Topic) && r.may&e.forWhom() != 0
}

// seesAlert is the same of an alert.
func (r *rights) seesAlert(a *rxvigil.Alert) bool {
	return r == nil || r.in(a.Branch) && r.seesKind(a.Kind)
}

// seenBy are those of the events that may be seen.
func seenBy(who *rights, events []*Event) []*Event {
	var seen []*Event
	for _, e := range events {
		if who.sees(e) {
			seen = append(seen, e)
		}
	}
	return seen
}

// limit is why a filter asks for more than is granted.
func (r *rights) limit(f Filter) error {
	if r == nil {
		return nil
	}
	for _, t := range f.Topics {
		if !r.hears(t) {
			return forbidden("topic " + string(t) + " is not granted to the role " + r.Role)
		}
	}
	if !r.in(f.Branch) {
		return forbidden("that branch is not one of the token's")
	}
	return nil
}

// forbidden is an error that only other rights can mend.
type forbidden string

// Error implements error.
func (f forbidden) Error() string { return string(f) }

// standing is what a connection may see now: a renewed token changes it while the connection lives.
type standing struct{ now atomic.Pointer[rights] }

// stand begins with some rights; nil where nobody is asked.
func stand(r *rights) *standing {
	if r == nil {
		return nil
	}
	s := &standing{}
	s.now.Store(r)
	return s
}

func (s *standing) rights() *rights {
	if s == nil {
		return nil
	}
	return s.now.Load()
}

// prolong goes on with the rights of a later token of the same person.
func (s *standing) prolong(r *rights) {
	if s != nil && r != nil && r.Expires.After(s.rights().Expires) {
		s.now.Store(r)
	}
}

// ends is when the token does; zero: never.
func (s *standing) ends() time.Time {
	if r := s.rights(); r != nil {
		return r.Expires
	}
	return time.Time{}
}
