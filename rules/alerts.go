package rules

import (
	"slices"

	"github.com/rxvigil/rxvigil"
)

// open is one open alert and the shelf it stands on.
type open struct {
	alert rxvigil.Alert
	print string
	told  description // the numbers of its last transition: what the store knows
	home  shelfKey    // zero: of no shelf
	pass  uint64      // the last judgement that had a verdict on it
}

// shelfKey names a shelf whether or not it still exists.
type shelfKey struct {
	tenant   rxvigil.Tenant
	branch   rxvigil.Branch
	medicine string
}

// lotKey names the alert of a rule about a lot, wherever in its branch it stands.
type lotKey struct {
	tenant    rxvigil.Tenant
	branch    rxvigil.Branch
	rule, lot string
}

func (o *open) lotKey() lotKey {
	return lotKey{o.alert.Tenant, o.alert.Branch, o.alert.Rule, o.alert.Subject.ID}
}

func (s *shelf) key() shelfKey { return shelfKey{s.medicine.tenant.id, s.branch.id, s.medicine.id()} }

// alerts are the open ones, by tenant and fingerprint and by shelf. Their maps of facts are replaced, never changed, so
// that a copy of an alert stays as it is.
type alerts struct {
	tenants  map[rxvigil.Tenant]map[string]*open
	homes    map[shelfKey][]*open
	lots     map[lotKey]*open
	perLot   map[string]int // number of those, by the lot's id alone
	perRule  map[string]int // number of open alerts
	episodes map[string]int // last episode of each fingerprint ever raised
}

func newAlerts() *alerts {
	return &alerts{
		tenants:  map[rxvigil.Tenant]map[string]*open{},
		homes:    map[shelfKey][]*open{},
		lots:     map[lotKey]*open{},
		perLot:   map[string]int{},
		perRule:  map[string]int{},
		episodes: map[string]int{},
	}
}

// byPrint is the open alert of a fingerprint, or nil.
func (a *alerts) byPrint(t rxvigil.Tenant, print string) *open { return a.tenants[t][print] }

// byID is the open alert with this id, or nil.
func (a *alerts) byID(t rxvigil.Tenant, id string) *open {
	const printLen = 32
	if len(id) < printLen {
		return nil
	}
	o := a.byPrint(t, id[:printLen])
	if o == nil || o.alert.ID != id {
		return nil
	}
	return o
}

func (a *alerts) count(t rxvigil.Tenant, rule string) int {
	n := 0
	for _, o := range a.tenants[t] {
		if o.alert.Rule == rule {
			n++
		}
	}
	return n
}

func (a *alerts) add(o *open) {
	t := o.alert.Tenant
	if a.tenants[t] == nil {
		a.tenants[t] = map[string]*open{}
	}
	if a.tenants[t][o.print] == nil {
		a.perRule[o.alert.Rule]++
	}
	a.tenants[t][o.print] = o
	if o.home != (shelfKey{}) {
		a.homes[o.home] = append(a.homes[o.home], o)
	}
	if o.alert.Subject.Type == subjectLot {
		if a.lots[o.lotKey()] == nil {
			a.perLot[o.alert.Subject.ID]++
		}
		a.lots[o.lotKey()] = o
	}
}

func (a *alerts) remove(o *open) {
	if a.tenants[o.alert.Tenant][o.print] != nil {
		delete(a.tenants[o.alert.Tenant], o.print)
		a.perRule[o.alert.Rule]--
	}
	if o.alert.Subject.Type == subjectLot && a.lots[o.lotKey()] != nil {
		delete(a.lots, o.lotKey())
		if a.perLot[o.alert.Subject.ID]--; a.perLot[o.alert.Subject.ID] == 0 {
			delete(a.perLot, o.alert.Subject.ID)
		}
	}
	a.leaveHome(o)
}

// rehome moves an alert to the other shelf that its subject stands on now.
func (a *alerts) rehome(o *open, home shelfKey) {
	a.leaveHome(o)
	o.home = home
	a.homes[home] = append(a.homes[home], o)
}

func (a *alerts) leaveHome(o *open) {
	rest := a.homes[o.home][:0:0]
	for _, other := range a.homes[o.home] {
		if other != o {
			rest = append(rest, other)
		}
	}
	if len(rest) == 0 {
		delete(a.homes, o.home)
		return
	}
	a.homes[o.home] = rest
}

// restored is a stored alert as an open one.
func restored(a rxvigil.Alert) *open {
	o := &open{alert: a, print: a.Fingerprint()}
	o.remember()
	switch a.Subject.Type {
	case subjectMedicine:
		o.home = shelfKey{a.Tenant, a.Branch, a.Subject.ID}
	case subjectLot:
		o.home = shelfKey{a.Tenant, a.Branch, a.Subject.Medicine}
	}
	return o
}

// share lets go of facts that were found again as they had been told: an alert keeps one copy of them.
func (o *open) share(d description) {
	if sameFacts(o.told.values, d.values) {
		o.told.values = d.values
	}
	if sameFacts(o.told.inputs, d.inputs) {
		if sameFacts(o.alert.Why.Inputs, d.inputs) {
			o.alert.Why.Inputs = d.inputs
		}
		o.told.inputs = d.inputs
	}
	if a, b := o.told.threshold, d.threshold; a != nil && b != nil && a.Source == b.Source && sameFact(a.Value, b.Value) {
		o.told.threshold = b
	}
}

// sameFacts tells whether two say the same, to the letter.
func sameFacts(a, b rxvigil.Facts) bool {
	return slices.EqualFunc(a, b, func(a, b rxvigil.Fact) bool { return a.Name == b.Name && sameFact(a.Value, b.Value) })
}

// sameFact is also true of a day and the text that was read back of it.
func sameFact(a, b rxvigil.Value) bool {
	plain := func(t rxvigil.FieldType) bool { return t == rxvigil.TypeNumber || t == rxvigil.TypeTruth }
	return a.IsKnown() == b.IsKnown() && a.IsNull() == b.IsNull() && a.Text() == b.Text() &&
		(a.Type() == b.Type() || !plain(a.Type()) && !plain(b.Type()))
}

// remember notes the numbers that are being told.
func (o *open) remember() {
	o.told = description{values: o.alert.Values, inputs: o.alert.Why.Inputs, threshold: o.alert.Threshold}
}
