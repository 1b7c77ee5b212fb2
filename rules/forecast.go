package rules

import "github.com/rxvigil/rxvigil"

// use is what a shelf sold in the window before a day, and on how many days it could sell.
type use struct {
	day  rxvigil.Day    // 0: to be made anew
	sold rxvigil.Number // unknown where history is too short to tell
	days int            // of the window, without those that opened and closed with nothing available
	out  int            // those days
}

// leastHistory is how many days of history, and of days with stock, make an average.
const leastHistory = 14

// useOn sums the window of days before today. Days before the first recorded sale are no part of it.
func (d *demand) useOn(s *shelf, today rxvigil.Day, window int) use {
	known := d.closings
	known.closeUntil(s, today)
	u := use{day: today}
	for day := max(today-rxvigil.Day(window), d.first); day < today; day++ {
		u.days++
		if known.empty(day-1) && known.empty(day) {
			u.out++
		}
	}
	history := u.days
	u.days -= u.out
	if history < leastHistory || u.days < leastHistory {
		u.sold = rxvigil.UnknownNumber
	} else {
		u.sold = d.soldWithin(today-rxvigil.Day(window), today)
	}
	return u
}

// soldWithin sums the days from one to another, without the last.
func (d *demand) soldWithin(from, to rxvigil.Day) rxvigil.Number {
	var sum rxvigil.Number
	for _, s := range d.sold {
		if s.Day >= from && s.Day < to {
			sum = sum.Add(s.Quantity)
		}
	}
	return sum
}

// forecast is what a shelf's use says of its future. All of it is unknown where the use is. Where nothing was sold, how long the
// stock lasts is unknown too: no division by zero passes for an answer.
type forecast struct {
	use
	supply *Supply
	demand *demand
}

// forecast looks ahead from today. It is made when a kind asks for it.
func (h *hearing) forecast() forecast {
	f := forecast{supply: &h.pack.Supply, demand: h.shelf.demand}
	if f.demand == nil {
		f.sold = rxvigil.UnknownNumber
		return f
	}
	if f.demand.use.day == h.today {
		f.use = f.demand.use
		return f
	}
	f.use = f.demand.useOn(h.shelf, h.today, h.pack.Supply.window())
	if !h.reading {
		f.demand.use = f.use
	}
	return f
}

func (f *forecast) known() bool { return f.sold.Known() }

// sells tells whether anything is sold at all.
func (f *forecast) sells() bool { return f.sold.Known() && f.sold.Sign() > 0 }

// over is what is used in so many days: ADU × days, rounded once.
func (f *forecast) over(days int) rxvigil.Number {
	if !f.sold.Known() {
		return rxvigil.UnknownNumber
	}
	return f.sold.Mul(rxvigil.NumberOf(int64(days))).Quo(rxvigil.NumberOf(int64(f.days)))
}

// adu is the average daily use: Σ sold ÷ (window − stock-out days). mSupply's AMC is 30 times as much, and so is OpenLMIS'.
func (f *forecast) adu() rxvigil.Number { return f.over(1) }

// amc is the average monthly consumption, of months of 30 days.
func (f *forecast) amc() rxvigil.Number { return f.over(daysOfMonth) }

const daysOfMonth = 30

// cover is how many days a quantity lasts.
func (f *forecast) cover(n rxvigil.Number) rxvigil.Number {
	if !f.sells() {
		return rxvigil.UnknownNumber
	}
	return n.Mul(rxvigil.NumberOf(int64(f.days))).Quo(f.sold)
}

// months is how many months of 30 days a quantity lasts (USAID DELIVER, Logistics Handbook: stock on hand ÷ AMC).
func (f *forecast) months(n rxvigil.Number) rxvigil.Number {
	return f.cover(n).Quo(rxvigil.NumberOf(daysOfMonth))
}

// safety is the safety stock.
func (f *forecast) safety() rxvigil.Number {
	if f.supply.SafetyFactor.Sign() > 0 {
		return f.supply.SafetyFactor.Mul(f.deviation()).Mul(rxvigil.NumberOf(int64(f.supply.LeadDays)).Sqrt())
	}
	return f.over(f.supply.safetyDays())
}

// deviation is the standard deviation of a day's use, over the days with stock.
func (f *forecast) deviation() rxvigil.Number {
	if !f.known() {
		return rxvigil.UnknownNumber
	}
	n := rxvigil.NumberOf(int64(f.days))
	var squares rxvigil.Number
	for _, s := range f.demand.sold {
		if s.Day >= f.day-rxvigil.Day(f.supply.window()) && s.Day < f.day {
			squares = squares.Add(s.Quantity.Mul(s.Quantity))
		}
	}
	mean := f.adu()
	return squares.Quo(n).Sub(mean.Mul(mean)).Round(9).Sqrt()
}

// min is lead-time stock and safety stock.
func (f *forecast) min() rxvigil.Number { return f.over(f.supply.LeadDays).Add(f.safety()) }

// max is min and what is used from one order to the next.
func (f *forecast) max() rxvigil.Number { return f.min().Add(f.over(f.supply.ReviewDays)) }

// order is what brings a quantity up to max, in whole units, as nobody delivers a part of one; 0 when there is more.
func (f *forecast) order(n rxvigil.Number) rxvigil.Number {
	order := f.max().Sub(n).Ceil()
	if order.Known() && order.Sign() < 0 {
		return rxvigil.Number{}
	}
	return order
}

// tell adds to an alert's numbers how long a quantity lasts, and what to order.
func (f *forecast) tell(values *rxvigil.Facts, n rxvigil.Number) {
	values.Set("cover_days", rxvigil.NumberValue(f.cover(n).Round(2)))
	values.Set("order", rxvigil.NumberValue(f.order(n)))
}

// prove adds what the forecast was made of to an alert's inputs.
func (f *forecast) prove(inputs *rxvigil.Facts) {
	if !f.known() {
		return
	}
	inputs.Set("sold", rxvigil.NumberValue(f.sold))
	inputs.Set("sold_days", rxvigil.NumberValue(rxvigil.NumberOf(int64(f.days))))
	inputs.Set("out_days", rxvigil.NumberValue(rxvigil.NumberOf(int64(f.out))))
	inputs.Set("daily_use", rxvigil.NumberValue(f.adu().Round(3)))
}

func (s *Supply) window() int {
	if s.Window == 0 {
		return usualWindow
	}
	return s.Window
}

func (s *Supply) safetyDays() int {
	if s.SafetyDays == 0 {
		return s.LeadDays
	}
	return s.SafetyDays
}
