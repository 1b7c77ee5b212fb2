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
	e.begin(&in)
	e.fold(in.Changes)
	e.noteFaults(in.Faults)
	e.judgeTouched()
	for i := range in.Commands {
		e.obey(&in.Commands[i])
	}
	e.noteBlind(in.Blind)
	return e.finish()
}

// JudgeAll judges every shelf once, at the place in the stream where a cold boot begins to be true. What changed while
// nobody watched becomes at most one transition a subject, and no news of stock. Findings without a shelf resolve.
func (e *Engine) JudgeAll(in Input) Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.begin(&in)
	e.fold(in.Changes)
	e.forgetTouched()
	for _, t := range e.book.tenants {
		e.judgeTenant(t, false)
	}
	e.resolveUnjudged(func(*open) bool { return true })
	e.noteFaults(in.Faults)
	e.noteBlind(in.Blind)
	out := e.finish()
	out.Stock = nil
	return out
}

// Refresh brings the numbers in open alerts up to date at a warm start. It makes no transition.
func (e *Engine) Refresh(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clock.advance(now, time.Time{})
	e.settled = true
	for _, t := range e.book.tenants {
		t.eachShelf(e.judge)
	}
}

func (e *Engine) begin(in *Input) {
	e.tx, e.out, e.settled = in.Tx, Outcome{}, in.Tx.LSN != 0 && in.Tx.LSN <= e.stored
	e.pass++
	e.clock.advance(in.Tx.At, in.Wall)
	e.wake()
}

func (e *Engine) fold(changes []rxvigil.Change) {
	f := folding{book: e.book, touch: e.touch, moved: e.moved, oddZone: e.oddZone}
	f.all(changes)
}

// touch remembers a shelf as it was before the transaction, and the lowest row that reached it.
func (e *Engine) touch(s *shelf, row uint32) {
	if s.mark == 0 {
		e.touched = append(e.touched, touch{shelf: s, row: row, before: s.stock(s.toldDay())})
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
		e.tellStock(&e.touched[i])
		e.judge(e.touched[i].shelf)
	}
	for i := range e.touched {
		e.resolveLeft(e.touched[i].shelf)
	}
	e.forgetTouched()
}

func (e *Engine) forgetTouched() {
	for i := range e.touched {
		e.touched[i].shelf.mark = 0
		e.touched[i].shelf.sweep()
	}
	e.touched = e.touched[:0]
	e.book.forget()
}

// tellStock reports the net change of a shelf's stock. The day it is told for moves only when it made a difference, so that
// a restarted engine, which knows that day from Usage, tells the same.
func (e *Engine) tellStock(t *touch) {
	s, told := t.shelf, t.shelf.toldDay()
	after := s.stock(e.today(s))
	moved := t.moved
	if told == 0 || !sameStock(after, s.stock(told)) {
		s.told, moved = e.today(s), true
	}
	if moved {
		e.out.Usage = append(e.out.Usage, s.usage())
	}
	if sameStock(t.before, after) {
		return
	}
	e.out.Stock = append(e.out.Stock, StockChange{
		Row: t.row, Tenant: s.medicine.tenant.id, Branch: s.branch.id,
		Level: rxvigil.StockLevel{
			Medicine: s.medicine.id, MedicineName: s.medicine.name,
			ReorderLevel: rxvigil.NumberValue(s.medicine.reorder), Before: t.before, After: after,
		},
	})
}

// judgeTenant judges every shelf of a tenant; tell says whether stock that changed by the calendar is news.
func (e *Engine) judgeTenant(t *tenant, tell bool) {
	t.eachShelf(func(s *shelf) {
		if tell {
			e.tellExpired(s)
		}
		e.judge(s)
	})
	t.told = max(t.told, e.earliestDay(t))
	e.out.Usage = append(e.out.Usage, t.usage())
}

// tellExpired tells the stock that a passing day took from a shelf.
func (e *Engine) tellExpired(s *shelf) {
	before := s.stock(s.toldDay())
	if sameStock(before, s.stock(e.today(s))) {
		return
	}
	e.tellStock(&touch{shelf: s, before: before})
}

func (e *Engine) finish() Outcome {
	e.done = max(e.done, e.tx.LSN)
	e.out.Usage = append(e.out.Usage, e.clock.usage())
	slices.SortFunc(e.out.Stock, compareStock)
	slices.SortStableFunc(e.out.Transitions, compareTransitions)
	out := e.out
	e.out = Outcome{}
	return out
}

func compareStock(a, b StockChange) int {
	return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Branch, b.Branch),
		cmp.Compare(a.Level.Medicine, b.Level.Medicine))
}

func compareTransitions(a, b Transition) int {
	x, y := &a.Alert, &b.Alert
	return cmp.Or(x.ChangedAt.Compare(y.ChangedAt), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Subject.Type, y.Subject.Type),
		cmp.Compare(x.Subject.ID, y.Subject.ID), cmp.Compare(x.Tenant, y.Tenant), cmp.Compare(x.Branch, y.Branch),
		cmp.Compare(x.Episode, y.Episode), cmp.Compare(x.Version, y.Version))
}
