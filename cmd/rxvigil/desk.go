package main

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
)

// desk answers push from the rules' memory and, for what has ended, from the alert store.
type desk struct{ e *engine }

// Tenants lists every tenant.
func (d desk) Tenants() []push.Tenant {
	r := d.e.rules.Load()
	var all []push.Tenant
	for _, t := range r.Tenants() {
		all = append(all, shownTenant(r, t))
	}
	return all
}

// Tenant finds one by id or subdomain.
func (d desk) Tenant(name string) (push.Tenant, bool) {
	r := d.e.rules.Load()
	t, ok := r.FindTenant(name)
	if !ok {
		return push.Tenant{}, false
	}
	return shownTenant(r, t), true
}

func shownTenant(r *rules.Engine, t rules.TenantInfo) push.Tenant {
	out := push.Tenant{ID: t.ID, Name: t.Name, Subdomain: t.Subdomain, Zone: t.Zone, Locale: t.Locale, MedicineCount: r.MedicineCount(t.ID), Branches: []push.Branch{}}
	for _, b := range t.Branches {
		out.Branches = append(out.Branches, push.Branch{ID: b.ID, Name: b.Name})
	}
	return out
}

func shownBranch(b rules.BranchInfo) *push.Branch {
	if b.ID == "" {
		return nil
	}
	return &push.Branch{ID: b.ID, Name: b.Name}
}

// Stock lists what is on the shelves.
func (d desk) Stock(_ context.Context, t rxvigil.Tenant, q push.StockQuery) ([]push.StockItem, string, error) {
	after, err := openKey(q.After)
	if err != nil {
		return nil, "", err
	}
	if q.Urgent {
		return stockItems(d.e.rules.Load().Urgent(t, q.Branch, q.Limit)), "", nil
	}
	lines := d.e.rules.Load().Stock(t, rules.StockQuery{Branch: q.Branch, Medicine: q.Medicine, Text: q.Text, After: after, Limit: q.Limit + 1})
	next := ""
	if len(lines) > q.Limit {
		lines = lines[:q.Limit]
		next = closeKey(lines[q.Limit-1].Key())
	}
	return stockItems(lines), next, nil
}

func stockItems(lines []rules.StockLine) []push.StockItem {
	items := make([]push.StockItem, 0, len(lines))
	for _, l := range lines {
		items = append(items, stockItem(l))
	}
	return items
}

func stockItem(l rules.StockLine) push.StockItem {
	item := push.StockItem{
		Medicine: push.MedicineItem{
			ID: l.Medicine.ID, Name: l.Medicine.Name, Category: rxvigil.TextOf(l.Medicine.Category),
			ReorderLevel: l.Medicine.ReorderLevel, Price: l.Medicine.Price,
		},
		Branch: shownBranch(l.Branch), OnHand: l.OnHand, Reserved: l.Reserved, Available: l.Available,
		Status: string(l.Status), Lots: []push.LotItem{},
		DailyUse: l.Use.Daily, CoverDays: l.Use.Cover, Min: l.Use.Min, Max: l.Use.Max, Order: l.Use.Order,
	}
	if l.Medicine.Category == "" {
		item.Medicine.Category = rxvigil.Null(rxvigil.TypeText)
	}
	for _, lot := range l.Lots {
		item.Lots = append(item.Lots, push.LotItem{
			ID: lot.ID, Number: lot.Number, Expires: lot.Expires, Days: lot.Days, OnHand: lot.OnHand, Reserved: lot.Reserved,
		})
	}
	return item
}

// Expiring lists lots that expire soon or have.
func (d desk) Expiring(_ context.Context, t rxvigil.Tenant, q push.ExpiringQuery) ([]push.ExpiringItem, string, error) {
	engine := d.e.rules.Load()
	pack := engine.Pack()
	lines, next, err := pageOf(engine.Expiring(t, q.Branch, q.Days), q.Page, func(l rules.ExpiringLine) string { return l.Lot.ID })
	if err != nil {
		return nil, "", err
	}
	items := make([]push.ExpiringItem, 0, len(lines))
	for _, l := range lines {
		item := expiringItem(l)
		item.Rung = rungOf(pack, item.Days)
		items = append(items, item)
	}
	return items, next, nil
}

func expiringItem(l rules.ExpiringLine) push.ExpiringItem {
	item := push.ExpiringItem{
		Medicine: push.ExpiringMedicine{ID: l.Medicine.ID, Name: l.Medicine.Name}, Branch: shownBranch(l.Branch),
		Lot: push.ExpiringLot{ID: l.Lot.ID, Number: l.Lot.Number, Expires: l.Lot.Expires, OnHand: l.Lot.OnHand},
	}
	if l.Lot.Days != nil {
		item.Days = *l.Lot.Days
	}
	return item
}

