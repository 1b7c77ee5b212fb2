package rules

import (
	"math"
	"strconv"
	"time"

	"github.com/rxvigil/rxvigil"
)

// kinetic sums the readings of the last day by the hour, for the mean kinetic temperature: the one temperature that would do as
// much harm as all of them (USP <1079.2>). Temperatures are no quantities and no money: they are summed as floating-point numbers.
type kinetic struct {
	Hours []heat
}

// heat is one hour of readings: how long they were for, and what they did.
type heat struct {
	Hour    int64 // since 1970
	Seconds float64
	Rate    float64 // Σ seconds × e^(−ΔH ÷ RT)
}

const (
	// activation is ΔH ÷ R: 83.144 kJ/mol ÷ 8.3144 J/(mol K).
	activation  = 10_000.0
	zeroCelsius = 273.15
	kineticDay  = 24
	longestGap  = time.Hour // a reading stands for no longer than this
)

// add takes a reading for the time up to the next one.
func (k *kinetic) add(celsius rxvigil.Number, from, to time.Time) {
	if from.IsZero() || !celsius.Known() || !to.After(from) {
		return
	}
	to = minTime(to, from.Add(longestGap))
	hour := to.Unix() / 3600
	kept := k.Hours[:0:0]
	for _, h := range k.Hours {
		if h.Hour > hour-kineticDay {
			kept = append(kept, h)
		}
	}
	if len(kept) == 0 || kept[len(kept)-1].Hour != hour {
		kept = append(kept, heat{Hour: hour})
	}
	seconds := to.Sub(from).Seconds()
	last := &kept[len(kept)-1]
	last.Seconds += seconds
	last.Rate += seconds * math.Exp(-activation/kelvin(celsius))
	k.Hours = kept
}

// mean is the mean kinetic temperature in °C, to a hundredth; unknown before a day was read.
func (k *kinetic) mean() rxvigil.Number {
	var seconds, rate float64
	for _, h := range k.Hours {
		seconds, rate = seconds+h.Seconds, rate+h.Rate
	}
	if seconds < (kineticDay-1)*3600 {
		return rxvigil.UnknownNumber
	}
	n, err := rxvigil.ParseNumber(strconv.FormatFloat(activation/-math.Log(rate/seconds)-zeroCelsius, 'f', 2, 64))
	if err != nil {
		return rxvigil.UnknownNumber
	}
	return n
}

func kelvin(celsius rxvigil.Number) float64 {
	c, _ := strconv.ParseFloat(celsius.String(), 64)
	return c + zeroCelsius
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
