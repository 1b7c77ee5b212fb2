package push

import (
	"encoding/json"
	"time"

	"github.com/rxvigil/rxvigil"
)

// notificationPayload is the payload of ReceiveNotification.
type notificationPayload struct {
	Message   string    `json:"message"`
	Type      string    `json:"type"` // info, success, warning, error
	Timestamp time.Time `json:"timestamp"`
	Sender    string    `json:"sender"`
	Event     string    `json:"event"`
	Alert     rawJSON   `json:"alert"` // whole, when it is one
	Data      rawJSON   `json:"data"`  // of a custom event
}

// alertSpellings tells every transition as a notification. What has become worse about stock or expiry is told on the inventory
// hub, too: portals show those two as something new, so an alert that gets better is not told there.
func alertSpellings(e *Event, data rawJSON) []spelling {
	var a rxvigil.Alert
	_ = json.Unmarshal(data, &a) // what it cannot read stays empty
	out := []spelling{{rxvigil.Notifications, "ReceiveNotification", notificationPayload{
		Message: a.Message, Type: notificationType(&a), Timestamp: e.At.UTC(), Sender: "rxvigil", Event: string(e.Type), Alert: data,
	}}}
	worse := a.Status == rxvigil.Firing && (e.Type == rxvigil.AlertRaised || e.Type == rxvigil.AlertChanged)
	switch {
	case worse && a.Kind == "low_stock":
		out = append(out, spelling{rxvigil.Inventory, "LowStockAlert", newLowStockPayload(&a)})
	case worse && a.Kind == "expiry":
		out = append(out, spelling{rxvigil.Inventory, "ExpiryAlert", newExpiryPayload(&a)})
	}
	return out
}

// notificationType is the colour that portals show an alert in.
func notificationType(a *rxvigil.Alert) string {
	switch {
	case a.Status == rxvigil.Resolved:
		return "success"
	case a.Status == rxvigil.Acknowledged || a.Status == rxvigil.Snoozed || a.Severity == rxvigil.Info:
		return "info"
	case a.Severity.Rank() >= rxvigil.High.Rank():
		return "error"
	}
	return "warning"
}

// newCustomNotification is an event that a user sent. It may name its own message, type and sender.
func newCustomNotification(e *Event, data rawJSON) notificationPayload {
	var d struct{ Message, Type, Sender string }
	_ = json.Unmarshal(data, &d) // a field of another type is not one of these
	p := notificationPayload{Message: d.Message, Type: d.Type, Timestamp: e.At.UTC(), Sender: d.Sender, Event: string(e.Type), Data: data}
	if p.Message == "" {
		p.Message = string(e.Type)
	}
	switch p.Type {
	case "info", "success", "warning", "error":
	default:
		p.Type = "info"
	}
	return p
}

// flatAlert is what LowStockAlert and ExpiryAlert have in common.
type flatAlert struct {
	AlertID     string           `json:"alertId"`
	Message     string           `json:"message"`
	Severity    rxvigil.Severity `json:"severity"`
	ProductID   string           `json:"productId"`
	ProductName string           `json:"productName"`
	Urgency     string           `json:"urgency"`
	BranchID    rxvigil.Branch   `json:"branchId"`
}

type lowStockPayload struct {
	flatAlert
	CurrentStock  rxvigil.Value `json:"currentStock"`
	MinStockLevel rxvigil.Value `json:"minStockLevel"`
}

func newLowStockPayload(a *rxvigil.Alert) lowStockPayload {
	p := lowStockPayload{CurrentStock: a.Values.Get("available"), MinStockLevel: a.Values.Get("min")}
	p.flatAlert = flatAlert{
		a.ID, a.Message, a.Severity, a.Subject.ID, a.Subject.Name, stockUrgency(p.CurrentStock.Number()), a.Branch,
	}
	return p
}

type expiryPayload struct {
	flatAlert
	BatchNumber     string        `json:"batchNumber"`
	ExpiryDate      rxvigil.Value `json:"expiryDate"`
	DaysUntilExpiry rxvigil.Value `json:"daysUntilExpiry"`
}

// newExpiryPayload takes the days as they were judged: a replay tells what was told.
func newExpiryPayload(a *rxvigil.Alert) expiryPayload {
	p := expiryPayload{BatchNumber: a.Subject.Lot, ExpiryDate: a.Values.Get("expires"), DaysUntilExpiry: a.Values.Get("days")}
	p.flatAlert = flatAlert{a.ID, a.Message, a.Severity, a.Subject.Medicine, a.Subject.Name, "info", a.Branch}
	if days := p.DaysUntilExpiry.Number(); days.Known() {
		p.Urgency = expiryUrgency(int(days.Int64()))
	}
	return p
}
