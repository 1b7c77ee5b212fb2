package rules

import (
	"errors"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// SalesSpike are the parameters of sales_spike.
type SalesSpike struct {
	// Score is the modified z-score beyond which a day is unusual (Iglewicz and Hoaglin: 3.5).
	Score rxvigil.Number
	// Least is what must be sold on a day before it counts as unusually much, and what must be usual before a day counts as
	// unusually little.
	Least rxvigil.Number
	// LeastControlled is Least for controlled medicines, of which little may be diverted.
	LeastControlled rxvigil.Number `yaml:"least_controlled"`
	// Weeks is from how many of the same weekday before it the usual is taken.
	Weeks int
}

// Kind is sales_spike.
func (SalesSpike) Kind() string { return "sales_spike" }

func (p SalesSpike) validate() error {
	for _, n := range []rxvigil.Number{p.Score, p.Least, p.LeastControlled} {
		if !n.Known() || n.Sign() <= 0 {
			return errors.New("score, least and least_controlled are numbers above 0")
		}
	}
	if p.Weeks < leastWeeks || p.Weeks*7 > longestWindow {
		return errors.New("weeks is not between 5 and 17")
	}
	return nil
}

// leastWeeks is how many days are needed to say what is usual.
const leastWeeks = 5

// The rungs of sales_spike.
const (
	rungSpike = "spike"
	rungDrop  = "drop"
)

// judgeSpike compares what was sold today, and on the whole of yesterday, with the same weekday of the weeks before. It is told on
// the day, and gone on the next.
func judgeSpike(dst []verdict, h *hearing) []verdict {
	v := verdict{rung: rungSpike, severity: rxvigil.Warning}
	if h.shelf.demand == nil {
		v.finding, v.vague = unsure, true
		return append(dst, v)
	}
	today, yesterday := h.usual(h.today), h.usual(h.today-1)
	score, _ := h.spikeScore()
	switch {
	case today.known() && today.sold.Cmp(h.leastSold()) >= 0 && today.score.Cmp(score) > 0:
		v.finding = fires
	case yesterday.known() && yesterday.median.Cmp(h.leastSold()) >= 0 && yesterday.score.Cmp(score.Neg()) < 0:
		v.finding, v.rung = fires, rungDrop
	case !today.known():
		v.vague = true
	}
	return append(dst, v)
}

func (h *hearing) spikeScore() (rxvigil.Number, string) {
	return h.limit(rxvigil.UnknownNumber, h.rule.Params.(SalesSpike).Score)
}

func (h *hearing) leastSold() rxvigil.Number {
	if h.shelf.medicine.is(controlled) {
		return h.rule.Params.(SalesSpike).LeastControlled
	}
	return h.rule.Params.(SalesSpike).Least
}

// usual is a day's sale against what is usual on its weekday. The score is unknown where there are too few such days, or where all
// of them sold the same: then nothing says how much more is too much.
type usual struct {
	sold, median, score rxvigil.Number
}

func (u usual) known() bool { return u.sold.Known() && u.score.Known() }

func (h *hearing) usual(day rxvigil.Day) usual {
	d := h.shelf.demand
	u := usual{sold: d.on(day), median: rxvigil.UnknownNumber, score: rxvigil.UnknownNumber}
	var before []rxvigil.Number
	for week := 1; week <= h.rule.Params.(SalesSpike).Weeks; week++ {
		then := day - rxvigil.Day(7*week)
		if n := d.on(then); then >= d.first && n.Known() && !d.empty(then) {
			before = append(before, n)
		}
	}
	if len(before) >= leastWeeks {
		u.median = median(before)
		u.score = modifiedZ(u.sold, u.median, before)
	}
	return u
}

// modifiedZ is 0.6745 (x − median) ÷ MAD; where MAD is 0, (x − median) ÷ (1.2533 × mean absolute deviation).
func modifiedZ(x, middle rxvigil.Number, sample []rxvigil.Number) rxvigil.Number {
	var off []rxvigil.Number
	var sum rxvigil.Number
	for _, n := range sample {
		d := n.Sub(middle)
		if d.Sign() < 0 {
			d = d.Neg()
		}
		off, sum = append(off, d), sum.Add(d)
	}
	if mad := median(off); mad.Sign() != 0 {
		return x.Sub(middle).Mul(number("0.6745")).Quo(mad)
	}
	return x.Sub(middle).Quo(sum.Quo(rxvigil.NumberOf(int64(len(sample)))).Mul(number("1.2533")))
}

func median(sample []rxvigil.Number) rxvigil.Number {
	sorted := slices.Clone(sample)
	slices.SortFunc(sorted, rxvigil.Number.Cmp)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return sorted[middle-1].Add(sorted[middle]).Quo(rxvigil.NumberOf(2))
}

func describeSpike(h *hearing, v verdict) description {
	u := h.usual(h.today)
	if v.rung == rungDrop {
		u = h.usual(h.today - 1)
	}
	score, source := h.spikeScore()
	values := rxvigil.FactsOf(
		named("sold", rxvigil.NumberValue(u.sold)), named("usual", rxvigil.NumberValue(u.median.Trim())), named("score", rxvigil.NumberValue(u.score.Round(2))),
	)
	d := description{values: values, threshold: &rxvigil.Threshold{Value: rxvigil.NumberValue(score), Source: source}}
	d.inputs = d.with("least", h.leastSold())
	return d
}
