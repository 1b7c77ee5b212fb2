package cdc

import (
	"github.com/rxvigil/rxvigil"
)

// Happening is an event that still lacks its position: Row says which row change of the transaction it stands at.
type Happening struct {
	Row    uint32
	Type   rxvigil.EventType
	Tenant rxvigil.Tenant
	Branch rxvigil.Branch
	Data   rxvigil.EventData
}

// Names looks up the current name of a medicine; empty when it is unknown.
type Names func(t rxvigil.Tenant, medicine string) string

// Happenings tells what a transaction's changes mean, in their order. Quantities of lots are not told here: they are
// summed per medicine by whoever folds them. Tenants, branches, movements and lines tell nothing of their own; what a branch wants
// to have of a medicine is told of the medicine.
func Happenings(changes []rxvigil.Change, names Names) []Happening {
	var out []Happening
	for i := range changes {
		c := &changes[i]
		if c.Record().Schema.Silent {
			continue
		}
		switch c.Record().Kind() {
		case rxvigil.KindMedicine:
			out = append(out, lifeOf(c, rxvigil.MedicineCreated, rxvigil.MedicineUpdated, rxvigil.MedicineDeleted)...)
		case rxvigil.KindLot:
			out = append(out, lot(c, names)...)
		case rxvigil.KindSale:
			out = append(out, sale(c, names)...)
		case rxvigil.KindPrescription:
			out = append(out, prescription(c, names)...)
		case rxvigil.KindLevel:
			out = append(out, level(c, names)...)
		case rxvigil.KindCustom:
			life := &c.Record().Schema.Life
			out = append(out, lifeOf(c, life.Created, life.Updated, life.Removed)...)
		case rxvigil.KindPatient:
			out = append(out, lifeOf(c, rxvigil.PatientRegistered, rxvigil.PatientUpdated, rxvigil.PatientRemoved)...)
		}
	}
	return out
}

// alive is the record as an entity: a soft-deleted one is none.
func alive(r *rxvigil.Record) *rxvigil.Record {
	if r == nil || r.Gone {
		return nil
	}
	return r
}

// lifeOf tells that an entity came, changed or went. One that is restored after a soft delete came again.
func lifeOf(c *rxvigil.Change, came, changed, went rxvigil.EventType) []Happening {
	before, after := alive(c.Before), alive(c.After)
	switch {
	case before == nil && after == nil:
		return nil
	case before == nil:
		return one(c, came, after, rxvigil.EntityChange{Record: after})
	case after == nil:
		return one(c, went, before, rxvigil.EntityChange{Record: before})
	}
	diff := changedFields(before, after)
	if len(diff) == 0 && c.Was == nil && before.Tenant == after.Tenant && before.Branch == after.Branch {
		return nil
	}
	return one(c, changed, after, rxvigil.EntityChange{Record: after, Before: before, Changed: diff})
}

func one(c *rxvigil.Change, t rxvigil.EventType, r *rxvigil.Record, data rxvigil.EntityChange) []Happening {
	return []Happening{{Row: c.Row, Type: t, Tenant: r.Tenant, Branch: r.Branch, Data: data}}
}

func changedFields(before, after *rxvigil.Record) []int {
	changed := []int{}
	for i := range after.Values {
		if !before.Value(i).Equal(after.Values[i]) {
			changed = append(changed, i)
		}
	}
	return changed
}

func lot(c *rxvigil.Change, names Names) []Happening {
	if sameButQuantities(alive(c.Before), alive(c.After)) {
		return nil
	}
	out := lifeOf(c, rxvigil.LotReceived, rxvigil.LotUpdated, rxvigil.LotRemoved)
	if len(out) == 0 {
		return nil
	}
	data := out[0].Data.(rxvigil.EntityChange)
	data.Name = names(out[0].Tenant, data.Record.Text(rxvigil.LotMedicine))
	if out[0].Type == rxvigil.LotUpdated {
		if data.Changed = withoutQuantities(data.Changed); len(data.Changed) == 0 {
			return nil
		}
	}
	out[0].Data = data
	return out
}

// sameButQuantities tells whether nothing of a lot changed that is told of it: so it is with nearly every change of a lot,
// and it costs nothing to find out.
func sameButQuantities(before, after *rxvigil.Record) bool {
	if before == nil || after == nil {
		return false
	}
	for i := range after.Values {
		if i != rxvigil.LotOnHand && i != rxvigil.LotReserved && !before.Value(i).Equal(after.Values[i]) {
			return false
		}
	}
	return true
}

func withoutQuantities(fields []int) []int {
	kept := []int{}
	for _, f := range fields {
		if f != rxvigil.LotOnHand && f != rxvigil.LotReserved {
			kept = append(kept, f)
		}
	}
	return kept
}

