package rules

import (
	"errors"
	"fmt"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Conduct is how the alerts of a rule behave, whatever its kind. The zero value tells at once, once, and resolves at once.
type Conduct struct {
	// For is how long the facts must hold before anybody is told.
	For time.Duration
	// KeepFiringFor is how long the facts must be gone before an alert resolves.
	KeepFiringFor time.Duration `yaml:"keep_firing_for"`
	Repeat        Repeat
	Escalate      Escalation
	Flap          Flap
	// Digest sums up what the rule finds instead of telling each: for what can wait. It is told with the first of the pack's scans.
	Digest Digest
}

// Repeat tells an alert again while nobody has acknowledged it.
type Repeat struct {
	After  time.Duration // 0: never
	Factor int           // each wait is so many times the one before; 0 is 2
	Most   int           // how often; 0 is 5
}

// Escalation raises the severity of an alert that nobody has acknowledged.
type Escalation struct {
	After time.Duration // of firing; 0: never
	To    rxvigil.Severity
}

// Flap holds an alert that comes and goes: one that was raised Times times within Within stays open until its facts have been
// gone for Hold, and is marked.
type Flap struct {
	Times  int // 0: never
	Within time.Duration
	Hold   time.Duration
}

// Digest says how often what a rule finds is summed up.
type Digest string

// The digests.
const (
	AtOnce Digest = ""
	Daily  Digest = "daily"
	Weekly Digest = "weekly"
)

func (c *Conduct) validate() error {
	var errs []error
	for _, d := range []struct {
		name string
		time.Duration
	}{
		{"for", c.For},
		{"keep_firing_for", c.KeepFiringFor},
		{"repeat.after", c.Repeat.After},
		{"escalate.after", c.Escalate.After},
		{"flap.within", c.Flap.Within},
		{"flap.hold", c.Flap.Hold},
	} {
		if d.Duration < 0 {
			errs = append(errs, fmt.Errorf("%s %s is below zero", d.name, d.Duration))
		}
	}
	if c.Repeat.Factor < 0 || c.Repeat.Most < 0 || c.Flap.Times < 0 {
		errs = append(errs, errors.New("a count is below zero"))
	}
	if c.Escalate.After > 0 && c.Escalate.To.Rank() == 0 {
		errs = append(errs, fmt.Errorf("escalate.to %q is not info, warning, high or critical", c.Escalate.To))
	}
	if c.Flap.Times > 0 && (c.Flap.Within == 0 || c.Flap.Hold == 0) {
		errs = append(errs, errors.New("flap needs within and hold"))
	}
	switch c.Digest {
	case AtOnce, Daily, Weekly:
	default:
		errs = append(errs, fmt.Errorf("digest %q is not daily or weekly", c.Digest))
	}
	return errors.Join(errs...)
}
