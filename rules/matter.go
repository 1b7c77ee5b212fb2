package rules

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// matter is something about a document that is not settled: a prescription that is open, a sale whose stock is still to move. It is
// remembered as usage is, for no image of a row tells since when it waits.
type matter interface {
	// key names the matter within its tenant: its form, a slash, an id.
	key() string
	// due is when the matter is looked at again although nothing happened to it; zero: never.
	due() time.Time
	// wake is called when it is due. What is still due at the same time afterwards is dropped.
	wake(e *Engine, t *tenant)
}

// The forms of matters.
const (
	formPrescription = "prescription"
	formUnproven     = "unproven"
	formOwed         = "owed"
	formHanded       = "handed"
	formSensor       = "sensor"
	formBreach       = "breach"
	formPending      = "pending"
	formClearing     = "clearing"
	formFlap         = "flap"
	formTill         = "till"
)

func newMatter(key string) (matter, error) {
	switch form, _, _ := strings.Cut(key, "/"); form {
	case formPrescription:
		return &prescription{}, nil
	case formUnproven:
		return &unproven{}, nil
	case formOwed:
		return &owed{}, nil
	case formHanded:
		return &handed{}, nil
	case formPending, formClearing:
		return &hold{}, nil
	case formFlap:
		return &flapping{}, nil
	case formTill:
		return &till{}, nil
	case formSensor:
		return &sensor{}, nil
	case formBreach:
		return &breach{}, nil
	}
	return nil, fmt.Errorf("matter %.80q is not one of ours", key)
}

// keep remembers a matter as it is now.
func (e *Engine) keep(t *tenant, m matter) {
	t.place(m)
	e.out.Usage = append(e.out.Usage, usageOf(t, m))
	e.await(m.due(), t.id, m.key())
}

// settleMatter forgets the matter of that key, if there is one.
func (e *Engine) settleMatter(t *tenant, m matter) {
	key := m.key()
	kept := t.matters[key]
	if kept == nil {
		return
	}
	t.remove(kept)
	e.out.Usage = append(e.out.Usage, Usage{Tenant: t.id, Matter: key})
}

// place puts a matter where it is found.
func (t *tenant) place(m matter) {
	if t.matters == nil {
		t.matters = map[string]matter{}
	}
	if old := t.matters[m.key()]; old != nil {
		t.remove(old)
	}
	t.matters[m.key()] = m
	switch m := m.(type) {
	case *prescription:
		t.index(m)
	case *owed:
		s := t.shelf(m.Medicine, m.Branch)
		s.rarely(func(r *rare) { r.owed = m.among(r.owed) })
	case *hold:
		s := t.shelf(m.Medicine, m.Branch)
		s.rarely(func(r *rare) { r.holds = append(r.holds, m) })
	}
}

func (t *tenant) remove(m matter) {
	delete(t.matters, m.key())
	switch m := m.(type) {
	case *prescription:
		t.unindex(m)
	case *owed:
		s := t.shelf(m.Medicine, m.Branch)
		s.rarely(func(r *rare) { r.owed = m.without(r.owed) })
	case *hold:
		s := t.shelf(m.Medicine, m.Branch)
		s.rarely(func(r *rare) { r.holds = slices.DeleteFunc(r.holds, func(o *hold) bool { return o == m }) })
	}
}

func usageOf(t *tenant, m matter) Usage {
	body, err := json.Marshal(m)
	if err != nil { // every field marshals; this is a programmer's mistake
		panic(err)
	}
	return Usage{Tenant: t.id, Matter: m.key(), Body: string(body)}
}

// restoreMatter takes back what usageOf gave.
func (e *Engine) restoreMatter(u Usage) {
	m, err := newMatter(u.Matter)
	if err == nil {
		err = json.Unmarshal([]byte(u.Body), m)
	}
	if err != nil {
		e.log.Error("matter cannot be read", "tenant", u.Tenant, "matter", u.Matter, "error", err)
		return
	}
	e.book.tenant(u.Tenant).place(m)
	e.await(m.due(), u.Tenant, u.Matter)
}

// wakeMatter looks at a matter whose time has come.
func (e *Engine) wakeMatter(id rxvigil.Tenant, key string, at time.Time) {
	t := e.book.tenants[id]
	if t == nil || t.matters[key] == nil || !t.matters[key].due().Equal(at) {
		return // it was settled, or waits for another time
	}
	m := t.matters[key]
	m.wake(e, t)
	if t.matters[key] == m && m.due().Equal(at) {
		e.settleMatter(t, m)
	}
}
