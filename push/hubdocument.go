package push

import (
	"encoding/json"
	"maps"

	"github.com/rxvigil/rxvigil"
)

// renames are the portals' own names of a document's fields; the others are camel-cased.
type renames map[string]string

// renamesOf gives the names for the topic that an event is about.
func renamesOf(t rxvigil.EventType) renames {
	lines := renames{"medicine": "productId", "medicine_name": "productName", "lines": "items", "patient": "patientId"}
	switch {
	case t.Topic() == rxvigil.Sales:
		lines["number"] = "saleNumber"
	case t.Topic() == rxvigil.Prescriptions:
		lines["number"] = "prescriptionNumber"
	case t.Topic() == rxvigil.Patients:
		lines["number"] = "patientNumber"
	}
	return lines
}

func (r renames) of(field string) string {
	if name, ok := r[field]; ok {
		return name
	}
	return portalName(field)
}

// newDocument is a medicine, lot, sale, prescription or patient with its fields as portals name them; of a change also which
// fields changed, and what they were before.
func newDocument(t rxvigil.EventType, data rawJSON) fields {
	var d medicineData
	_ = json.Unmarshal(data, &d) // what it cannot read is left out
	_ = json.Unmarshal(data, &d.all)
	r := renamesOf(t)
	maps.DeleteFunc(d.all, func(name string, _ json.RawMessage) bool {
		return name == "changed" || name == "before" || name == "after"
	})
	out := r.object(d.all)
	if t.Topic() == rxvigil.Prescriptions {
		out["patientName"] = or(out["patientName"])
		out["previousStatus"] = or(d.Before["status"])
	}
	if d.Changed != nil {
		changed := make([]string, len(d.Changed))
		for i, name := range d.Changed {
			changed[i] = r.of(name)
		}
		out["changedFields"], out["previous"] = mustJSON(changed), mustJSON(r.object(d.Before))
	}
	return out
}

func (r renames) object(in fields) fields {
	out := make(fields, len(in))
	for name, v := range in {
		if name == "lines" {
			v = r.list(v)
		}
		out[r.of(name)] = or(v)
	}
	return out
}

func (r renames) list(in json.RawMessage) json.RawMessage {
	var lines []fields
	if json.Unmarshal(in, &lines) != nil {
		return in
	}
	out := make([]fields, len(lines))
	for i, line := range lines {
		out[i] = r.object(line)
	}
	return mustJSON(out)
}