// Prescriptions lists those that wait.
func (d desk) Prescriptions(_ context.Context, t rxvigil.Tenant, q push.PrescriptionQuery) ([]push.PrescriptionItem, string, error) {
	lines, next, err := pageOf(d.e.rules.Load().Prescriptions(t, q.Branch), q.Page, func(l rules.PrescriptionLine) string { return l.ID })
	if err != nil {
		return nil, "", err
	}
	items := make([]push.PrescriptionItem, 0, len(lines))
	for _, l := range lines {
		item := push.PrescriptionItem{ID: l.ID, Number: l.Number, Branch: shownBranch(l.Branch), Status: l.Status, Patient: l.Patient, Since: l.Since, ValidUntil: l.Until}
		for _, m := range l.Medicines {
			item.Lines = append(item.Lines, push.PrescribedItem{Medicine: push.ExpiringMedicine{ID: m.Medicine.ID, Name: m.Medicine.Name}, Quantity: m.Quantity, Dispensed: m.Dispensed})
		}
		items = append(items, item)
	}
	return items, next, nil
}

// Say says an open alert in another language.
func (d desk) Say(a *rxvigil.Alert, language string) string { return d.e.rules.Load().Say(a, language) }

// Open gives every open alert.
func (d desk) Open(_ context.Context, t rxvigil.Tenant) ([]rxvigil.Alert, error) {
	return d.e.rules.Load().OpenAlerts(t), nil
}

// Alerts lists open alerts from memory, ended ones from the store; all is the open ones, then the ended ones.
func (d desk) Alerts(ctx context.Context, t rxvigil.Tenant, q push.AlertQuery) ([]rxvigil.Alert, string, error) {
	key, err := openKey(q.After)
	if err != nil {
		return nil, "", err
	}
	ended, inEnded := strings.CutPrefix(key, "ended:")
	if !inEnded {
		ended = "" // the key is an open alert's: the ended ones come from their top
	}
	var items []rxvigil.Alert
	if q.Status != string(rxvigil.Resolved) && !inEnded {
		items, err = d.openAfter(t, q, key)
		if err != nil || len(items) > q.Limit {
			items = items[:min(len(items), q.Limit)]
			if len(items) > 0 {
				return items, closeKey(items[len(items)-1].ID), err
			}
			return items, "", err
		}
	}
	if q.Status != string(rxvigil.Resolved) && q.Status != "all" {
		return items, "", nil
	}
	if len(items) == q.Limit {
		return items, closeKey("ended:"), nil
	}
	more, next, err := d.endedAfter(ctx, t, q, ended, q.Limit-len(items))
	return append(items, more...), next, err
}

func (d desk) openAfter(t rxvigil.Tenant, q push.AlertQuery, after string) ([]rxvigil.Alert, error) {
	all := d.e.rules.Load().OpenAlerts(t)
	if after != "" {
		i := slices.IndexFunc(all, func(a rxvigil.Alert) bool { return a.ID == after })
		all = all[i+1:] // an alert that ended meanwhile: from the top, which repeats and misses nothing
	}
	items := []rxvigil.Alert{}
	for _, a := range all {
		if wanted(&a, q) {
			items = append(items, a)
		}
	}
	return items, nil
}

func wanted(a *rxvigil.Alert, q push.AlertQuery) bool {
	status := q.Status == "" || q.Status == "open" || q.Status == "all" || q.Status == string(a.Status)
	return status && (q.Severity == "" || q.Severity == a.Severity) && (q.Rule == "" || q.Rule == a.Rule) &&
		(q.Branch == "" || q.Branch == a.Branch || a.Branch == "")
}

func (d desk) endedAfter(ctx context.Context, t rxvigil.Tenant, q push.AlertQuery, after string, limit int) ([]rxvigil.Alert, string, error) {
	rq := rules.ResolvedQuery{Rule: q.Rule, After: after, Limit: limit}
	if q.Branch != "" {
		rq.Branches = []rxvigil.Branch{q.Branch, ""}
	}
	page, err := d.e.store.Resolved(ctx, t, rq)
	if err != nil {
		return nil, "", err
	}
	var items []rxvigil.Alert
	for _, a := range page.Alerts {
		if q.Severity == "" || q.Severity == a.Severity {
			items = append(items, a)
		}
	}
	if page.Next == "" {
		return items, "", nil
	}
	return items, closeKey("ended:" + page.Next), nil
}

