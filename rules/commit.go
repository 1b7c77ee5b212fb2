package rules

import (
	"cmp"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Commit folds one transaction of the source, judges what it touched, and says what came of it. A transaction at or below
// one that was committed before changes nothing.
func (e *Engine) Commit(in Input) Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	if in.Tx.LSN != 0 && in.Tx.LSN <= e.done {
		return Outcome{}
	}
	if e.parted != in.Tx.LSN || in.Tx.LSN == 0 {
		e.begin(&in)
	}
	e.parted = 0
	e.fold(in.Changes)
	e.noteFaults(in.Faults)
	e.judgeTouched()
	e.adopt()
	for i := range in.Commands {
		e.obey(&in.Commands[i])
	}
	e.noteKept(in.Kept)
	e.noteBlind(in.Blind)
	return e.finish()
}

// Part folds some changes of a transaction that is too large for one Input; Commit follows with the last of them, and judges
// what all of them touched. Wall is as for Commit; nothing else of the input is looked at.
func (e *Engine) Part(in Input) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if in.Tx.LSN <= e.done {
		return
	}
	if e.parted != in.Tx.LSN {
		e.begin(&in)
		e.parted = in.Tx.LSN
	}
	e.fold(in.Changes)
}

// JudgeAll judges every shelf once, at the place in the stream where a cold boot begins to be true. What changed while
// nobody watched becomes at most one transition a subject, and no news of stock. Findings without a shelf resolve.
func (e *Engine) JudgeAll(in Input) Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begin(&in)
	e.fold(in.Changes)
	e.forgetSales()
	e.forgetTouched()
	e.watchAll()
	for _, t := range e.book.tenants {
		e.judgeTenant(t, false)
		e.judgeDocuments(t)
	}
	e.resolveUnjudged(func(*open) bool { return true }, true)
	e.noteFaults(in.Faults)
	e.noteBlind(in.Blind)
	out := e.finish()
	out.Stock = nil
	return out
}

// Refresh brings the numbers in open alerts up to date at a warm start. It makes no transition, so what no alert stands on is left:
// only what cannot be judged is still to be counted there, by RefreshSome.
func (e *Engine) Refresh(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock.advance(now, time.Time{})
	e.settled, e.refreshing = true, true
	for home := range e.alerts.homes {
		if s := e.book.find(home.tenant, home.branch, home.medicine); s != nil {
			e.judge(s)
		}
	}
	e.rest = make([]*shelf, 0, e.book.shelves)
	for _, t := range e.book.tenants {
		t.eachShelf(func(s *shelf) { e.rest = append(e.rest, s) })
		e.judgeMatters(t)
		e.refreshPrices(t)
	}
	e.refreshing = false
}

// refreshPrices judges the medicines of a tenant that have an alert about their price.
func (e *Engine) refreshPrices(t *tenant) {
	for _, o := range e.alerts.tenants[t.id] {
		if o.alert.Subject.Type != subjectMedicine {
			continue
		}
		if m := t.medicines.get(o.alert.Subject.ID); m != nil && m.present {
			e.prices = append(e.prices, priceChange{m, rxvigil.UnknownNumber})
		}
	}
	e.judgePrices()
}

// RefreshSome counts on so many shelves more what cannot be judged there, as Coverage shows it; false when that was done on all. It
// may be called at any time after Refresh, from anywhere.
func (e *Engine) RefreshSome(n int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.parted != 0 { // a transaction is half way: at another time
		return false
	}
	settled := e.settled
	e.settled, e.refreshing = true, true
	left := max(0, len(e.rest)-n)
	for _, s := range e.rest[left:] {
		if len(e.opensOn(s)) == 0 { // else it was judged
			e.judge(s)
		}
	}
	if e.rest = e.rest[:left]; left == 0 {
		e.rest = nil
	}
	e.settled, e.refreshing = settled, false
	return left > 0
}

func (e *Engine) begin(in *Input) {
	e.tx, e.out, e.settled = in.Tx, Outcome{}, in.Tx.LSN != 0 && in.Tx.LSN <= e.stored
	before := e.clock.now
	e.clock.advance(in.Tx.At, in.Wall)
	e.walled = !in.Wall.IsZero()
	e.wake(before)
	e.pass++ // what a deadline found is found again, or gone
}

func (e *Engine) fold(changes []rxvigil.Change) { e.folding.all(changes) }

