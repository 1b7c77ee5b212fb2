package push

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// ErrNotFound is what the outside answers when there is no such thing for this tenant.
var ErrNotFound = errors.New("not found")

// Directory knows the tenants. Its methods answer from memory.
type Directory interface {
	// Tenants lists every tenant, by id.
	Tenants() []Tenant
	// Tenant finds one by id or, failing that, by subdomain.
	Tenant(name string) (Tenant, bool)
}

// Tenant is one pharmacy business as the API shows it.
type Tenant struct {
	ID            rxvigil.Tenant `json:"id"`
	Name          string         `json:"name"`
	Subdomain     string         `json:"subdomain"`
	Zone          string         `json:"zone"`
	Locale        string         `json:"locale"` // the language that its alerts are written in, such as am or fr
	Branches      []Branch       `json:"branches"`
	MedicineCount int            `json:"medicine_count"`
}

// Branch is one shop as the API shows it.
type Branch struct {
	ID   rxvigil.Branch `json:"id"`
	Name string         `json:"name"`
}

// Page asks for part of a list: at most Limit items after the key that the page before gave as next.
type Page struct {
	Limit int
	After string // as the implementation made it; empty for the first page. A foreign one is ErrBadPage.
}

// ErrBadPage says that a Page's After is not one of this list's keys.
var ErrBadPage = errors.New("not a key of this list")

// Shelf shows what is in stock, of one tenant, now.
type Shelf interface {
	Stock(ctx context.Context, t rxvigil.Tenant, q StockQuery) (items []StockItem, next string, err error)
	Expiring(ctx context.Context, t rxvigil.Tenant, q ExpiringQuery) (items []ExpiringItem, next string, err error)
}

// StockQuery narrows a stock list; empty fields do not.
type StockQuery struct {
	Page
	Branch   rxvigil.Branch
	Medicine string // an id
	Text     string // part of a medicine's name, without regard to case
	Urgent   bool   // only what wants ordering, the most urgent first, and no further page
}

// ExpiringQuery asks for lots with stock that expire within so many days, expired ones included.
type ExpiringQuery struct {
	Page
	Branch rxvigil.Branch
	Days   int
}

// StockItem is one medicine in one branch.
type StockItem struct {
	Medicine  MedicineItem   `json:"medicine"`
	Branch    *Branch        `json:"branch"` // nil: the tenant has none
	OnHand    rxvigil.Number `json:"on_hand"`
	Reserved  rxvigil.Number `json:"reserved"`
	Available rxvigil.Number `json:"available"`
	Status    string         `json:"status"`     // ok, low, out, unknown
	DailyUse  rxvigil.Number `json:"daily_use"`  // on average; this and what follows is null where history is too short to tell
	CoverDays rxvigil.Number `json:"cover_days"` // that the available stock lasts
	Min       rxvigil.Number `json:"min"`        // lead-time and safety stock, by use
	Max       rxvigil.Number `json:"max"`        // and what is used from one order to the next
	Order     rxvigil.Number `json:"order"`      // what brings the available stock up to max
	Lots      []LotItem      `json:"lots"`
}

// MedicineItem is a medicine in a stock list.
type MedicineItem struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	Category     rxvigil.Value  `json:"category"`
	ReorderLevel rxvigil.Number `json:"reorder_level"`
	Price        rxvigil.Number `json:"price"`
}

// LotItem is a lot in a stock list.
type LotItem struct {
	ID       string         `json:"id"`
	Number   string         `json:"number"`
	Expires  rxvigil.Value  `json:"expires"`
	Days     *int           `json:"days"` // until it expires, in the branch's zone; nil when it never does or nobody knows
	OnHand   rxvigil.Number `json:"on_hand"`
	Reserved rxvigil.Number `json:"reserved"`
}

// ExpiringItem is one lot that expires or has.
type ExpiringItem struct {
	Medicine ExpiringMedicine `json:"medicine"`
	Branch   *Branch          `json:"branch"`
	Lot      ExpiringLot      `json:"lot"`
	Days     int              `json:"days"`
	Rung     string           `json:"rung"`
}

// ExpiringMedicine names the medicine of a lot.
type ExpiringMedicine struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ExpiringLot is the lot that expires.
type ExpiringLot struct {
	ID      string         `json:"id"`
	Number  string         `json:"number"`
	Expires rxvigil.Value  `json:"expires"`
	OnHand  rxvigil.Number `json:"on_hand"`
}