// Alert gives one with its history; an open one with its present numbers.
func (d desk) Alert(ctx context.Context, t rxvigil.Tenant, id string) (rxvigil.Alert, []push.HistoryLine, error) {
	a, lines, err := d.e.store.Alert(ctx, t, id)
	if errors.Is(err, rules.ErrNotFound) {
		return a, nil, push.ErrNotFound
	}
	if err != nil {
		return a, nil, err
	}
	if now, ok := d.e.rules.Load().Alert(t, id); ok {
		a = now
	}
	history := make([]push.HistoryLine, 0, len(lines))
	for _, l := range lines {
		history = append(history, push.HistoryLine{
			Version: l.Version, Event: l.Event, From: l.From, To: l.To, Severity: l.Severity, At: l.At, By: l.By, Note: l.Note,
			Cursor: l.Pos.String(),
		})
	}
	return a, history, nil
}

// Vitals is how the engine is.
func (d desk) Vitals() push.EngineVitals { return d.e.vital.snapshot() }

// Unready gives the reasons why nothing should rely on us now.
func (d desk) Unready() []string {
	switch v := d.e.vital.snapshot(); v.Status {
	case "live":
		return nil
	case "catching_up":
		return []string{"catching up with the source"}
	case "stale":
		return []string{"the source is out of sight"}
	}
	return []string{"reading the source's tables"}
}

// pageOf is a page of a list that stands in memory, whose lines have ids; next is the key of the one behind it.
func pageOf[T any](lines []T, p push.Page, id func(T) string) (page []T, next string, err error) {
	after, err := openKey(p.After)
	if err != nil {
		return nil, "", err
	}
	if after != "" {
		i := slices.IndexFunc(lines, func(l T) bool { return id(l) == after })
		if i < 0 {
			return nil, "", push.ErrBadPage
		}
		lines = lines[i+1:]
	}
	if len(lines) > p.Limit {
		lines = lines[:p.Limit]
		next = closeKey(id(lines[p.Limit-1]))
	}
	return lines, next, nil
}

// Keys of lists travel as opaque text.
func closeKey(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

func openKey(text string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", push.ErrBadPage
	}
	return string(b), nil
}

// rungOf is the rung of a pack's expiry ladder for so many days; empty above the ladder.
func rungOf(pack rules.Pack, days int) string {
	if days < 0 {
		return "expired"
	}
	best, rung := int(^uint(0)>>1), ""
	for _, t := range pack.ExpiryTiers() {
		if days <= t.Within && t.Within < best {
			best, rung = t.Within, t.Rung
		}
	}
	return rung
}

// Overrides lists what people set, with who did.
func (d desk) Overrides(ctx context.Context, t rxvigil.Tenant) ([]push.OverrideItem, error) {
	all, err := d.e.store.Overrides(ctx, t)
	if err != nil {
		return nil, err
	}
	r := d.e.rules.Load()
	branches := branchesOf(r, t)
	items := make([]push.OverrideItem, 0, len(all))
	for _, o := range all {
		m, _ := r.Medicine(t, o.Medicine) // one that is gone has no name
		items = append(items, push.OverrideItem{
			Rule: o.Rule, Medicine: push.ExpiringMedicine{ID: o.Medicine, Name: m.Name}, Branch: branches(o.Branch), Value: *o.Value, By: o.By, At: o.At,
		})
	}
	return items, nil
}

// Thresholds lists by which thresholds a medicine is judged.
func (d desk) Thresholds(_ context.Context, t rxvigil.Tenant, medicine string) ([]push.ThresholdItem, error) {
	r := d.e.rules.Load()
	if _, ok := r.Medicine(t, medicine); !ok {
		return nil, push.ErrNotFound
	}
	branches := branchesOf(r, t)
	items := []push.ThresholdItem{}
	for _, l := range r.Thresholds(t, medicine, "") {
		items = append(items, push.ThresholdItem{Rule: l.Rule, Branch: branches(l.Branch), Threshold: l.Threshold})
	}
	return items, nil
}

// branchesOf gives a tenant's branches by their ids, as the API shows them.
func branchesOf(r *rules.Engine, t rxvigil.Tenant) func(rxvigil.Branch) *push.Branch {
	names := map[rxvigil.Branch]string{}
	if info, ok := r.FindTenant(string(t)); ok {
		for _, b := range info.Branches {
			names[b.ID] = b.Name
		}
	}
	return func(id rxvigil.Branch) *push.Branch {
		if id == "" {
			return nil
		}
		return &push.Branch{ID: id, Name: names[id]}
	}
}
