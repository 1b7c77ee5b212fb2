package rules

import (
	"errors"
	"time"

	"github.com/rxvigil/rxvigil"
)

// ColdChain are the parameters of cold_chain. The usual ones are of a refrigerator (USP: 2 to 8 °C); a reading's own limits go
// before Low and High.
type ColdChain struct {
	Low, High rxvigil.Number // °C
	// After is how long it may be warmer or colder than that.
	After time.Duration
	// Kinetic is the mean kinetic temperature, over the last day, that must not be exceeded; unknown: none.
	Kinetic rxvigil.Number
}

// Kind is cold_chain.
func (ColdChain) Kind() string { return "cold_chain" }

func (p ColdChain) validate() error {
	switch {
	case !p.Low.Known() || !p.High.Known() || p.Low.Cmp(p.High) >= 0:
		return errors.New("low is not below high")
	case p.After < 0:
		return errors.New("after is below zero")
	}
	return nil
}

// sensor is what is remembered of a thermometer.
type sensor struct {
	Name    string
	Branch  rxvigil.Branch
	Last    time.Time // of its newest reading
	Celsius rxvigil.Number
	Low     rxvigil.Number // the limits it keeps by itself
	High    rxvigil.Number
	Out     time.Time // since when it is out of its limits; zero: it is not
	Look    time.Time
	Kinetic kinetic
}

func (s *sensor) key() string    { return formSensor + "/" + string(s.Branch) + "/" + s.Name }
func (s *sensor) due() time.Time { return s.Look }

func (s *sensor) wake(e *Engine, t *tenant) {
	s.Look = time.Time{}
	e.judgeSensor(t, s)
}

func (s *sensor) subject() rxvigil.Subject {
	return rxvigil.Subject{Type: subjectSensor, ID: s.Name, Name: s.Name}
}

// noteReading takes a reading, or what the app calls a breach.
func (e *Engine) noteReading(t *tenant, c *rxvigil.Change) {
	switch {
	case isBreach(c):
		e.noteBreach(t, c)
	case c.After != nil:
		e.read(t, c.After)
	}
}

// read takes a reading. One that comes late, behind a newer one, changes nothing.
func (e *Engine) read(t *tenant, r *rxvigil.Record) {
	name := r.Text(rxvigil.ReadingSensor)
	at, known := r.Value(rxvigil.ReadingAt).Instant()
	if !known || at.After(e.clock.now) {
		at = e.clock.now
	}
	fresh := &sensor{Name: cloned(name), Branch: rxvigil.Branch(cloned(string(r.Branch)))}
	s, _ := t.matters[fresh.key()].(*sensor)
	if s == nil {
		s = fresh
	}
	celsius := r.Number(rxvigil.ReadingCelsius)
	if name == "" || !celsius.Known() || at.Before(s.Last) {
		return
	}
	s.Kinetic.add(s.Celsius, s.Last, at)
	s.Last, s.Celsius = at, celsius
	s.Low, s.High = r.Number(rxvigil.ReadingLow), r.Number(rxvigil.ReadingHigh)
	e.judgeSensor(t, s)
}

// judgeSensor asks every rule about a thermometer, and keeps it.
func (e *Engine) judgeSensor(t *tenant, s *sensor) {
	e.askSensor(t, s)
	e.keep(t, s)
}

func (e *Engine) askSensor(t *tenant, s *sensor) {
	for i := range e.rules {
		if p, ok := e.rules[i].Params.(ColdChain); ok {
			e.stand(&e.rules[i], t, p.judge(s, e.clock.now))
		}
	}
}

