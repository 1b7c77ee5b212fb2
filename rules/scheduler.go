package rules

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Ticker sends a tick on its way through the WAL. It is called by one goroutine at a time.
type Ticker interface {
	Tick(ctx context.Context, t Tick) error
}

// Calendar knows who is to be scanned, and where each stands. *Engine is one.
type Calendar interface {
	Tenants() []TenantInfo
	LastOccurrence(scan string, t rxvigil.Tenant) string
}

// Scheduler sends a tick at each planned moment of each scan, for each tenant by its own clock. Any number may run over one
// database: the engine ignores a moment it knows.
type Scheduler struct {
	scans    atomic.Pointer[[]plan]
	calendar Calendar
	ticker   Ticker
	log      *slog.Logger
	began    time.Time
	sent     map[scanKey]string // moments sent and perhaps not yet read back
}

type plan struct {
	Scan
	schedule *Schedule
}

const (
	// lookAgain bounds a wait: tenants come, zones change, and a machine that slept wakes with a later clock.
	lookAgain = time.Minute
	// tryAgain is how soon a tick that could not be sent is sent again.
	tryAgain = time.Second
	// mostMissed is how many missed moments one catch-up looks back over; the rest are not even recorded.
	mostMissed = 400
)

// NewScheduler reads the scans of a pack.
func NewScheduler(p Pack, calendar Calendar, ticker Ticker, log *slog.Logger) (*Scheduler, error) {
	s := &Scheduler{calendar: calendar, ticker: ticker, log: log, sent: map[scanKey]string{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s, s.Adopt(p)
}

// Adopt goes on by the scans of another pack. Any goroutine may call it; a pack that cannot be meant changes nothing.
func (s *Scheduler) Adopt(p Pack) error {
	var errs []error
	var scans []plan
	for _, scan := range p.Scans {
		schedule, err := ParseSchedule(scan.Cron)
		errs = append(errs, err)
		scans = append(scans, plan{scan, schedule})
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.scans.Store(&scans)
	return nil
}

// Run sends ticks until ctx ends. Moments that passed since the last stored occurrence are caught up with first, by each
// scan's policy. A tick that cannot be sent is tried again, and holds up the others no longer than its try.
func (s *Scheduler) Run(ctx context.Context) error {
	s.began = time.Now()
	for {
		wait := s.round(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// round sends what is due and says how long nothing will be.
func (s *Scheduler) round(ctx context.Context, now time.Time) time.Duration {
	wait := lookAgain
	scans := *s.scans.Load()
	for _, t := range s.calendar.Tenants() {
		zone, err := time.LoadLocation(t.Zone)
		if err != nil {
			s.log.Warn("tenant has an unknown time zone", "tenant", t.ID, "zone", t.Zone)
			zone = time.UTC
		}
		for i := range scans {
			wait = min(wait, s.visit(ctx, &scans[i], t.ID, zone, now))
		}
	}
	return wait
}

// visit sends the due ticks of one scan of one tenant and says when the next is.
func (s *Scheduler) visit(ctx context.Context, p *plan, t rxvigil.Tenant, zone *time.Location, now time.Time) time.Duration {
	k := scanKey{p.Name, t}
	last := max(s.sent[k], s.calendar.LastOccurrence(p.Name, t))
	due, next := p.due(s.since(p, last, zone), now, zone)
	for _, tick := range p.ticks(due, now) {
		tick.Tenant = t
		if err := s.ticker.Tick(ctx, tick); err != nil {
			s.log.Warn("tick not sent, will try again", "scan", p.Name, "tenant", t, "wall", tick.Wall, "error", err)
			return tryAgain
		}
		s.sent[k] = tick.Wall
	}
	if next.At.IsZero() {
		return lookAgain
	}
	return next.At.Sub(now)
}

// since is the instant after which moments are due: the last known one; for a scan never seen before, our own start, as the
// boot judged everything.
func (s *Scheduler) since(p *plan, last string, zone *time.Location) time.Time {
	if last == "" {
		return s.began.Add(-time.Nanosecond)
	}
	at, err := p.schedule.Instant(last, zone)
	if err != nil {
		s.log.Warn("stored occurrence is not a moment of ours", "scan", p.Name, "wall", last)
		return s.began.Add(-time.Nanosecond)
	}
	return at
}

// due lists the moments after since and up to now, the newest mostMissed of them, and the one to come.
func (p *plan) due(since, now time.Time, zone *time.Location) ([]Moment, Moment) {
	var due []Moment
	for {
		m := p.schedule.Next(since, zone)
		if m.At.IsZero() || m.At.After(now) {
			return due, m
		}
		due, since = append(due, m), m.At
		if len(due) > mostMissed {
			due = due[1:]
		}
	}
}

// ticks turns due moments into ticks by the scan's policy.
func (p *plan) ticks(due []Moment, now time.Time) []Tick {
	if len(due) == 0 {
		return nil
	}
	if p.CatchUp == All {
		var ticks []Tick
		for _, m := range due {
			ticks = append(ticks, Tick{Scan: p.Name, Wall: m.Wall})
		}
		return ticks
	}
	newest := due[len(due)-1]
	tick := Tick{Scan: p.Name, Wall: newest.Wall}
	for _, m := range due[:len(due)-1] {
		tick.Missed = append(tick.Missed, m.Wall)
	}
	tick.Skip = p.CatchUp == Skip && now.Sub(newest.At) > cmp.Or(p.MaxAge, time.Hour)
	return []Tick{tick}
}
