package rxvigil

import (
	"slices"
	"strings"
	"time"
)

// Kind is what a record is about. Tenants, branches, movements, recalls, readings and users are evidence: they make no events of their own.
type Kind uint8

// The kinds.
const (
	KindTenant Kind = iota + 1
	KindBranch
	KindMedicine
	KindLot
	KindSale
	KindSaleLine
	KindPrescription
	KindPrescriptionLine
	KindPatient
	KindMovement
	KindLevel
	KindRecall
	KindReading
	KindCustom // anything else that a mapping names; its schema says what it is called
	KindUser   // who signs in to the app: rights follow it, and no rule reads it
)

// Kinds lists every kind, parents before their children.
func Kinds() []Kind {
	return []Kind{
		KindTenant, KindBranch, KindMedicine, KindLot, KindSale, KindSaleLine,
		KindPrescription, KindPrescriptionLine, KindPatient, KindMovement, KindLevel, KindRecall, KindReading, KindUser, KindCustom,
	}
}

// String is the kind's name in mappings and messages.
func (k Kind) String() string {
	names := [...]string{
		"", "tenant", "branch", "medicine", "lot", "sale", "sale_line", "prescription", "prescription_line", "patient", "movement",
		"level", "recall", "reading", "custom", "user",
	}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Canonical fields, by kind: indexes into Schema.Fields and Record.Values. Extra fields of a mapping follow them.
const (
	TenantName = iota
	TenantSubdomain
	TenantZone
)

// Fields of a user. Its id is what tokens call it (sub); its branch, if any, the only one it works in.
const (
	UserRole = iota
	UserActive
)

// Fields of a branch.
const (
	BranchName = iota
	BranchCode
	BranchZone
)

// Fields of a medicine.
const (
	MedicineName = iota
	MedicineCategory
	MedicinePrice
	MedicineCost
	MedicineReorderLevel
	MedicineMaxLevel
	MedicineRequiresPrescription
	MedicineControlled
	MedicineStatus
	MedicineNativeStatus
)

// Fields of a lot.
const (
	LotMedicine = iota
	LotNumber
	LotExpires
	LotOnHand
	LotReserved
	LotCost
	LotHeld
)

// Fields of a sale.
const (
	SaleNumber = iota
	SaleStatus
	SaleNativeStatus
	SalePatient
	SaleTotal
	SaleAt
	SalePrescription
)

// Fields of a sale's line.
const (
	SaleLineSale = iota
	SaleLineMedicine
	SaleLineLot
	SaleLineQuantity
	SaleLineUnitPrice
	SaleLineDiscount
	SaleLinePrescriptionLine
)

// Fields of a prescription.
const (
	PrescriptionNumber = iota
	PrescriptionStatus
	PrescriptionNativeStatus
	PrescriptionPatient
	PrescriptionWrittenAt
	PrescriptionValidUntil
)

// Fields of a prescription's line.
const (
	PrescriptionLinePrescription = iota
	PrescriptionLineMedicine
	PrescriptionLineQuantity
	PrescriptionLineDispensed
	PrescriptionLineDosage
	PrescriptionLineRefills
	PrescriptionLineDaysSupply
	PrescriptionLineSubstitution
)

// Fields of a patient. All but the number are personal.
const (
	PatientNumber = iota
	PatientFirstName
	PatientLastName
	PatientBirthDate
	PatientPhone
)

// Fields of a stock movement. The quantity is signed: what came in is positive.
const (
	MovementMedicine = iota
	MovementQuantity
	MovementLot
	MovementReason
	MovementAt
)

// Fields of a level: how much of a medicine a branch wants to have, where that is not the same for all branches.
const (
	LevelMedicine = iota
	LevelReorderLevel
	LevelMaxLevel
)

// Fields of a recall: one lot number that a maker or an authority called back, of a medicine or, where none is named, of any.
const (
	RecallNumber = iota
	RecallMedicine
	RecallReason
	RecallAt
)

// Fields of a reading of a sensor; low and high are the limits it is to keep. One with a breach is what the app itself found: it is
// over when it has ended and somebody acknowledged it.
const (
	ReadingSensor = iota
	ReadingCelsius
	ReadingAt
	ReadingLow
	ReadingHigh
	ReadingBreach
	ReadingEnded
	ReadingAcknowledged
)

// FieldType says how a value's text is to be read.
type FieldType uint8

// The field types. The text of each is canonical: a number in decimal notation, a day YYYY-MM-DD or infinity, an instant
// RFC 3339 in UTC, a truth "true" or "false", a status one of the canonical words, a reference the id of another record.
const (
	TypeText FieldType = iota
	TypeNumber
	TypeDay
	TypeInstant
	TypeTruth
	TypeStatus
	TypeRef
)

// Field is one field of a schema. Personal ones never leave the engine in clear for roles that may not see patients.
type Field struct {
	Name     string
	Type     FieldType
	Personal bool
}

// Schema names the fields of a kind: the canonical ones first, then a mapping's extra ones.
type Schema struct {
	Kind   Kind
	Fields []Field
	Silent bool // rules read its records, and no event tells of them
	Life   Life // of what is custom
	// Settle is how long the coming of a sale or prescription without lines is not told, because its lines may still come.
	Settle time.Duration
}

// Life names the events of a custom entity.
type Life struct {
	Name                      string // of the entity
	Created, Updated, Removed EventType
}

// NewSchema is the canonical schema of a kind with extra fields behind it.
func NewSchema(k Kind, extra ...Field) *Schema {
	return &Schema{Kind: k, Fields: append(canonical(k), extra...)}
}

// Index finds a field by name, or gives -1.
func (s *Schema) Index(name string) int {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

func canonical(k Kind) []Field {
	text := func(n string) Field { return Field{Name: n} }
	typed := func(n string, t FieldType) Field { return Field{Name: n, Type: t} }
	personal := func(n string, t FieldType) Field { return Field{Name: n, Type: t, Personal: true} }
	switch k {
	case KindTenant:
		return []Field{text("name"), text("subdomain"), text("zone")}
	case KindBranch:
		return []Field{text("name"), text("code"), text("zone")}
	case KindMedicine:
		return []Field{
			text("name"), text("category"), typed("price", TypeNumber), typed("cost", TypeNumber),
			typed("reorder_level", TypeNumber), typed("max_level", TypeNumber), typed("requires_prescription", TypeTruth),
			typed("controlled", TypeTruth), typed("status", TypeStatus), text("native_status"),
		}
	case KindLot:
		return []Field{
			typed("medicine", TypeRef), text("number"), typed("expires", TypeDay), typed("on_hand", TypeNumber),
			typed("reserved", TypeNumber), typed("cost", TypeNumber), typed("held", TypeTruth),
		}
	case KindSale:
		return []Field{
			text("number"), typed("status", TypeStatus), text("native_status"), typed("patient", TypeRef),
			typed("total", TypeNumber), typed("at", TypeInstant), typed("prescription", TypeRef),
		}
	case KindSaleLine:
		return []Field{
			typed("sale", TypeRef), typed("medicine", TypeRef), typed("lot", TypeRef), typed("quantity", TypeNumber),
			typed("unit_price", TypeNumber), typed("discount", TypeNumber), typed("prescription_line", TypeRef),
		}
	case KindPrescription:
		return []Field{
			text("number"), typed("status", TypeStatus), text("native_status"), typed("patient", TypeRef),
			typed("written_at", TypeInstant), typed("valid_until", TypeDay),
		}
	case KindPrescriptionLine:
		return []Field{
			typed("prescription", TypeRef), typed("medicine", TypeRef), typed("quantity", TypeNumber),
			typed("dispensed", TypeNumber), text("dosage"), typed("refills", TypeNumber), typed("days_supply", TypeNumber),
			typed("substitution", TypeTruth),
		}
	case KindPatient:
		return []Field{
			text("number"), personal("first_name", TypeText), personal("last_name", TypeText),
			personal("birth_date", TypeDay), personal("phone", TypeText),
		}
	case KindMovement:
		return []Field{
			typed("medicine", TypeRef), typed("quantity", TypeNumber), typed("lot", TypeRef), text("reason"), typed("at", TypeInstant),
		}
	case KindLevel:
		return []Field{typed("medicine", TypeRef), typed("reorder_level", TypeNumber), typed("max_level", TypeNumber)}
	case KindUser:
		return []Field{text("role"), typed("active", TypeTruth)}
	case KindRecall:
		return []Field{text("number"), typed("medicine", TypeRef), text("reason"), typed("at", TypeInstant)}
	case KindReading:
		return []Field{
			text("sensor"), typed("celsius", TypeNumber), typed("at", TypeInstant), typed("low", TypeNumber), typed("high", TypeNumber),
			text("breach"), typed("ended", TypeInstant), typed("acknowledged", TypeTruth),
		}
	}
	return nil
}

// Record is one mapped row: an entity as the app's own table shows it at one place of the stream. Records are immutable.
type Record struct {
	Schema *Schema
	ID     string
	Tenant Tenant
	Branch Branch
	Gone   bool // soft-deleted: the row exists, the entity does not
	Values []Value
}

// Clone is a copy with memory of its own, for who keeps a record longer than it is lent; nil of none.
func (r *Record) Clone() *Record {
	if r == nil {
		return nil
	}
	own := *r
	own.ID, own.Tenant, own.Branch = strings.Clone(r.ID), Tenant(strings.Clone(string(r.Tenant))), Branch(strings.Clone(string(r.Branch)))
	own.Values = slices.Clone(r.Values)
	for i := range own.Values {
		own.Values[i].text = strings.Clone(own.Values[i].text)
	}
	return &own
}

// Kind is the kind of the record's schema.
func (r *Record) Kind() Kind { return r.Schema.Kind }

// Value is the value of a field; unknown when the mapping has no such field.
func (r *Record) Value(field int) Value {
	if r == nil || field < 0 || field >= len(r.Values) {
		return Value{}
	}
	return r.Values[field]
}

// Text is the text of a field, empty when it is null or unknown.
func (r *Record) Text(field int) string { return r.Value(field).Text() }

// Number is the number in a field, unknown when it is null, unknown or no number.
func (r *Record) Number(field int) Number { return r.Value(field).Number() }

// Change is what one committed transaction did to one record: its first image against its last. Row is the index, within
// the transaction, of the first row change that touched it, as delivered by the stream.
type Change struct {
	Row    uint32
	Before *Record // nil: it was not there, or was never seen
	After  *Record // nil: it is gone
	// Lines and Was are the lines of a changed sale or prescription after and before the transaction; Was is nil when they
	// did not change.
	Lines, Was []*Record
	// Document is the sale or prescription of a line in a picture of tables, where lines come apart from their documents. In the
	// stream it is nil: there the document's own change has its lines.
	Document *Record
}

// Clone is a copy with memory of its own.
func (c *Change) Clone() Change {
	own := *c
	own.Before, own.After, own.Document = c.Before.Clone(), c.After.Clone(), c.Document.Clone()
	own.Lines, own.Was = cloneAll(c.Lines), cloneAll(c.Was)
	return own
}

func cloneAll(records []*Record) []*Record {
	own := slices.Clone(records)
	for i, r := range own {
		own[i] = r.Clone()
	}
	return own
}

// Record is the newest image the change has.
func (c *Change) Record() *Record {
	if c.After != nil {
		return c.After
	}
	return c.Before
}