// Dispensary shows which prescriptions wait.
type Dispensary interface {
	// Prescriptions lists those of which something is still to be dispensed: who waits longest comes first.
	Prescriptions(ctx context.Context, t rxvigil.Tenant, q PrescriptionQuery) (items []PrescriptionItem, next string, err error)
}

// PrescriptionQuery narrows a list of prescriptions; empty fields do not.
type PrescriptionQuery struct {
	Page
	Branch rxvigil.Branch
}

// PrescriptionItem is a prescription that waits.
type PrescriptionItem struct {
	ID         string           `json:"id"`
	Number     string           `json:"number"`
	Branch     *Branch          `json:"branch"`
	Status     string           `json:"status"`
	Patient    string           `json:"patient"`     // an id
	Since      time.Time        `json:"since"`       // when its wait began
	ValidUntil rxvigil.Value    `json:"valid_until"` // its last valid day; null when nobody says
	Lines      []PrescribedItem `json:"lines"`
}

// PrescribedItem is one medicine of a prescription.
type PrescribedItem struct {
	Medicine  ExpiringMedicine `json:"medicine"`
	Quantity  rxvigil.Number   `json:"quantity"`
	Dispensed rxvigil.Number   `json:"dispensed"`
}

// RuleBook shows by which rules a tenant is judged, and what they would have told.
type RuleBook interface {
	// Rules lists them as the pack has them.
	Rules(ctx context.Context, t rxvigil.Tenant) ([]RuleItem, error)
	// LastBacktest is the newest one of a tenant; nil when none was made since the start.
	LastBacktest(t rxvigil.Tenant) *Backtest
	// Backtest lets the rules judge what the app's tables tell of the last days. ErrBusy: one is under way; ErrTooMuch: that is more
	// than may be read here.
	Backtest(ctx context.Context, t rxvigil.Tenant, days int) (*Backtest, error)
}

// Why there is no backtest.
var (
	ErrBusy    = errors.New("a backtest is under way")
	ErrTooMuch = errors.New("there is more history than is read on behalf of a page")
)

// RuleItem is one rule. Settings are its parameters by their names in a pack's file; spans are text such as 72h.
type RuleItem struct {
	ID       string         `json:"id"`
	Kind     string         `json:"kind"`
	Off      bool           `json:"off"`
	Severity string         `json:"severity"` // empty: as the kind says
	When     string         `json:"when"`     // a condition; empty: always
	Settings map[string]any `json:"settings"`
	Open     int            `json:"open"` // alerts that are open
}

// Backtest is what a pack would have told of the last days.
type Backtest struct {
	At       time.Time       `json:"at"` // when it was made
	Days     int             `json:"days"`
	Sales    int             `json:"sales"`    // that were judged
	Standing int             `json:"standing"` // alerts that were open when the window began
	Told     int             `json:"told"`     // notifications
	ByDay    []BacktestDay   `json:"by_day"`   // those with a notification, the oldest first
	Rules    []BacktestRule  `json:"rules"`    // those that told something
	Noisiest []BacktestNoise `json:"noisiest"`
}

// BacktestDay is how many notifications a day would have had, by the pharmacy's clock.
type BacktestDay struct {
	Day  string `json:"day"` // YYYY-MM-DD
	Told int    `json:"told"`
}

// BacktestRule is what one rule would have told.
type BacktestRule struct {
	Rule     string     `json:"rule"`
	Raised   int        `json:"raised"`
	Changed  int        `json:"changed"`
	Resolved int        `json:"resolved"`
	Open     int        `json:"open"`  // at the end
	Flaps    int        `json:"flaps"` // raised again within a day of resolving
	Resolve  *Quantiles `json:"resolve_seconds"`
}

// BacktestNoise is how often one subject would have been told of.
type BacktestNoise struct {
	Rule    string `json:"rule"`
	Branch  string `json:"branch"` // its name
	Subject string `json:"subject"`
	Told    int    `json:"told"`
}

// Staff knows what the app's own rows say of those who sign in to it.
type Staff interface {
	// Person is what they say of a user of a tenant; false where they say nothing.
	Person(t rxvigil.Tenant, user string) (Person, bool)
}

