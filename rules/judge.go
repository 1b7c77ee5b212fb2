package rules

import (
	"cmp"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// hear gives the shelf as it is judged today; false when nothing on it is to be judged: it is empty, or its medicine is not
// there.
func (e *Engine) hear(s *shelf) (*hearing, bool) { return e.hearStock(s, s.stock(e.dayOf(s))) }

// hearStock is hear with today's stock at hand. One shelf is heard at a time.
func (e *Engine) hearStock(s *shelf, stock *rxvigil.Stock) (*hearing, bool) {
	if stock == nil || !s.medicine.present {
		return nil, false
	}
	e.hearing = hearing{pack: &e.pack, today: e.dayOf(s), shelf: s, stock: *stock}
	return &e.hearing, true
}

// judge compares what every kind finds on a shelf with the alerts that are open there.
func (e *Engine) judge(s *shelf) { e.judgeStock(s, s.stock(e.dayOf(s))) }

// judgeStock is judge with today's stock at hand.
func (e *Engine) judgeStock(s *shelf, stock *rxvigil.Stock) {
	h, ok := e.hearStock(s, stock)
	if !ok {
		e.countUnknown(s, 0)
		return
	}
	opens := e.opensOn(s)
	var vague uint32
	e.hidden = e.hidden[:0]
	for i := range e.rules {
		r := &e.rules[i]
		if r.kind.judge == nil {
			continue
		}
		h.rule = r
		e.verdicts = r.kind.judge(e.verdicts[:0], h)
		for j := range e.verdicts {
			if e.verdicts[j].idle(opens) && !r.waits() {
				continue
			}
			v := e.verdicts[j]
			if r.when != nil { // few have one, and a verdict is long
				v = r.tempered(h, v)
			}
			if v.vague {
				vague |= 1 << i
			}
			switch {
			case len(e.hidden) > 0 && v.finding != unsure && e.isHidden(r, v):
				v.finding, v.hidden = clears, true
			case v.finding == fires && r.hides != nil:
				e.hide(r, v)
			}
			e.apply(r, h, v, opens)
		}
	}
	e.countUnknown(s, vague)
}

// idle tells whether a verdict says that nothing is so of something that no alert is open about, as nearly all do. Opens are the open
// alerts of its shelf.
func (v *verdict) idle(opens []*open) bool {
	return v.finding == clears && !v.vague && len(opens) == 0 && (v.lot == nil || v.lot.quiet)
}

// apply brings one alert in line with one verdict.
func (e *Engine) apply(r *rule, h *hearing, v verdict, opens []*open) {
	if r.Severity != "" {
		v.severity = r.Severity
	}
	k, o := r.kind, e.find(r, h, v, opens)
	switch {
	case o == nil && v.finding == fires:
		e.mayRaise(r, h, v)
	case o == nil:
		if v.finding == unsure {
			e.abide(r, h, v, false)
			return
		}
		e.release(r, h, v, false)
	case v.finding == clears:
		e.refresh(k, h, v, o)
		e.mayResolve(r, h, v, o)
	case v.finding == unsure:
		e.refresh(k, h, v, o)
		e.abide(r, h, v, true)
	case e.settled:
		e.refresh(k, h, v, o)
		e.release(r, h, v, true)
	default:
		e.release(r, h, v, true)
		e.reconsider(r, h, v, o)
	}
}

// mayRaise raises an alert, unless what was found has to last first.
func (e *Engine) mayRaise(r *rule, h *hearing, v verdict) {
	if e.held(r, h, v, false, r.For) {
		return
	}
	e.release(r, h, v, false)
	if !e.settled {
		e.noteRaised(r, h, v)
		e.raiseFound(r, h, v)
	}
}

// mayResolve resolves an alert, unless what was found has to be gone for longer.
func (e *Engine) mayResolve(r *rule, h *hearing, v verdict, o *open) {
	if e.held(r, h, v, true, r.lingers(h, v)) {
		return
	}
	e.release(r, h, v, true)
	if !e.settled {
		note := ""
		if v.hidden {
			note = noteHidden
		}
		e.resolve(o, "", note)
	}
}

// opensOn are the open alerts that stand on a shelf. Most shelves have none, and know it.
func (e *Engine) opensOn(s *shelf) []*open {
	if s.quiet {
		return nil
	}
	opens := e.alerts.homes[s.key()]
	s.quiet = len(opens) == 0
	return opens
}

// disturb lets the shelf of an alert, and its lot, know that they may have one.
func (e *Engine) disturb(o *open) {
	if s := e.book.find(o.home.tenant, o.home.branch, o.home.medicine); s != nil {
		s.quiet = false
	}
	if t := e.book.tenants[o.alert.Tenant]; t != nil && o.alert.Subject.Type == subjectLot {
		if l := t.lot(o.alert.Subject.ID); l != nil {
			l.quiet = false
		}
	}
}

// find is the open alert a verdict is about. A lot's may still stand on the shelf it was taken from.
func (e *Engine) find(r *rule, h *hearing, v verdict, opens []*open) *open {
	if v.lot != nil {
		if v.lot.quiet {
			return nil
		}
		var room [len(uuidForm)]byte
		if v.lot.quiet = e.alerts.perLot[string(v.lot.appendID(room[:0]))] == 0; v.lot.quiet {
			return nil
		}
		return e.alerts.lots[lotKey{h.shelf.medicine.tenant.id, h.shelf.branch.id, r.ID, v.lot.id()}]
	}
	for _, o := range opens {
		if o.alert.Rule == r.ID && o.alert.Subject.Type == subjectMedicine {
			return o
		}
	}
	return nil
}

func (e *Engine) raiseFound(r *rule, h *hearing, v verdict) {
	key, subject, d := h.shelf.key(), h.subject(v), r.kind.describe(h, v)
	print := rxvigil.Fingerprint(key.tenant, key.branch, r.ID, subject.Type, subject.ID)
	o := e.raise(print, rxvigil.Alert{
		Rule: r.ID, Kind: r.kind.name, Severity: v.severity, Rung: v.rung, Tenant: key.tenant, Branch: key.branch, Subject: subject,
		Values: d.values, Threshold: d.threshold, Why: rxvigil.Why{Inputs: d.inputs},
	}, key)
	o.pass = e.pass
}

// reconsider updates an open alert that is still true, and tells it when it moved by more than its numbers.
func (e *Engine) reconsider(r *rule, h *hearing, v verdict, o *open) {
	k := r.kind
	e.refresh(k, h, v, o)
	v.severity = r.atLeast(&o.alert, v.severity)
	retold := k.retell != "" && !o.told.values.Get(k.retell).Equal(o.alert.Values.Get(k.retell))
	if !retold && o.alert.Rung == v.rung && o.alert.Severity == v.severity {
		return
	}
	o.alert.Rung = v.rung
	o.alert.Why.Inputs = k.describe(h, v).inputs
	e.change(o, v.severity, "")
}

// refresh brings name, numbers and message up to date without a transition.
func (e *Engine) refresh(k *kind, h *hearing, v verdict, o *open) {
	o.pass = e.pass
	if home := h.shelf.key(); o.home != home {
		e.alerts.rehome(o, home)
		h.shelf.quiet = false
	}
	if v.finding == clears || v.finding == unsure {
		v.rung = o.alert.Rung
	}
	d := k.describe(h, v)
	if h.rule.flaps(h, v) {
		d.values.Set("flapping", rxvigil.ValueOf(rxvigil.TypeTruth, "true"))
	}
	o.alert.Subject, o.alert.Values, o.alert.Threshold = h.subject(v), d.values, d.threshold
	o.share(d)
}

// renew refreshes one alert before a transition that the facts did not cause, so that stored numbers never depend on when
// the engine was last restarted.
func (e *Engine) renew(o *open) {
	s := e.book.find(o.home.tenant, o.home.branch, o.home.medicine)
	if s == nil {
		return
	}
	h, ok := e.hear(s)
	r := e.ruleOf(o.alert.Rule)
	if !ok || r == nil || r.kind.judge == nil {
		return
	}
	h.rule = r
	for _, v := range r.kind.judge(nil, h) {
		if subject := h.subject(v); subject.ID == o.alert.Subject.ID {
			e.refresh(r.kind, h, r.tempered(h, v), o)
		}
	}
}

// resolveLeft resolves what stood on a shelf and was not found again: its subject is gone.
func (e *Engine) resolveLeft(s *shelf) {
	e.releaseLeft(s)
	if e.settled {
		return
	}
	for _, o := range slices.Clone(e.opensOn(s)) {
		if o.pass != e.pass {
			e.resolve(o, "", noteGone)
		}
	}
}

// resolveUnjudged resolves the open alerts among those asked for that no verdict was given on. Those that stay until they are
// acknowledged stay; so do those about what stands on no shelf, unless that was judged too.
func (e *Engine) resolveUnjudged(among func(*open) bool, documents bool) {
	if e.settled {
		return
	}
	var left []*open
	for _, t := range e.alerts.tenants {
		for _, o := range t {
			if k := e.kindOf(o.alert.Rule); o.pass != e.pass && among(o) && (k == nil || k.judge != nil || documents && k.standing) {
				left = append(left, o)
			}
		}
	}
	slices.SortFunc(left, func(a, b *open) int { return cmp.Compare(a.alert.ID, b.alert.ID) })
	for _, o := range left {
		e.resolve(o, "", noteGone)
	}
}

// countUnknown keeps, by rule, the number of shelves that cannot be judged.
func (e *Engine) countUnknown(s *shelf, vague uint32) {
	if s.unknown == vague {
		return
	}
	for i := range e.unknown {
		bit := uint32(1) << i
		e.unknown[i] += int(vague&bit>>i) - int(s.unknown&bit>>i)
	}
	s.unknown = vague
}