// judge gives what is found of a thermometer. It is out for too long also when nobody reads it any more.
func (p ColdChain) judge(s *sensor, now time.Time) state {
	low, high := p.limits(s)
	found := state{branch: s.Branch, subject: s.subject(), verdict: verdict{rung: "out_of_limits", severity: rxvigil.Critical}}
	if s.Celsius.Cmp(low) >= 0 && s.Celsius.Cmp(high) <= 0 {
		s.Out = time.Time{}
	} else if s.Out.IsZero() {
		s.Out = s.Last
	}
	mean := s.Kinetic.mean()
	switch {
	case !s.Out.IsZero() && now.Sub(s.Out) >= p.After:
		found.finding = fires
	case p.Kinetic.Known() && mean.Known() && mean.Cmp(p.Kinetic) > 0:
		found.finding, found.rung = fires, "kinetic"
	}
	s.Look = time.Time{}
	if !s.Out.IsZero() && found.finding != fires {
		s.Look = s.Out.Add(p.After)
	}
	found.values = rxvigil.FactsOf(
		named("celsius", rxvigil.NumberValue(s.Celsius)), named("low", rxvigil.NumberValue(low)), named("high", rxvigil.NumberValue(high)),
		named("since", timeValue(s.Out)), named("kinetic", rxvigil.NumberValue(mean)),
	)
	found.inputs = found.values
	found.threshold = &rxvigil.Threshold{Value: rxvigil.NumberValue(high), Source: sourceRule}
	if s.High.Known() {
		found.threshold.Source = sourceApp
	}
	return found
}

func (p ColdChain) limits(s *sensor) (low, high rxvigil.Number) {
	low, high = p.Low, p.High
	if s.Low.Known() {
		low = s.Low
	}
	if s.High.Known() {
		high = s.High
	}
	return low, high
}

// breach is what the app itself calls one, until it has ended and somebody acknowledged it there.
type breach struct {
	ID, Sensor, Text   string
	Branch             rxvigil.Branch
	Celsius, Low, High rxvigil.Number
}

func (b *breach) key() string           { return formBreach + "/" + b.ID }
func (b *breach) due() time.Time        { return time.Time{} }
func (b *breach) wake(*Engine, *tenant) {}

// newBreach reads a breach, and tells whether it is over.
func newBreach(c *rxvigil.Change) (b *breach, over bool) {
	r := c.Record()
	b = &breach{
		ID: cloned(r.ID), Sensor: cloned(r.Text(rxvigil.ReadingSensor)), Text: cloned(r.Text(rxvigil.ReadingBreach)),
		Branch: rxvigil.Branch(cloned(string(r.Branch))), Celsius: r.Number(rxvigil.ReadingCelsius),
		Low: r.Number(rxvigil.ReadingLow), High: r.Number(rxvigil.ReadingHigh),
	}
	ended := r.Value(rxvigil.ReadingEnded).IsKnown() && r.Text(rxvigil.ReadingAcknowledged) == "true"
	return b, ended || !alive(c.After)
}

// noteBreach keeps a breach that a transaction changed, and has it told.
func (e *Engine) noteBreach(t *tenant, c *rxvigil.Change) {
	b, over := newBreach(c)
	if over {
		e.settleMatter(t, b)
	} else {
		e.keep(t, b)
	}
	e.judgeBreach(t, b, over)
}

func (e *Engine) judgeBreach(t *tenant, b *breach, over bool) {
	found := state{
		branch: b.Branch, subject: rxvigil.Subject{Type: subjectSensor, ID: "breach/" + b.ID, Name: b.Sensor},
		verdict: verdict{rung: "breach", severity: rxvigil.Critical, finding: fires},
	}
	if over {
		found.finding = clears
	}
	found.values = rxvigil.FactsOf(
		named("breach", rxvigil.TextOf(b.Text)), named("celsius", rxvigil.NumberValue(b.Celsius)), named("low", rxvigil.NumberValue(b.Low)), named("high", rxvigil.NumberValue(b.High)),
	)
	found.inputs = found.values
	for i := range e.rules {
		if _, ok := e.rules[i].Params.(ColdChain); ok {
			e.stand(&e.rules[i], t, found)
		}
	}
}
