// Package rules turns changes and the calendar into alerts. It knows no Postgres and no HTTP.
//
// An Engine folds each committed transaction into its book of medicines and shelves, judges the shelves it touched, and
// compares what ought to be told with what is open. The judgement is pure: the same stream gives the same alerts, ids and
// versions, whatever the machine's clock says.
package rules

import (
	"cmp"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Config is what an engine is told at its start.
type Config struct {
	Pack Pack
	// Zone is where a pharmacy's day is decided when neither its record nor Zones says; nil is UTC.
	Zone *time.Location
	// Zones override the default for single tenants.
	Zones map[rxvigil.Tenant]*time.Location
	// Locale is the language that messages are written in, such as am or fr-CM; empty is English. Locales override it for single
	// tenants. One that Speaks denies is English.
	Locale  string
	Locales map[rxvigil.Tenant]string
	Log     *slog.Logger // nil: silence
	// Sold tells how much of a lot was sold so far, and to which patients: for lots that are called back. Nil: nobody knows.
	Sold func(t rxvigil.Tenant, lot string) (sold rxvigil.Number, patients []string)
}

// Engine keeps alerts true. One goroutine writes to it; any number may read. What it hands out is the reader's own, except
// that maps of facts and pointers inside an alert are shared and never change.
type Engine struct {
	pack  Pack
	zone  *time.Location
	zones map[rxvigil.Tenant]*time.Location
	log   *slog.Logger
	rules []rule

	speech   *speech
	speeches map[rxvigil.Tenant]*speech

	mu        sync.RWMutex // guards what follows, and pack and rules, which only a transaction changes
	next      *adoption    // nil: no pack waits
	book      *book
	folding   *folding // of the stream
	booting   *folding // of a picture
	alerts    *alerts
	clock     clock
	scans     map[scanKey]string // last known moment of each scan
	deadlines deadlines
	late      []deadline // of alerts, that came before the store's own time
	unknown   []int      // by rule: shelves it cannot judge
	untold    int        // faults beyond the limit
	done      uint64     // end LSN of the last transaction committed here
	stored    uint64     // the store has the transitions of transactions up to this LSN

	// The transaction at hand.
	tx            rxvigil.Tx
	rest          []*shelf // of a warm start, not yet judged
	refreshing    bool     // numbers are brought up to date, and nothing else
	settled       bool
	walled        bool   // it carries a message of ours, which moves the wall
	parted        uint64 // end LSN of the transaction that comes in parts; 0: none does
	pass          uint64
	out           Outcome
	touched       []touch
	sales         []*saleChange
	prescriptions []prescriptionChange
	prices        []priceChange
	hidden        []hidden // what is not to be told of the shelf at hand
	emptied       []*lot   // had something in them before
	debtors       []*shelf // stock is owed on them since now
	verdicts      []verdict
	hearing       hearing
	days          days
}

type scanKey struct {
	scan   string
	tenant rxvigil.Tenant
}

// touch is a shelf the transaction at hand reached, and its stock before.
type touch struct {
	shelf  *shelf
	row    uint32
	before *rxvigil.Stock
	after  *rxvigil.Stock // room for it
	moved  bool           // what no image tells of it changed
}

// NewEngine gives an engine that knows nothing yet, or says what is wrong with the pack.
func NewEngine(c Config) (*Engine, error) {
	pack, err := c.Pack.prepare()
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	asked, err := rulesOf(&pack)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	e := &Engine{
		pack: pack, zone: c.Zone, zones: c.Zones, log: c.Log, rules: asked,
		book: newBook(), alerts: newAlerts(), scans: map[scanKey]string{},
	}
	e.speech, _ = speechFor(cmp.Or(c.Locale, English))
	e.speeches = map[rxvigil.Tenant]*speech{}
	for tenant, locale := range c.Locales {
		e.speeches[tenant], _ = speechFor(locale)
	}
	if e.zone == nil {
		e.zone = time.UTC
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.unknown = make([]int, len(e.rules))
	e.book.expiresOnStart, e.book.sold = pack.ExpiresOnStart, c.Sold
	e.folding, e.booting = e.newFolding(), &folding{
		book: e.book, touch: func(*shelf, uint32) {}, moved: func(*shelf) {}, oddZone: e.oddZone, dayOf: e.dayThen, boot: true,
	}
	return e, nil
}

// Pack is the pack that is judged by.
func (e *Engine) Pack() Pack {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.pack
}

// Now is engine time: it never steps back and never runs more than 30 s ahead of our own newest message.
func (e *Engine) Now() time.Time {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.clock.now
}

// Fold takes one change into the book and judges nothing: for a cold boot and a warm start. Nothing is kept of c.
func (e *Engine) Fold(c *rxvigil.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.booting.one(c)
	e.book.forget()
}

// FoldAll is Fold for many changes.
func (e *Engine) FoldAll(changes []rxvigil.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range changes {
		e.booting.one(&changes[i])
	}
	e.book.forget()
}

// FoldUsage restores at a warm start what Outcome.Usage gave, instead of replaying movements.
func (e *Engine) FoldUsage(u Usage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case u.Matter != "":
		e.restoreMatter(u)
	case u.Tenant == "":
		e.clock = clock{now: u.Now, wall: u.Wall}
	case u.Medicine == "":
		t := e.book.tenant(u.Tenant)
		t.told, t.prescribes = u.Told, u.Prescribes
	default:
		s := e.book.tenant(u.Tenant).shelf(u.Medicine, u.Branch)
		s.told = u.Told
		if u.Movements != 0 || u.Unknown != 0 {
			s.ledger = &ledger{sum: u.Ledger, seen: u.Movements, unknown: u.Unknown}
		}
		if u.AsOf != 0 {
			s.medicine.tenant.sells = true
			s.demand = &demand{first: u.First, sold: u.Sold, closings: closings{u.AsOf, u.Closed}}
		}
	}
}

// Usage yields everything FoldUsage would need, until yield says stop: for the end of a cold boot.
func (e *Engine) Usage(yield func(Usage) bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if !yield(e.clock.usage()) {
		return
	}
	for _, t := range e.book.tenants {
		if !t.usages(yield) {
			return
		}
	}
}

func (t *tenant) usages(yield func(Usage) bool) bool {
	if (t.told != 0 || t.prescribes) && !yield(t.usage()) {
		return false
	}
	for _, m := range t.matters {
		if !yield(usageOf(t, m)) {
			return false
		}
	}
	for m := range t.medicines.all() {
		for _, s := range m.shelves {
			if (s.ledger != nil || s.demand != nil || s.told != 0) && !yield(s.usage()) {
				return false
			}
		}
	}
	return true
}

func (t *tenant) usage() Usage { return Usage{Tenant: t.id, Told: t.told, Prescribes: t.prescribes} }

func (s *shelf) usage() Usage {
	u := Usage{Tenant: s.medicine.tenant.id, Branch: s.branch.id, Medicine: s.medicine.id(), Told: s.told}
	if s.ledger != nil {
		u.Ledger, u.Movements, u.Unknown = s.ledger.sum, s.ledger.seen, s.ledger.unknown
	}
	if d := s.demand; d != nil {
		u.First, u.Sold, u.AsOf, u.Closed = d.first, d.sold, d.asOf, d.closed
	}
	return u
}

// Restore takes the open alerts of the store, and the last episode of each fingerprint.
func (e *Engine) Restore(open []rxvigil.Alert, episodes map[string]int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for print, episode := range episodes {
		e.alerts.episodes[print] = max(e.alerts.episodes[print], episode)
	}
	for _, a := range open {
		o := restored(a)
		if k := e.kindOf(a.Rule); k != nil && k.judge == nil {
			o.home = shelfKey{}
		}
		if t := e.book.tenants[a.Tenant]; t != nil && a.Subject.Type == subjectLot { // it may stand elsewhere since it was last told
			if l := t.lot(a.Subject.ID); l != nil && l.shelf.branch.id == a.Branch {
				o.home.medicine = l.shelf.medicine.id()
			}
		}
		e.shareNames(&o.alert)
		e.alerts.episodes[o.print] = max(e.alerts.episodes[o.print], a.Episode)
		e.alerts.add(o)
		e.disturb(o)
		e.attend(o)
	}
}

// shareNames lets an alert that was read say with our words what repeats in each.
func (e *Engine) shareNames(a *rxvigil.Alert) {
	if r := e.ruleOf(a.Rule); r != nil {
		a.Rule = r.ID
		if a.Kind == r.kind.name {
			a.Kind = r.kind.name
		}
	}
	a.Rung, a.Subject.Type = e.book.word(a.Rung), e.book.word(a.Subject.Type)
	a.Severity, a.Status = rxvigil.Severity(e.book.word(string(a.Severity))), rxvigil.Status(e.book.word(string(a.Status)))
	t := e.book.tenants[a.Tenant]
	if t == nil {
		return
	}
	a.Tenant = t.id
	if b := t.branches[a.Branch]; b != nil {
		a.Branch = b.id
	}
	if m := t.medicines.get(a.Subject.Medicine); m != nil {
		a.Subject.Medicine = m.id()
	}
}

// RestoreOccurrences takes the last known moment of each scan, so that a repeated tick is harmless.
func (e *Engine) RestoreOccurrences(last []Occurrence) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range last {
		k := scanKey{o.Scan, o.Tenant}
		e.scans[k] = max(e.scans[k], o.Wall)
	}
}

// Settle says that the store already has the transitions of every transaction up to lsn. Commit folds those and reports
// their stock, but judges nothing: the caller publishes what Store.Since recorded, under the same names.
func (e *Engine) Settle(lsn uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stored = lsn
}

// ruleOf is a rule that is asked, or nil.
func (e *Engine) ruleOf(id string) *rule {
	for i := range e.rules {
		if e.rules[i].ID == id {
			return &e.rules[i]
		}
	}
	return nil
}

// kindOf is the kind of a rule that is asked, or nil.
func (e *Engine) kindOf(id string) *kind {
	if r := e.ruleOf(id); r != nil {
		return r.kind
	}
	return nil
}

func (e *Engine) oddZone(name string) { e.log.Warn("unknown time zone in a record", "zone", name) }
