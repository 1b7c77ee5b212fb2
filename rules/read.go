package rules

import (
	"cmp"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// TenantInfo is what is known of a tenant.
type TenantInfo struct {
	ID              rxvigil.Tenant
	Name, Subdomain string
	Zone            string
	Locale          string // the language that its alerts are written in
	Branches        []BranchInfo
}

// BranchInfo is what is known of a branch.
type BranchInfo struct {
	ID         rxvigil.Branch
	Name, Code string
}

// MedicineInfo is what is known of a medicine.
type MedicineInfo struct {
	ID, Name, Category  string
	ReorderLevel, Price rxvigil.Number
}

// Coverage says of a rule how many shelves it judges, and of how many it cannot tell for want of a number.
type Coverage struct {
	Rule            string
	Shelves, Unsure int
}

// known are the tenants with a record of their own; when the mapping has no such records, those of any record.
func (b *book) known() []*tenant {
	var all []*tenant
	for _, t := range b.tenants {
		if t.id != "" && (t.recorded || b.named == 0) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(x, y *tenant) int { return cmp.Compare(x.id, y.id) })
	return all
}

// Tenants lists the known tenants by id.
func (e *Engine) Tenants() []TenantInfo {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var all []TenantInfo
	for _, t := range e.book.known() {
		all = append(all, e.info(t))
	}
	return all
}

// FindTenant finds a known tenant by id, else by subdomain.
func (e *Engine) FindTenant(name string) (TenantInfo, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var found *tenant
	for _, t := range e.book.known() {
		if string(t.id) == name {
			return e.info(t), true
		}
		if name != "" && t.subdomain == name {
			found = t
		}
	}
	if found == nil {
		return TenantInfo{}, false
	}
	return e.info(found), true
}

func (e *Engine) info(t *tenant) TenantInfo {
	info := TenantInfo{ID: t.id, Name: cmp.Or(t.name, string(t.id)), Subdomain: t.subdomain, Zone: e.zoneOf(t, nil).String(), Locale: e.speechOf(t.id).Language}
	for _, b := range t.branches {
		if b.id != "" {
			info.Branches = append(info.Branches, BranchInfo{ID: b.id, Name: cmp.Or(b.name, string(b.id)), Code: b.code})
		}
	}
	slices.SortFunc(info.Branches, func(x, y BranchInfo) int { return cmp.Compare(x.ID, y.ID) })
	return info
}

// OpenAlerts lists a tenant's open alerts with their present numbers: the most severe first, then the oldest.
func (e *Engine) OpenAlerts(t rxvigil.Tenant) []rxvigil.Alert {
	e.mu.RLock()
	defer e.mu.RUnlock()
	all := make([]rxvigil.Alert, 0, len(e.alerts.tenants[t]))
	for _, o := range e.alerts.tenants[t] {
		all = append(all, o.alert)
		e.say(&all[len(all)-1], "")
	}
	slices.SortFunc(all, func(a, b rxvigil.Alert) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Alert is one open alert.
func (e *Engine) Alert(t rxvigil.Tenant, id string) (rxvigil.Alert, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	o := e.alerts.byID(t, id)
	if o == nil {
		return rxvigil.Alert{}, false
	}
	a := o.alert
	e.say(&a, "")
	return a, true
}

// MedicineCount is the number of medicines that are not deleted.
func (e *Engine) MedicineCount(id rxvigil.Tenant) int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t, n := e.book.tenants[id], 0
	if t == nil {
		return 0
	}
	for m := range t.medicines.all() {
		if m.present && !m.shared {
			n++
		}
	}
	for id, m := range e.book.shared {
		if own := t.medicines.get(id); m.present && (own == nil || own.shared) {
			n++
		}
	}
	return n
}

// Medicine is one medicine that is not deleted.
func (e *Engine) Medicine(id rxvigil.Tenant, medicineID string) (MedicineInfo, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t := e.book.tenants[id]
	if t == nil {
		return MedicineInfo{}, false
	}
	m := t.known(medicineID)
	if m == nil || !m.present {
		return MedicineInfo{}, false
	}
	return m.info(), true
}

func (m *medicine) info() MedicineInfo {
	return MedicineInfo{ID: m.id(), Name: m.name(), Category: m.category(), ReorderLevel: m.reorder(), Price: m.price()}
}

// Untold is how many faults were not raised as alerts since the start, as their tenant had too many open already.
func (e *Engine) Untold() int {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.untold
}

// Coverage says how much of the stock each rule can judge, over all tenants.
func (e *Engine) Coverage() []Coverage {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var all []Coverage
	for i, r := range e.rules {
		if r.kind.judge != nil {
			all = append(all, Coverage{Rule: r.ID, Shelves: e.book.shelves, Unsure: e.unknown[i]})
		}
	}
	return all
}
