package rules

import (
	"errors"

	"github.com/rxvigil/rxvigil"
)

// Supply is how stock is replenished. With ADU, the average daily use, it gives MIN = ADU × lead + safety stock,
// MAX = MIN + ADU × review, and ORDER = MAX − available − on order (MSH, min-max inventory control).
type Supply struct {
	// Window is how many days before today usage is taken from; 0 is 90. At most 120.
	Window int
	// LeadDays pass from an order to its delivery.
	LeadDays int `yaml:"lead_days"`
	// ReviewDays pass from one order to the next.
	ReviewDays int `yaml:"review_days"`
	// SafetyDays are covered by the safety stock; 0 is as many as LeadDays.
	SafetyDays int `yaml:"safety_days"`
	// SafetyFactor, where it is above 0, makes the safety stock SafetyFactor × σ × √lead instead, σ being the standard deviation
	// of a day's use: 1.65 covers 95 % of the deliveries.
	SafetyFactor rxvigil.Number `yaml:"safety_factor"`
}

const (
	usualWindow   = 90
	longestWindow = 120
)

func (s *Supply) validate() error {
	switch {
	case s.Window < 0 || s.Window > longestWindow:
		return errors.New("pack: supply: window is not between 0 and 120 days")
	case s.LeadDays < 0 || s.ReviewDays < 0 || s.SafetyDays < 0:
		return errors.New("pack: supply: a number of days is below zero")
	case s.SafetyFactor.Known() && s.SafetyFactor.Sign() < 0:
		return errors.New("pack: supply: the safety factor is below zero")
	}
	return nil
}