// level tells of a medicine what one branch wants to have of it.
func level(c *rxvigil.Change, names Names) []Happening {
	r := c.Record()
	before, after := levelOf(r, alive(c.Before), names), levelOf(r, alive(c.After), names)
	if diff := changedFields(before, after); len(diff) > 0 {
		return one(c, rxvigil.MedicineUpdated, after, rxvigil.EntityChange{Record: after, Before: before, Changed: diff})
	}
	return nil
}

// levelOf is the medicine of a level with what is wanted of it: null without one.
func levelOf(of, level *rxvigil.Record, names Names) *rxvigil.Record {
	m := &rxvigil.Record{Schema: rxvigil.NewSchema(rxvigil.KindMedicine), ID: of.Text(rxvigil.LevelMedicine), Tenant: of.Tenant, Branch: of.Branch}
	m.Values = make([]rxvigil.Value, len(m.Schema.Fields))
	m.Values[rxvigil.MedicineName] = rxvigil.ValueOf(rxvigil.TypeText, names(of.Tenant, m.ID))
	for from, to := range map[int]int{rxvigil.LevelReorderLevel: rxvigil.MedicineReorderLevel, rxvigil.LevelMaxLevel: rxvigil.MedicineMaxLevel} {
		m.Values[to] = rxvigil.Null(rxvigil.TypeNumber)
		if level != nil {
			m.Values[to] = level.Value(from)
		}
	}
	return m
}

// documentLife tells the life of a sale or prescription with its lines.
func documentLife(c *rxvigil.Change, names Names, came, changed, went rxvigil.EventType) []Happening {
	out := lifeOf(c, came, changed, went)
	for i := range out {
		data := out[i].Data.(rxvigil.EntityChange)
		data.Lines, data.Was = named(c.Lines, out[i].Tenant, names), named(c.Was, out[i].Tenant, names)
		if data.Before == nil {
			data.Was = nil
		}
		out[i].Data = data
	}
	return out
}

func named(records []*rxvigil.Record, t rxvigil.Tenant, names Names) []rxvigil.Line {
	if records == nil {
		return nil
	}
	lines := make([]rxvigil.Line, 0, len(records))
	for _, r := range records {
		medicine := r.Schema.Index("medicine")
		lines = append(lines, rxvigil.Line{Record: r, MedicineName: names(t, r.Text(medicine))})
	}
	return lines
}

// Came tells of a sale or prescription that it came, as it is now.
func Came(row uint32, d *rxvigil.EntityChange) []Happening {
	c := rxvigil.Change{Row: row, After: d.Record}
	of := sale
	if d.Record.Kind() == rxvigil.KindPrescription {
		of = prescription
	}
	out := of(&c, nil)
	for i := range out {
		data := out[i].Data.(rxvigil.EntityChange)
		data.Lines = d.Lines
		out[i].Data = data
	}
	return out
}

// sale gives a sale's event by what its status became; one that appears completed was created and completed.
func sale(c *rxvigil.Change, names Names) []Happening {
	out := documentLife(c, names, rxvigil.SaleCreated, rxvigil.SaleUpdated, rxvigil.SaleCancelled)
	if len(out) == 0 {
		return nil
	}
	status := saleEvent(c.Record().Text(rxvigil.SaleStatus))
	switch out[0].Type {
	case rxvigil.SaleCreated:
		if status != rxvigil.SaleUpdated {
			second := out[0]
			second.Type = status
			out = append(out, second)
		}
	case rxvigil.SaleUpdated:
		if !c.Before.Value(rxvigil.SaleStatus).Equal(c.After.Value(rxvigil.SaleStatus)) {
			out[0].Type = status
		}
	}
	return out
}

func saleEvent(status string) rxvigil.EventType {
	switch status {
	case "completed":
		return rxvigil.SaleCompleted
	case "cancelled", "void":
		return rxvigil.SaleCancelled
	case "returned", "partially_returned":
		return rxvigil.SaleReturned
	}
	return rxvigil.SaleUpdated
}

// prescription gives a prescription's event by what its status became; one that appears dispensed was created and dispensed.
func prescription(c *rxvigil.Change, names Names) []Happening {
	out := documentLife(c, names, rxvigil.PrescriptionCreated, rxvigil.PrescriptionUpdated, rxvigil.PrescriptionStatusChanged)
	if len(out) == 1 && out[0].Type == rxvigil.PrescriptionCreated && c.After.Text(rxvigil.PrescriptionStatus) == "dispensed" {
		second := out[0]
		second.Type = rxvigil.PrescriptionDispensed
		return append(out, second)
	}
	if len(out) == 0 || out[0].Type != rxvigil.PrescriptionUpdated {
		return out
	}
	if c.Before.Value(rxvigil.PrescriptionStatus).Equal(c.After.Value(rxvigil.PrescriptionStatus)) {
		return out
	}
	out[0].Type = rxvigil.PrescriptionStatusChanged
	if c.After.Text(rxvigil.PrescriptionStatus) == "dispensed" {
		out[0].Type = rxvigil.PrescriptionDispensed
	}
	return out
}
