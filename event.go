package rxvigil

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tenant is one pharmacy business: the wall between customers. It is part of every key, query and cursor.
type Tenant string

// EngineTenant owns findings about the engine itself that no pharmacy can be named for, such as a row without a tenant.
const EngineTenant Tenant = "~engine"

// EveryTenant is in the place of a tenant where a medicine is every tenant's: one list of goods that all share. No event and no
// alert has it; they are told to each tenant as its own.
const EveryTenant Tenant = "~every"

// Branch is one shop of a tenant; empty means the tenant as a whole.
type Branch string

// FirstTransition is the ordinal of a transaction's first alert transition; its events have lower ones.
const FirstTransition uint32 = 0x8000_0000

// Position names a place in the log and nothing else does: the epoch, the end LSN of the commit, and the ordinal within the
// transaction. Positions of one epoch sort in commit order; those of different epochs have no order.
type Position struct {
	Epoch   string
	LSN     uint64
	Ordinal uint32
}

// EndOf is the position after every event of the transaction that ended at lsn.
func EndOf(epoch string, lsn uint64) Position {
	return Position{Epoch: epoch, LSN: lsn, Ordinal: ^uint32(0)}
}

// String gives the cursor: opaque to clients, and sorting as text in commit order within an epoch.
func (p Position) String() string { return string(p.Append(nil)) }

// Append appends the cursor to b.
func (p Position) Append(b []byte) []byte {
	b = append(b, p.Epoch...)
	b = append(b, '.')
	b = appendHex(b, p.LSN, 16)
	b = append(b, '.')
	return appendHex(b, uint64(p.Ordinal), 8)
}

// Compare orders two positions of the same epoch.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.LSN, q.LSN), cmp.Compare(p.Ordinal, q.Ordinal))
}

// IsZero tells whether p names no place at all.
func (p Position) IsZero() bool { return p == Position{} }

// ParsePosition reads a cursor as String wrote it; anything else is an error, never a guess.
func ParsePosition(s string) (Position, error) {
	epoch, rest, ok := strings.Cut(s, ".")
	lsn, ordinal, ok2 := strings.Cut(rest, ".")
	if !ok || !ok2 || epoch == "" || len(lsn) != 16 || len(ordinal) != 8 {
		return Position{}, fmt.Errorf("cursor %.60q is not epoch.LSN.ordinal", s)
	}
	l, err := strconv.ParseUint(lsn, 16, 64)
	if err != nil {
		return Position{}, fmt.Errorf("cursor %.60q: %w", s, err)
	}
	o, err := strconv.ParseUint(ordinal, 16, 32)
	if err != nil {
		return Position{}, fmt.Errorf("cursor %.60q: %w", s, err)
	}
	return Position{Epoch: epoch, LSN: l, Ordinal: uint32(o)}, nil
}

func appendHex(b []byte, v uint64, width int) []byte {
	const digits = "0123456789ABCDEF"
	for i := width - 1; i >= 0; i-- {
		b = append(b, digits[v>>(4*i)&15])
	}
	return b
}

// Tx is one committed transaction of the source.
type Tx struct {
	LSN uint64    // end LSN of the commit record: the transaction's place in commit order
	XID uint64    // 64-bit transaction id, as pg_current_xact_id() prints it
	At  time.Time // commit time by the source's clock; steps back under load, so it orders nothing
}

// Topic is what a subscriber subscribes to; on SignalR it is a hub.
type Topic string

// The topics.
const (
	Inventory     Topic = "inventory"
	Sales         Topic = "sales"
	Prescriptions Topic = "prescriptions"
	Patients      Topic = "patients"
	Notifications Topic = "notifications"
)

// Topics lists every topic.
func Topics() []Topic { return []Topic{Inventory, Sales, Prescriptions, Patients, Notifications} }

// EventType is the name of a domain event as portals see it.
type EventType string