// Person is a user as the app has it now. Its word goes before the token's, which was issued earlier.
type Person struct {
	Role   string         // empty: as the token says
	Branch rxvigil.Branch // the only one it works in; empty: as the token says
	Active bool
}

// AlertDesk shows one tenant's alerts.
type AlertDesk interface {
	// Open gives every open alert that is shown, in a stable order, with its values as they are now.
	Open(ctx context.Context, t rxvigil.Tenant) ([]rxvigil.Alert, error)
	// Alerts lists them, gravest and newest first.
	Alerts(ctx context.Context, t rxvigil.Tenant, q AlertQuery) (items []rxvigil.Alert, next string, err error)
	// Analytics tells how they have been.
	Analytics(ctx context.Context, t rxvigil.Tenant, q AnalyticsQuery) (Analytics, error)
	// Alert gives one with its history, oldest line first; ErrNotFound when this tenant has none of that id.
	Alert(ctx context.Context, t rxvigil.Tenant, id string) (rxvigil.Alert, []HistoryLine, error)
	// Say is an open alert's sentence in another language; in the tenant's own where that one is not spoken.
	Say(a *rxvigil.Alert, language string) string
}

// AlertQuery narrows an alert list; empty fields do not.
type AlertQuery struct {
	Page
	Status   string // open (the default), all, or one rxvigil.Status
	Severity rxvigil.Severity
	Rule     string
	Branch   rxvigil.Branch
}

// HistoryLine is one transition of an alert.
type HistoryLine struct {
	Version  int               `json:"version"`
	Event    rxvigil.EventType `json:"event"`
	From     rxvigil.Status    `json:"from"`
	To       rxvigil.Status    `json:"to"`
	Severity rxvigil.Severity  `json:"severity"`
	At       time.Time         `json:"at"`
	By       string            `json:"by"`
	Note     string            `json:"note"`
	Cursor   string            `json:"cursor"`
}

// Commander carries what people say into the source's WAL. Each call writes one message, then waits until the engine has
// read it back or ctx ends; when ctx ends first the Outcome is not Done, and that is no error. Repeating is harmless.
type Commander interface {
	// Act changes an alert; ErrNotFound when this tenant has none of that id.
	Act(ctx context.Context, t rxvigil.Tenant, a Action) (Outcome, error)
	// SetThreshold sets or withdraws a threshold; ErrNotFound when this tenant has no such medicine. A change that is Done and not
	// Applied says its Reason.
	SetThreshold(ctx context.Context, t rxvigil.Tenant, c ThresholdChange) (Outcome, error)
	// Emit publishes custom events in one transaction, all or none.
	Emit(ctx context.Context, t rxvigil.Tenant, events []CustomEvent) (Outcome, error)
}

// Verb is what a person does to an alert.
type Verb string

// The verbs.
const (
	Acknowledge Verb = "acknowledge"
	Snooze      Verb = "snooze"
	Unsnooze    Verb = "unsnooze"
)

// Action is what a person does to one alert.
type Action struct {
	Verb  Verb
	Alert string
	Note  string
	By    string
	Until time.Time // of a snooze
}

// CustomEvent is an event that a user sends. Data is a JSON object; the type is none of the built-in ones.
type CustomEvent struct {
	Type   rxvigil.EventType
	Branch rxvigil.Branch
	Data   json.RawMessage
}

// Outcome is what became of a command.
type Outcome struct {
	Done      bool             // the engine has read it back
	Applied   bool             // it changed something; false for one that came too late
	Reason    string           // why not
	Alert     *rxvigil.Alert   // the alert afterwards, of an Act that is Done
	Operation string           // names the command
	Cursor    rxvigil.Position // Done: where it stands in the log; else a place it cannot come before
}

// Vitals tells how the engine is.
type Vitals interface {
	Vitals() EngineVitals
	// Unready gives the reasons why the service is not ready; none when it is.
	Unready() []string
}

// EngineVitals is the engine's state as stats show it.
type EngineVitals struct {
	Status     string    // starting, live, catching_up, stale
	Since      time.Time // of the status
	Version    string
	Faults     int     // changes that could not be mapped or routed
	LagBytes   int64   // of WAL between the source's head and ours
	LagSeconds float64 // age of the last change handled, while behind
	Warnings   []string
}
