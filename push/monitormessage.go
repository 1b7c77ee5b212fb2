package push

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// monitorMessage is one message to portal B: what one transaction did to one medicine in one branch. Its position is that of
// the last event in it, so that a client which has seen it has seen them all.
type monitorMessage struct {
	pos    rxvigil.Position
	frame  []byte
	resync *resync // instead of a frame
}

// monitorMessages makes the messages of one tenant's whole transaction. It depends on nothing else.
func monitorMessages(events []*Event) []monitorMessage {
	var (
		changes []*medicineChange
		out     []monitorMessage
	)
	for _, e := range events {
		if e.Type == rxvigil.Resync {
			r := resyncOf(e)
			out = append(out, monitorMessage{pos: e.Pos, resync: &r})
			continue
		}
		changes = merge(changes, e)
	}
	for _, c := range changes {
		if c.tells() {
			out = append(out, monitorMessage{pos: c.last.Pos, frame: c.frame()})
		}
	}
	slices.SortFunc(out, func(a, b monitorMessage) int { return a.pos.Compare(b.pos) })
	return out
}

type fields = map[string]json.RawMessage

// medicineData is what we read of an event's data.
type medicineData struct {
	ID       string   `json:"id"`
	Medicine string   `json:"medicine"`
	Name     string   `json:"name"`
	Title    string   `json:"medicine_name"`
	Changed  []string `json:"changed"`
	Before   fields   `json:"before"`
	After    fields   `json:"after"`
	all      fields
}

func medicineDataOf(e *Event) (d medicineData, ok bool) {
	var envelope struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(e.JSON, &envelope) != nil || json.Unmarshal(envelope.Data, &d) != nil {
		return d, false
	}
	return d, json.Unmarshal(envelope.Data, &d.all) == nil
}

// medicineChange gathers a transaction's events about one medicine in one branch; about the medicine itself they go with
// the first branch that has any.
type medicineChange struct {
	typ      rxvigil.EventType
	id, name string
	branch   rxvigil.Branch
	last     *Event
	now, was fields // by portal B's names
	order    []string
}

func merge(changes []*medicineChange, e *Event) []*medicineChange {
	if e.Topic != rxvigil.Inventory || e.Type == rxvigil.LotRemoved {
		return changes
	}
	d, ok := medicineDataOf(e)
	if !ok {
		return changes
	}
	id, name := d.ID, d.Name
	if e.Type == rxvigil.LotReceived || e.Type == rxvigil.LotUpdated {
		id, name = d.Medicine, d.Title
	}
	c := find(changes, id, e.Branch)
	if c == nil {
		c = &medicineChange{typ: rxvigil.MedicineUpdated, id: id, branch: e.Branch, now: fields{}, was: fields{}}
		changes = append(changes, c)
	}
	c.add(e, d)
	c.name = cmp.Or(name, c.name)
	return changes
}

func find(changes []*medicineChange, id string, b rxvigil.Branch) *medicineChange {
	for _, c := range changes {
		if c.id == id && (c.branch == b || c.branch == "" || b == "") {
			c.branch = cmp.Or(c.branch, b)
			return c
		}
	}
	return nil
}

func (c *medicineChange) add(e *Event, d medicineData) {
	c.last = e
	switch e.Type {
	case rxvigil.MedicineCreated, rxvigil.MedicineDeleted:
		c.typ = e.Type
		for _, name := range []string{"name", "category", "price"} {
			c.now[name] = d.all[name]
		}
	case rxvigil.MedicineUpdated:
		for _, name := range d.changed() {
			c.set(portalName(name), d.Before[name], d.After[name])
		}
	case rxvigil.StockChanged:
		c.set("currentStock", d.Before["available"], d.After["available"])
	case rxvigil.LotUpdated:
		for _, name := range d.Changed {
			if name == "number" || name == "expires" {
				c.set(portalName(name), d.Before[name], d.After[name])
			}
		}
	case rxvigil.LotReceived:
		c.set("batchNumber", nil, d.all["number"])
		c.set("expiryDate", nil, d.all["expires"])
	}
}

// changed is the list of changed fields. Where the engine keeps no image nobody knows them: all count as changed then.
func (d *medicineData) changed() []string {
	if d.Changed != nil {
		return d.Changed
	}
	d.After = d.all
	var names []string
	for name := range d.all {
		if name != "id" && name != "changed" && name != "before" && name != "after" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (c *medicineChange) set(name string, was, now json.RawMessage) {
	if _, again := c.now[name]; !again {
		c.order = append(c.order, name)
		if was != nil {
			c.was[name] = was
		}
	}
	c.now[name] = or(now)
}

func or(v json.RawMessage) json.RawMessage {
	if v == nil {
		return json.RawMessage("null")
	}
	return v
}

// portalName is portal B's name of a field of ours; the others are camel-cased.
func portalName(name string) string {
	switch name {
	case "reorder_level":
		return "minStockLevel"
	case "max_level":
		return "maxStockLevel"
	case "number":
		return "batchNumber"
	case "expires":
		return "expiryDate"
	}
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// tells tells whether portal B has a word for anything in the change.
func (c *medicineChange) tells() bool { return c.typ != rxvigil.MedicineUpdated || len(c.order) > 0 }

func (c *medicineChange) frame() []byte {
	at := c.last.Pos.String()
	var out sseText
	out.control("", &at, monitorFrame{string(c.typ), c.data(), c.last.At.UTC(), c.last.Tenant})
	return out
}

func (c *medicineChange) data() any {
	switch c.typ {
	case rxvigil.MedicineCreated:
		return struct {
			Medicine fields         `json:"medicine"`
			BranchID rxvigil.Branch `json:"branchId"`
			Message  string         `json:"message"`
		}{c.pick("name", "category", "currentStock", "price"), c.branch, c.name + " was added"}
	case rxvigil.MedicineDeleted:
		return struct {
			Deleted fields `json:"deletedMedicine"`
			Message string `json:"message"`
		}{c.pick("name", "category"), c.name + " was deleted"}
	}
	return struct {
		MedicineID    string         `json:"medicineId"`
		UpdatedFields fields         `json:"updatedFields"`
		PreviousData  fields         `json:"previousData"`
		ChangedFields []string       `json:"changedFields"`
		BranchID      rxvigil.Branch `json:"branchId"`
		Message       string         `json:"message"`
	}{c.id, c.now, c.was, c.order, c.branch, c.name + " changed: " + strings.Join(c.order, ", ")}
}

// pick is the medicine with these fields; what is not known is null, never zero.
func (c *medicineChange) pick(names ...string) fields {
	f := fields{"id": mustJSON(c.id)}
	for _, name := range names {
		f[name] = or(c.now[name])
	}
	return f
}
