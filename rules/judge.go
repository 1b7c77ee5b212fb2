package rules

import (
	"cmp"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// hear gives the shelf as it is judged today; false when nothing on it is to be judged: it is empty, or its medicine is not
// there.
func (e *Engine) hear(s *shelf) (*hearing, bool) {
	today := e.today(s)
	stock := s.stock(today)
	if stock == nil || !s.medicine.present {
		return nil, false
	}
	return &hearing{pack: &e.pack, today: today, shelf: s, stock: *stock}, true
}

// judge compares what every kind finds on a shelf with the alerts that are open there.
func (e *Engine) judge(s *shelf) {
	h, ok := e.hear(s)
	if !ok {
		e.countUnknown(s, 0)
		return
	}
	opens := e.alerts.homes[s.key()]
	var vague uint8
	for i := range e.kinds {
		if e.kinds[i].judge == nil {
			continue
		}
		e.verdicts = e.kinds[i].judge(e.verdicts[:0], h)
		for _, v := range e.verdicts {
			if v.vague {
				vague |= 1 << i
			}
			e.apply(&e.kinds[i], h, v, opens)
		}
	}
	e.countUnknown(s, vague)
}

// apply brings one alert in line with one verdict.
func (e *Engine) apply(k *kind, h *hearing, v verdict, opens []*open) {
	o := e.find(k, h, v, opens)
	switch {
	case o == nil && v.finding == fires && !e.settled:
		e.raiseFound(k, h, v)
	case o == nil:
	case e.settled:
		e.refresh(k, h, v, o)
	case v.finding == clears:
		e.refresh(k, h, v, o)
		e.resolve(o, "", "")
	case v.finding == unsure:
		e.refresh(k, h, v, o)
	default:
		e.reconsider(k, h, v, o)
	}
}

// find is the open alert a verdict is about. A lot's may still stand on the shelf it was taken from.
func (e *Engine) find(k *kind, h *hearing, v verdict, opens []*open) *open {
	if v.lot != nil {
		return e.alerts.lots[lotKey{h.shelf.medicine.tenant.id, h.shelf.branch.id, k.rule, v.lot.id}]
	}
	for _, o := range opens {
		if o.alert.Rule == k.rule && o.alert.Subject.Type == subjectMedicine {
			return o
		}
	}
	return nil
}

func (e *Engine) raiseFound(k *kind, h *hearing, v verdict) {
	key, subject, d := h.shelf.key(), h.subject(v), k.describe(h, v)
	print := rxvigil.Fingerprint(key.tenant, key.branch, k.rule, subject.Type, subject.ID)
	o := e.raise(print, rxvigil.Alert{
		Rule: k.rule, Kind: k.rule, Severity: v.severity, Rung: v.rung, Tenant: key.tenant, Branch: key.branch, Subject: subject,
		Values: d.values, Threshold: d.threshold, Why: rxvigil.Why{Inputs: d.inputs},
	}, key)
	o.pass = e.pass
}

// reconsider updates an open alert that is still true, and tells it when it moved by more than its numbers.
func (e *Engine) reconsider(k *kind, h *hearing, v verdict, o *open) {
	e.refresh(k, h, v, o)
	retold := k.retell != "" && !o.told.values[k.retell].Equal(o.alert.Values[k.retell])
	if !retold && o.alert.Rung == v.rung && o.alert.Severity == v.severity {
		return
	}
	o.alert.Rung = v.rung
	o.alert.Why.Inputs = k.describe(h, v).inputs
	e.change(o, v.severity)
}

// refresh brings name, numbers and message up to date without a transition.
func (e *Engine) refresh(k *kind, h *hearing, v verdict, o *open) {
	o.pass = e.pass
	e.alerts.rehome(o, h.shelf.key())
	if v.finding == clears || v.finding == unsure {
		v.rung = o.alert.Rung
	}
	d := k.describe(h, v)
	o.alert.Subject, o.alert.Values, o.alert.Threshold = h.subject(v), d.values, d.threshold
	e.say(o)
}

// renew refreshes one alert before a transition that the facts did not cause, so that stored numbers never depend on when
// the engine was last restarted.
func (e *Engine) renew(o *open) {
	s := e.book.find(o.home.tenant, o.home.branch, o.home.medicine)
	if s == nil {
		return
	}
	h, ok := e.hear(s)
	k := e.kindOf(o.alert.Rule)
	if !ok || k == nil || k.judge == nil {
		return
	}
	for _, v := range k.judge(nil, h) {
		if subject := h.subject(v); subject.ID == o.alert.Subject.ID {
			e.refresh(k, h, v, o)
		}
	}
}

// resolveLeft resolves what stood on a shelf and was not found again: its subject is gone.
func (e *Engine) resolveLeft(s *shelf) {
	if e.settled {
		return
	}
	for _, o := range slices.Clone(e.alerts.homes[s.key()]) {
		if o.pass != e.pass {
			e.resolve(o, "", noteGone)
		}
	}
}

// resolveUnjudged resolves the open alerts among those asked for that no shelf had a verdict on; lasting ones stay.
func (e *Engine) resolveUnjudged(among func(*open) bool) {
	if e.settled {
		return
	}
	var left []*open
	for _, t := range e.alerts.tenants {
		for _, o := range t {
			if k := e.kindOf(o.alert.Rule); o.pass != e.pass && among(o) && (k == nil || !k.lasting) {
				left = append(left, o)
			}
		}
	}
	slices.SortFunc(left, func(a, b *open) int { return cmp.Compare(a.alert.ID, b.alert.ID) })
	for _, o := range left {
		e.resolve(o, "", noteGone)
	}
}

// countUnknown keeps, by kind, the number of shelves that cannot be judged.
func (e *Engine) countUnknown(s *shelf, vague uint8) {
	for i := range e.unknown {
		bit := uint8(1) << i
		e.unknown[i] += int(vague&bit>>i) - int(s.unknown&bit>>i)
	}
	s.unknown = vague
}
