package push

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/signalr"
)

// hubCall is one event as a SignalR portal hears it: a call of a target, with the payload that the portal reads and the native
// envelope without its data, which holds the cursor.
type hubCall struct {
	event *Event
	topic rxvigil.Topic // of the hub that has the target: an alert about stock is told on the inventory hub too
	frame []byte        // nil: a resync, which is told as one
}

// hubCallsOf makes the calls of one tenant's transaction, in order. It depends on nothing else.
func hubCallsOf(events []*Event) (out []hubCall) {
	for _, e := range events {
		if e.Type == rxvigil.Resync {
			out = append(out, hubCall{event: e})
			continue
		}
		for _, s := range spellings(e) {
			frame := signalr.AppendInvocation(nil, s.target, mustJSON(s.payload), bareEnvelope(e))
			out = append(out, hubCall{e, s.topic, frame})
		}
	}
	return out
}

// dataMark begins the data in an envelope. It cannot stand inside a string, whose quotes are escaped.
var dataMark = []byte(`,"data":`)

// bareEnvelope is the native envelope without its data.
func bareEnvelope(e *Event) []byte {
	head, _, ok := bytes.Cut(e.JSON, dataMark)
	if !ok {
		return []byte("{}")
	}
	return append(bytes.Clone(head), '}')
}

// dataOf is an envelope's data; nothing when that is not JSON, for what we make of it must be.
func dataOf(e *Event) rawJSON {
	_, data, _ := bytes.Cut(e.JSON, dataMark)
	data = bytes.TrimSuffix(data, []byte{'}'})
	if !json.Valid(data) {
		return nil
	}
	return data
}

// spelling is one target of a hub and its payload.
type spelling struct {
	topic   rxvigil.Topic
	target  string
	payload any
}

// spellings are how an event is told to portals that speak SignalR. What cannot be read is told with the fields it has.
func spellings(e *Event) []spelling {
	data := dataOf(e)
	switch e.Type {
	case rxvigil.StockChanged:
		return []spelling{{e.Topic, "StockLevelChanged", newStockPayload(e, data)}}
	case rxvigil.AlertRaised, rxvigil.AlertChanged, rxvigil.AlertAcknowledged, rxvigil.AlertSnoozed, rxvigil.AlertResolved:
		return alertSpellings(e, data)
	}
	if e.Topic == rxvigil.Notifications {
		return []spelling{{e.Topic, "ReceiveNotification", newCustomNotification(e, data)}}
	}
	return []spelling{{e.Topic, hubTarget(e.Type), newDocument(e.Type, data)}}
}

// hubTarget names an event's target as the deployed portals do; events that they have no word for are called as we call them.
func hubTarget(t rxvigil.EventType) string {
	switch t {
	case rxvigil.MedicineCreated:
		return "ProductAdded"
	case rxvigil.MedicineUpdated:
		return "ProductUpdated"
	case rxvigil.MedicineDeleted:
		return "ProductDeleted"
	case rxvigil.SaleCreated:
		return "NewSale"
	case rxvigil.PrescriptionCreated:
		return "NewPrescription"
	case rxvigil.PrescriptionDispensed: // a change of its status like any other
		return "PrescriptionStatusChanged"
	}
	var name strings.Builder
	for word := range strings.SplitSeq(string(t), "_") {
		if word != "" {
			name.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return name.String()
}

// stockPayload is the payload of StockLevelChanged. A number nobody knows is null, and then nobody knows whether stock is low.
type stockPayload struct {
	ProductID     string         `json:"productId"`
	ProductName   string         `json:"productName"`
	CurrentStock  rxvigil.Number `json:"currentStock"`
	PreviousStock rxvigil.Number `json:"previousStock"`
	MinStockLevel rxvigil.Number `json:"minStockLevel"`
	IsLowStock    *bool          `json:"isLowStock"`
	BranchID      rxvigil.Branch `json:"branchId"`
}

func newStockPayload(e *Event, data rawJSON) stockPayload {
	type stock struct {
		Available rxvigil.Number `json:"available"`
	}
	var d struct {
		ID           string         `json:"id"`
		Name         string         `json:"name"`
		ReorderLevel rxvigil.Number `json:"reorder_level"`
		Before       stock          `json:"before"`
		After        stock          `json:"after"`
	}
	d.ReorderLevel, d.Before.Available, d.After.Available = rxvigil.UnknownNumber, rxvigil.UnknownNumber, rxvigil.UnknownNumber
	_ = json.Unmarshal(data, &d) // what it cannot read stays unknown
	p := stockPayload{d.ID, d.Name, d.After.Available, d.Before.Available, d.ReorderLevel, nil, e.Branch}
	if p.CurrentStock.Known() && p.MinStockLevel.Known() {
		low := p.CurrentStock.Cmp(p.MinStockLevel) <= 0
		p.IsLowStock = &low
	}
	return p
}
