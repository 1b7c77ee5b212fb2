package cdc

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

var eventName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// life says how a custom entity is told.
func (r *resolver) life(s *source) {
	if s.kind != rxvigil.KindCustom {
		if s.spec.Name != "" || s.spec.Events != nil {
			r.fail(s.path+".name", fmt.Sprintf("a %s has its name, and its events theirs", s.kind), "leave name: and events: out, or put it under custom:")
		}
		return
	}
	if s.spec.Name == "" {
		r.fail(s.path, "a custom entity needs name: what it is called in events", "")
		return
	}
	events := cmp.Or(s.spec.Events, &Events{})
	s.schema.Life = rxvigil.Life{
		Name:    s.spec.Name,
		Created: r.eventType(s, events.Created, "created"),
		Updated: r.eventType(s, events.Updated, "updated"),
		Removed: r.eventType(s, events.Removed, "removed"),
	}
}

// longestSettle is how long a document may wait for its lines at most.
const longestSettle = time.Hour

// settle says how long a document waits for its lines.
func (r *resolver) settle(s *source) {
	if s.spec.Settle == "" {
		return
	}
	if s.kind != rxvigil.KindSale && s.kind != rxvigil.KindPrescription {
		r.fail(s.path+".settle", fmt.Sprintf("a %s has no lines to wait for", s.kind), "leave it out")
		return
	}
	d, err := time.ParseDuration(s.spec.Settle)
	if err != nil || d <= 0 || d > longestSettle {
		r.fail(s.path+".settle", fmt.Sprintf("%q is no time to wait", s.spec.Settle), "write it as 2s or 1m, up to 1h")
		return
	}
	s.schema.Settle = d
}

func (r *resolver) eventType(s *source, name, what string) rxvigil.EventType {
	path := s.path + ".events." + what
	if name == "" {
		path, name = s.path+".name", s.spec.Name+"_"+what
	}
	switch {
	case !eventName.MatchString(name):
		r.fail(path, fmt.Sprintf("%q is no type of an event", name), "write small letters, digits and underscores")
	case slices.Contains(rxvigil.EventTypes(), rxvigil.EventType(name)) || rxvigil.EventType(name) == rxvigil.Resync:
		r.fail(path, fmt.Sprintf("%q is an event of rxvigil's own", name), "choose another name")
	}
	return rxvigil.EventType(name)
}