// The event types. Custom events carry names of their own and the topic notifications.
const (
	MedicineCreated EventType = "medicine_created"
	MedicineUpdated EventType = "medicine_updated"
	MedicineDeleted EventType = "medicine_deleted"
	LotReceived     EventType = "lot_received"
	LotUpdated      EventType = "lot_updated"
	LotRemoved      EventType = "lot_removed"
	StockChanged    EventType = "stock_level_changed"

	SaleCreated   EventType = "sale_created"
	SaleCompleted EventType = "sale_completed"
	SaleCancelled EventType = "sale_cancelled"
	SaleReturned  EventType = "sale_returned"
	SaleUpdated   EventType = "sale_updated"

	PrescriptionCreated       EventType = "prescription_created"
	PrescriptionStatusChanged EventType = "prescription_status_changed"
	PrescriptionDispensed     EventType = "prescription_dispensed"
	PrescriptionUpdated       EventType = "prescription_updated"

	PatientRegistered EventType = "patient_registered"
	PatientUpdated    EventType = "patient_updated"
	PatientRemoved    EventType = "patient_removed"

	AlertRaised       EventType = "alert_raised"
	AlertChanged      EventType = "alert_changed"
	AlertAcknowledged EventType = "alert_acknowledged"
	AlertSnoozed      EventType = "alert_snoozed"
	AlertResolved     EventType = "alert_resolved"
	Notification      EventType = "notification"

	// Resync tells a client that something may have been missed; it stands in the log where a transaction was too large to
	// publish event by event.
	Resync EventType = "resync"
)

// EventTypes lists the built-in types, by topic. A custom event may be of any other.
func EventTypes() []EventType {
	return []EventType{
		MedicineCreated, MedicineUpdated, MedicineDeleted, LotReceived, LotUpdated, LotRemoved, StockChanged,
		SaleCreated, SaleCompleted, SaleCancelled, SaleReturned, SaleUpdated,
		PrescriptionCreated, PrescriptionStatusChanged, PrescriptionDispensed, PrescriptionUpdated,
		PatientRegistered, PatientUpdated, PatientRemoved,
		AlertRaised, AlertChanged, AlertAcknowledged, AlertSnoozed, AlertResolved, Notification,
	}
}

// Topic is the topic that events of this type belong to; a custom type belongs to notifications.
func (t EventType) Topic() Topic {
	switch t {
	case MedicineCreated, MedicineUpdated, MedicineDeleted, LotReceived, LotUpdated, LotRemoved, StockChanged:
		return Inventory
	case SaleCreated, SaleCompleted, SaleCancelled, SaleReturned, SaleUpdated:
		return Sales
	case PrescriptionCreated, PrescriptionStatusChanged, PrescriptionDispensed, PrescriptionUpdated:
		return Prescriptions
	case PatientRegistered, PatientUpdated, PatientRemoved:
		return Patients
	default:
		return Notifications
	}
}

// Event is one thing that happened, named by its position.
type Event struct {
	Pos    Position
	Type   EventType
	Tenant Tenant
	Branch Branch // empty: of the tenant as a whole
	At     time.Time
	XID    uint64
	Last   bool // the last event of its source transaction
	Data   EventData
}

// EventData is what an event carries. The family is sealed: EntityChange, StockLevel, AlertChange, Custom, or a pointer to one.
//
//sumtype:decl
type EventData interface {
	appendData(b []byte, plain bool) []byte
}

// EntityChange is an entity that came, changed or went: one event per entity and transaction, first image against last.
type EntityChange struct {
	Record  *Record // the entity as it is now; as it last was, when it went
	Before  *Record // nil when it came, or when no earlier image is known
	Changed []int   // indexes of the changed fields, ascending; nil when it came, went or the old image is unknown
	Name    string  // the medicine's name, for a lot
	Lines   []Line  // lines of a sale or prescription, as they are now
	Was     []Line  // the lines before, when they changed
}

// Line is one line of a sale or a prescription, with its medicine's name looked up.
type Line struct {
	Record       *Record
	MedicineName string
}

// StockLevel is the stock of one medicine in one branch, summed over its lots, before and after a transaction.
type StockLevel struct {
	Medicine     string
	MedicineName string
	ReorderLevel Value
	Before       *Stock // nil: there was none
	After        *Stock // nil: the medicine or its last lot is gone
}

// Stock is what is on the shelf. Available leaves out what is reserved, expired or held.
type Stock struct {
	OnHand, Reserved, Available Number
}

// AlertChange is one transition of an alert.
type AlertChange struct {
	Alert *Alert
	From  Status
}

// Custom is an event that a user sent: through rxvigil.notify(), or POST …/events. JSON is an object.
type Custom struct {
	JSON []byte
}
