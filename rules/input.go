package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// Input is one transaction of the source, as far as rules care.
type Input struct {
	Tx rxvigil.Tx
	// Wall is the wall clock in the newest message of ours up to this transaction; zero when this one carries none.
	Wall time.Time
	// Changes are netted: at most one a record, its first image against its last. Their order does not matter.
	Changes []rxvigil.Change
	// Commands are obeyed in this order, after the changes were judged.
	Commands []Command
	// Faults are rows that could not be mapped.
	Faults []Fault
	// Kept is the WAL that the source keeps for us, where this transaction tells it.
	Kept *Kept
	// Blind is a stretch of the stream that nobody saw, if there is one to report.
	Blind *Interval
}

// Op is what a command asks for.
type Op string

// The commands that reach the engine through the WAL.
const (
	Acknowledge Op = "acknowledge"
	Snooze      Op = "snooze"
	Unsnooze    Op = "unsnooze"
	RunTick     Op = "tick"
	// SetThreshold sets or withdraws an override.
	SetThreshold Op = "threshold"
)

// Command is a message of ours that was read back from the WAL.
type Command struct {
	Op        Op
	Operation string // id under which somebody waits for a receipt; empty: nobody does
	Tenant    rxvigil.Tenant
	Alert     string // id of the alert, for what is done to one
	By, Note  string
	Until     time.Time // for a snooze
	Tick      Tick      // for a tick
	Override  Override  // for a threshold
}

// Fault is one row that could not be mapped, and why. Text is the offending value, never one of a personal field.
type Fault struct {
	Tenant rxvigil.Tenant // empty: it could not be told
	Table  string
	Column string
	Reason string
	Text   string
}

// Interval is a stretch of the stream that nobody saw.
type Interval struct {
	From, To     uint64 // LSN; zero is unknown
	Since, Until time.Time
	Reason       string
}

// Outcome is what a transaction did. The caller stores and publishes it.
type Outcome struct {
	// Stock is the net change of each touched shelf, ordered by (Row, tenant, branch, medicine).
	Stock []StockChange
	// Transitions are ordered by (instant, rule, subject); the rank of each, added to rxvigil.FirstTransition, is its ordinal.
	Transitions []Transition
	// Occurrences are the scans done in this transaction, to be stored with its transitions.
	Occurrences []Occurrence
	// Overrides are the thresholds that were set or withdrawn in this transaction, in their order, to be stored with the rest.
	Overrides []Override
	// Digests sum up what was found of rules that do not tell each finding, in the order of tenant, branch and rule.
	Digests []Summary
	// Receipts answer commands that carry an operation id, in their order.
	Receipts []Receipt
	// Usage is what the engine must remember that no image of a row tells; replace what was stored under the same key.
	Usage []Usage
}

// StockChange is the change of one medicine's stock in one branch. Row is the lowest row of the transaction that touched
// it; several may share one row, and those of a scan have row 0.
type StockChange struct {
	Row    uint32
	Tenant rxvigil.Tenant
	Branch rxvigil.Branch
	Level  rxvigil.StockLevel
}

// Transition is one step in an alert's life: the alert after it, and what it was before.
type Transition struct {
	Alert *rxvigil.Alert // as it became; never changed
	From  rxvigil.Status // empty: it was raised
	Event rxvigil.EventType
	By    string // who asked; empty: nobody, the facts did
	Note  string
}

// Receipt answers one command. Alert is nil when no such alert is open.
type Receipt struct {
	Operation string
	Applied   bool
	Alert     *rxvigil.Alert
	Reason    string // why it was not applied
}