// newFolding is the pass that changes of the stream take; it is made once, for there are many of them.
func (e *Engine) newFolding() *folding {
	return &folding{
		book: e.book, touch: e.touch, moved: e.moved, oddZone: e.oddZone, dayOf: e.dayAt, rewrite: e.rewrite,
		sale:    func(s *saleChange) { e.sales = append(e.sales, s) },
		priced:  func(m *medicine, old rxvigil.Number) { e.prices = append(e.prices, priceChange{m, old}) },
		emptied: func(l *lot) { e.emptied = append(e.emptied, l) },
		read:    e.noteReading,
	}
}

// touch remembers a shelf as it was before the transaction, and the lowest row that reached it.
func (e *Engine) touch(s *shelf, row uint32) {
	if s.mark == 0 {
		room := new([2]rxvigil.Stock) // they are told together
		closed := s.demand != nil && s.demand.closeUntil(s, e.dayOf(s))
		e.touched = append(e.touched, touch{shelf: s, row: row, before: s.stockIn(&room[0], s.toldDay()), after: &room[1], moved: closed})
		s.mark = uint32(len(e.touched))
		return
	}
	t := &e.touched[s.mark-1]
	t.row = min(t.row, row)
}

func (e *Engine) moved(s *shelf) { e.touched[s.mark-1].moved = true }

// judgeTouched judges the shelves of the transaction, then resolves what stood on them and was not found again.
func (e *Engine) judgeTouched() {
	for i := range e.touched {
		t := &e.touched[i]
		e.judgeStock(t.shelf, e.tellStock(t))
	}
	for i := range e.touched {
		e.resolveLeft(e.touched[i].shelf)
	}
	e.judgeSales()
	e.judgePrescriptions()
	e.judgePrices()
	e.forgetTouched()
}

// judgeSales asks every rule about the sales that the transaction changed, then takes what moved for the stock that is owed.
func (e *Engine) judgeSales() {
	for _, s := range e.sales {
		for i := range e.rules {
			if ask := e.rules[i].kind.sale; ask != nil {
				ask(e, &e.rules[i], s)
			}
		}
	}
	e.payOwed()
	e.forgetSales()
}

func (e *Engine) forgetSales() {
	clear(e.sales)
	clear(e.emptied)
	e.sales, e.emptied = e.sales[:0], e.emptied[:0]
}

// judgeDocuments judges at the end of a boot what stands on no shelf.
func (e *Engine) judgeDocuments(t *tenant) {
	for m := range t.medicines.all() {
		if m.present {
			e.prices = append(e.prices, priceChange{m, rxvigil.UnknownNumber})
		}
	}
	e.judgeMatters(t)
	e.judgePrices()
}

// judgeMatters judges what is no stock and no price: prescriptions, sensors, breaches.
func (e *Engine) judgeMatters(t *tenant) {
	for _, m := range t.matters {
		switch m := m.(type) {
		case *prescription:
			if m.Since.IsZero() {
				m.Since = e.clock.now
			}
			e.prescriptions = append(e.prescriptions, prescriptionChange{tenant: t, was: m, now: m})
		case *sensor:
			e.askSensor(t, m)
		case *breach:
			e.judgeBreach(t, m, false)
		}
	}
	e.judgePrescriptions()
}

// watchAll begins, at the end of a boot, to watch when shelves are empty; what their ledgers tell of the days before is told.
func (e *Engine) watchAll() {
	for _, t := range e.book.tenants {
		for m := range t.medicines.all() {
			for _, s := range m.shelves {
				if s.demand != nil && s.demand.asOf == 0 {
					s.demand.watch(e.dayOf(s), s.ledger)
				}
				if s.ledger != nil {
					s.ledger.byDay = nil
				}
			}
		}
	}
}

func (e *Engine) forgetTouched() {
	for i := range e.touched {
		e.touched[i].shelf.mark = 0
		if s := e.touched[i].shelf; s.sweep() && s.told != 0 { // what was kept of it is to be forgotten, too
			e.out.Usage = append(e.out.Usage, Usage{Tenant: s.medicine.tenant.id, Branch: s.branch.id, Medicine: s.medicine.id(), Forgotten: true})
		}
	}
	e.touched = e.touched[:0]
	e.book.forget()
}

// manyUsages is how many shelves use is told of one by one.
const manyUsages = 1024

