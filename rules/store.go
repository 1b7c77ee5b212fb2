package rules

import (
	"context"
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Questions that callers of a store ask.
var (
	ErrFenced   = errors.New("another engine has taken over")
	ErrNotFound = errors.New("no such alert")
)

// Store keeps alerts, their history, occurrences, overrides and the position they are true for.
type Store interface {
	// Load gives what an engine needs to go on.
	Load(ctx context.Context) (Snapshot, error)
	// Save stores consecutive transactions at once, or none of them. Saving one again is harmless. ErrFenced: another engine
	// claimed the store, nothing was written and nothing ever will be.
	Save(ctx context.Context, commits []Commit) error
	// Since gives the transitions of an epoch recorded after lsn, in log order: they are published again, under the same
	// names, after a crash between this store and the engine's own disk.
	Since(ctx context.Context, epoch string, lsn uint64) ([]Recorded, error)
	// Alert gives one alert, open or ended, with its history, oldest first. ErrNotFound also when it is another tenant's.
	Alert(ctx context.Context, t rxvigil.Tenant, id string) (rxvigil.Alert, []HistoryLine, error)
	// Resolved pages through ended alerts, newest first.
	Resolved(ctx context.Context, t rxvigil.Tenant, q ResolvedQuery) (Page, error)
}

// Snapshot is what a store knows at start.
type Snapshot struct {
	Alerts      []rxvigil.Alert // the open ones
	Episodes    map[string]int  // last episode by fingerprint
	Occurrences []Occurrence    // the newest of each scan and tenant
	Overrides   []Override      // those that hold
	// Position is the last transaction saved; its ordinal means nothing. Zero: none.
	Position rxvigil.Position
}

// Commit is what one transaction of the source left to store.
type Commit struct {
	Epoch       string
	Tx          rxvigil.Tx
	Transitions []Transition // in their order: ordinal i is FirstTransition + i
	Occurrences []Occurrence
	Overrides   []Override // in their order; the newest under a rule, medicine and branch counts
}

// Empty tells whether there is nothing to store.
func (c *Commit) Empty() bool {
	return len(c.Transitions) == 0 && len(c.Occurrences) == 0 && len(c.Overrides) == 0
}

// Recorded is a transition with its place in the log.
type Recorded struct {
	Pos rxvigil.Position
	Tx  rxvigil.Tx
	Transition
}

// HistoryLine is one step of an alert's life, as the store remembers it.
type HistoryLine struct {
	Pos      rxvigil.Position
	At       time.Time // engine time of the step
	Event    rxvigil.EventType
	From, To rxvigil.Status
	Severity rxvigil.Severity
	Rung     string
	By, Note string
	Version  int
	// Quarantined says why the database refused the alert as it was; then only this line was stored.
	Quarantined string
}

// ResolvedQuery says which ended alerts are wanted.
type ResolvedQuery struct {
	Branches []rxvigil.Branch // none: all
	Rule     string           // empty: all
	After    string           // Page.Next of the page before
	Limit    int              // at most 500; 0 is 100
}

// Page is one page of ended alerts. Next is empty on the last one.
type Page struct {
	Alerts []rxvigil.Alert
	Next   string
}

// Place is the position of the transaction's i-th transition.
func (c *Commit) Place(i int) rxvigil.Position {
	return rxvigil.Position{Epoch: c.Epoch, LSN: c.Tx.LSN, Ordinal: rxvigil.FirstTransition + uint32(i)}
}
