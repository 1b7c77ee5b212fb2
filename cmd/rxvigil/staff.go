package main

import (
	"strings"
	"sync"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// staff is what the app's own rows say of those who sign in to it. Its zero value knows nobody. While tables are read anew, what they
// said before holds: nobody has more rights meanwhile than the app gave last.
type staff struct {
	mu      sync.RWMutex // guards what follows
	people  map[person]push.Person
	changed func() // hears of each change; nil: nobody does
}

type person struct {
	tenant rxvigil.Tenant
	id     string
}

// takeAll notes the users' rows among some changes.
func (s *staff) takeAll(changes []rxvigil.Change) {
	for i := range changes {
		s.take(&changes[i])
	}
}

// take notes a user's row. One that is gone is remembered as such: its tokens outlive it.
func (s *staff) take(c *rxvigil.Change) {
	r := c.Record()
	if r.Kind() != rxvigil.KindUser {
		return
	}
	p := push.Person{Role: strings.Clone(r.Text(rxvigil.UserRole)), Branch: rxvigil.Branch(strings.Clone(string(r.Branch)))}
	p.Active = c.After != nil && !r.Gone && r.Text(rxvigil.UserActive) != "false"
	at := person{rxvigil.Tenant(strings.Clone(string(r.Tenant))), strings.Clone(r.ID)}
	s.mu.Lock()
	known, ok := s.people[at]
	if s.people == nil {
		s.people = map[person]push.Person{}
	}
	s.people[at] = p
	changed := s.changed
	s.mu.Unlock()
	if changed != nil && (!ok || known != p) {
		changed()
	}
}

// onChange says who hears of changes.
func (s *staff) onChange(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = f
}

// Person is what the app says of a user; false where it says nothing.
func (s *staff) Person(t rxvigil.Tenant, user string) (push.Person, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.people[person{t, user}]
	return p, ok
}