// tellStock reports the net change of a shelf's stock, and gives today's. The day it is told for moves only when it made a difference, so that
// a restarted engine, which knows that day from Usage, tells the same.
func (e *Engine) tellStock(t *touch) (after *rxvigil.Stock) {
	s, told, today := t.shelf, t.shelf.toldDay(), e.dayOf(t.shelf)
	after = s.stockIn(t.after, today)
	if s.demand != nil && s.demand.asOf == 0 {
		s.demand.asOf = today
	}
	moved := t.moved
	if told == 0 || told != today && !sameStock(after, s.stock(told)) {
		s.told, moved = today, true
	}
	if moved {
		if n := len(e.out.Usage); n == manyUsages { // it will go on: growing step by step would hold it twice
			e.out.Usage = slices.Grow(e.out.Usage, len(e.touched))
		}
		e.out.Usage = append(e.out.Usage, s.usage())
	}
	if sameStock(t.before, after) {
		return after
	}
	if e.out.Stock == nil {
		e.out.Stock = make([]StockChange, 0, max(1, len(e.touched)))
	}
	e.out.Stock = append(e.out.Stock, StockChange{
		Row: t.row, Tenant: s.medicine.tenant.id, Branch: s.branch.id,
		Level: rxvigil.StockLevel{
			Medicine: s.medicine.id(), MedicineName: s.medicine.name(),
			ReorderLevel: rxvigil.NumberValue(s.reorder()), Before: t.before, After: after,
		},
	})
	return after
}

// judgeTenant judges every shelf of a tenant; tell says whether stock that changed by the calendar is news.
func (e *Engine) judgeTenant(t *tenant, tell bool) {
	ahead := e.looksAhead()
	t.eachShelf(func(s *shelf) {
		if tell && e.untouchedByDays(s, ahead) {
			return
		}
		if tell {
			e.tellExpired(s)
		}
		e.judge(s)
	})
	t.told = max(t.told, e.earliestDay(t))
	e.out.Usage = append(e.out.Usage, t.usage())
}

// looksAhead is for how many days ahead a lot's expiry makes a difference; less than 0: nobody can tell.
func (e *Engine) looksAhead() rxvigil.Day {
	ahead := rxvigil.Day(0)
	for i := range e.rules {
		if e.rules[i].When != "" || e.rules[i].For > 0 || e.rules[i].KeepFiringFor > 0 {
			return -1
		}
		if p, ok := e.rules[i].Params.(Expiry); ok {
			for _, t := range p.Tiers {
				ahead = max(ahead, rxvigil.Day(t.Within))
			}
		}
	}
	return ahead
}

// untouchedByDays tells whether the passing of days alone can have changed nothing about a shelf: nothing is open or held on it, nothing
// is known of its use, and its lots keep for longer than any rule looks ahead. So it is with most shelves, each day.
func (e *Engine) untouchedByDays(s *shelf, ahead rxvigil.Day) bool {
	if ahead < 0 || !s.quiet || s.demand != nil || len(s.holds()) > 0 {
		return false
	}
	today := e.dayOf(s)
	for _, l := range s.lots {
		if !l.quiet || l.flags&lotDated != 0 && (l.expires-today <= ahead || s.told != 0 && l.expires-s.told <= ahead) {
			return false
		}
	}
	return true
}

// tellExpired tells the stock that a passing day took from a shelf.
func (e *Engine) tellExpired(s *shelf) {
	before := s.stock(s.toldDay())
	if sameStock(before, s.stock(e.dayOf(s))) {
		return
	}
	e.tellStock(&touch{shelf: s, before: before, after: new(rxvigil.Stock)})
}

func (e *Engine) finish() Outcome {
	e.done = max(e.done, e.tx.LSN)
	if e.walled { // between our own messages the clock is told by Now
		e.out.Usage = append(e.out.Usage, e.clock.usage())
	}
	slices.SortFunc(e.out.Stock, compareStock)
	slices.SortStableFunc(e.out.Transitions, compareTransitions)
	out := e.out
	e.out = Outcome{}
	return out
}

func compareStock(a, b StockChange) int {
	if a.Row != b.Row { // as nearly always, and without a look at what they name
		return cmp.Compare(a.Row, b.Row)
	}
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Branch, b.Branch),
		cmp.Compare(a.Level.Medicine, b.Level.Medicine))
}

func compareTransitions(a, b Transition) int {
	x, y := a.Alert, b.Alert
	return cmp.Or(x.ChangedAt.Compare(y.ChangedAt), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Subject.Type, y.Subject.Type),
		cmp.Compare(x.Subject.ID, y.Subject.ID), cmp.Compare(x.Tenant, y.Tenant), cmp.Compare(x.Branch, y.Branch),
		cmp.Compare(x.Episode, y.Episode), cmp.Compare(x.Version, y.Version))
}
