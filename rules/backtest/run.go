package backtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Run lets an engine judge the history from start to end, and reports what it told. Config's pack is the one that is tried.
func (h *History) Run(c rules.Config, start, end time.Time) (*Report, error) {
	e, err := rules.NewEngine(c)
	if err != nil {
		return nil, err
	}
	r := &run{engine: e, report: newReport(start, end), lsn: 1000, zone: c.Zone}
	if r.zone == nil {
		r.zone = time.UTC
	}
	for _, s := range c.Pack.Scans {
		schedule, err := rules.ParseSchedule(s.Cron)
		if err != nil {
			return nil, fmt.Errorf("scan %s: %w", s.Name, err)
		}
		r.scans = append(r.scans, scan{name: s.Name, schedule: schedule})
	}
	slices.SortStableFunc(h.dated, func(a, b happened) int { return a.at.Compare(b.at) })
	stock, moves := h.stockBefore(start)
	rest := r.boot(h, stock, start)
	r.play(h, rest, moves, end)
	r.scanUntil(end)
	r.report.finish(e)
	return r.report, nil
}

type run struct {
	engine *rules.Engine
	report *Report
	lsn    uint64
	zone   *time.Location
	scans  []scan
	now    time.Time
	last   map[string]time.Time // of each scan and tenant
	next   rules.Moment         // of any of them; zero: to be found
	tick   rules.Tick
}

type scan struct {
	name     string
	schedule *rules.Schedule
}

// boot makes known what was before the window, and gives what happened in it.
func (r *run) boot(h *History, s *stock, start time.Time) []happened {
	fold := func(record, document *rxvigil.Record) {
		r.engine.Fold(&rxvigil.Change{After: record, Document: document})
	}
	for _, record := range h.standing {
		fold(record, nil)
	}
	for _, l := range s.now {
		if l.there {
			l.last = l.image()
			fold(l.last, nil)
		}
	}
	i := 0
	for ; i < len(h.dated) && h.dated[i].at.Before(start); i++ {
		d := &h.dated[i]
		fold(d.record, nil)
		for _, line := range h.linesOf(d) {
			fold(line, d.record)
		}
	}
	r.now = start
	out := r.engine.JudgeAll(rules.Input{Tx: r.tx(), Wall: start})
	for _, t := range out.Transitions {
		if t.Event == rxvigil.AlertRaised {
			r.report.Standing++
		}
	}
	r.last = map[string]time.Time{}
	return h.dated[i:]
}

func (r *run) tx() rxvigil.Tx {
	r.lsn += 16
	return rxvigil.Tx{LSN: r.lsn, XID: r.lsn, At: r.now}
}

// play commits what happened, all of one second and tenant as one transaction.
func (r *run) play(h *History, rest []happened, moves []move, end time.Time) {
	for len(rest) > 0 || len(moves) > 0 {
		at := end
		if len(rest) > 0 {
			at = rest[0].at
		}
		if len(moves) > 0 && moves[0].at.Before(at) {
			at = moves[0].at
		}
		if at.After(end) {
			return
		}
		r.scanUntil(at)
		second := at.Truncate(time.Second)
		in := rules.Input{Wall: at}
		for len(rest) > 0 && rest[0].at.Truncate(time.Second).Equal(second) {
			d := &rest[0]
			in.Changes = append(in.Changes, rxvigil.Change{Row: uint32(len(in.Changes)), After: d.record, Lines: h.linesOf(d)})
			if d.record.Kind() == rxvigil.KindSale {
				r.report.Sales++
			}
			rest = rest[1:]
		}
		var touched []*lotStock
		for len(moves) > 0 && moves[0].at.Truncate(time.Second).Equal(second) {
			m := moves[0]
			m.lot.held, m.lot.there = m.lot.held.Add(m.quantity).Trim(), true
			if !slices.Contains(touched, m.lot) {
				touched = append(touched, m.lot)
			}
			moves = moves[1:]
		}
		for _, l := range touched {
			before := l.last
			l.last = l.image()
			in.Changes = append(in.Changes, rxvigil.Change{Row: uint32(len(in.Changes)), Before: before, After: l.last})
		}
		r.now = at
		in.Tx = r.tx()
		r.report.Transactions++
		r.note(r.engine.Commit(in))
	}
}

func (r *run) note(out rules.Outcome) {
	for i := range out.Transitions {
		r.report.note(&out.Transitions[i], r.now, r.zone)
	}
	for range out.Digests {
		r.report.tell(r.now, r.zone)
	}
}

// scanUntil runs the pack's scans at their moments, for each tenant by its own clock.
func (r *run) scanUntil(until time.Time) {
	for {
		if r.next.At.IsZero() {
			r.next, r.tick = r.nextScan()
		}
		if r.next.At.IsZero() || r.next.At.After(until) {
			return
		}
		moment, tick := r.next, r.tick
		r.last[tick.Scan+"\x00"+string(tick.Tenant)], r.now, r.next = moment.At, moment.At, rules.Moment{}
		r.note(r.engine.Commit(rules.Input{Tx: r.tx(), Wall: moment.At, Commands: []rules.Command{{Op: rules.RunTick, Tenant: tick.Tenant, Tick: tick}}}))
	}
}

// nextScan is the next moment of any scan; zero: there is none.
func (r *run) nextScan() (next rules.Moment, tick rules.Tick) {
	for _, t := range r.engine.Tenants() {
		zone, err := time.LoadLocation(t.Zone)
		if err != nil {
			zone = r.zone
		}
		for _, s := range r.scans {
			last := r.last[s.name+"\x00"+string(t.ID)]
			if last.IsZero() {
				last = r.report.Start
			}
			m := s.schedule.Next(last, zone)
			if !m.At.IsZero() && (next.At.IsZero() || m.At.Before(next.At)) {
				next, tick = m, rules.Tick{Scan: s.name, Tenant: t.ID, Wall: m.Wall}
			}
		}
	}
	return next, tick
}
