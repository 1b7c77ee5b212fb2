package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Usage is what the engine must remember of one shelf that no image of a row tells: the sum of its movements, the day its stock
// was last told for, and what it sold by day. With no medicine it is of the tenant, with no tenant it is the engine's own clock.
type Usage struct {
	Forgotten bool // nothing is to be kept under the key: its shelf is empty, and has no past
	Tenant    rxvigil.Tenant
	Branch    rxvigil.Branch
	Medicine  string

	Ledger    rxvigil.Number // Σ of the signed quantities that are known
	Movements int64          // how many of them
	Unknown   int64          // movements whose quantity nobody knows
	Told      rxvigil.Day    // 0: never
	Now, Wall time.Time      // of the engine's clock alone

	First  rxvigil.Day // of the first recorded sale
	AsOf   rxvigil.Day // the days before it are closed; 0: nothing was ever sold
	Closed [2]uint64   // bit i: day AsOf - 1 - i closed with nothing available
	Sold   []DaySold   // ascending; shared with the engine, never changed

	// Prescribes says of a tenant that a prescription was seen at all.
	Prescribes bool

	// Matter names something of the tenant that is not settled, of which Body is all that is known. An empty one is settled: forget
	// what was stored under the key.
	Matter, Body string
}

// Gone tells whether nothing is to be kept under the key any more.
func (u Usage) Gone() bool { return u.Forgotten || u.Matter != "" && u.Body == "" }

// Key is where the usage is to be kept: equal keys replace each other.
func (u Usage) Key() string {
	key := string(u.Tenant) + "\x00" + string(u.Branch) + "\x00" + u.Medicine
	if u.Matter != "" {
		key += "\x00" + u.Matter
	}
	return key
}

// Append appends the value to be kept under Key.
func (u Usage) Append(b []byte) []byte {
	if u.Matter != "" {
		return append(b, u.Body...)
	}
	b = append(b, u.Ledger.String()...)
	for _, n := range [...]int64{u.Movements, u.Unknown, int64(u.Told), nanos(u.Now), nanos(u.Wall)} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	switch {
	case u.AsOf != 0:
		b = u.appendDemand(b)
	case u.Prescribes:
		b = append(b, " prescribes"...)
	}
	return b
}

// appendDemand writes each day with a sale as the number of days since the one before it, and what was sold.
func (u *Usage) appendDemand(b []byte) []byte {
	b = fmt.Appendf(b, " %d %d %x %x", u.First, u.AsOf, u.Closed[0], u.Closed[1])
	day := u.First
	for _, s := range u.Sold {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(s.Day-day), 10)
		b = append(b, ':')
		b = append(b, s.Quantity.String()...)
		day = s.Day
	}
	return b
}

// ParseUsage reads what Key and Append wrote; anything else is an error.
func ParseUsage(key string, value []byte) (Usage, error) {
	names := strings.Split(key, "\x00")
	if len(names) == 4 && names[3] != "" {
		return Usage{Tenant: rxvigil.Tenant(names[0]), Matter: names[3], Body: string(value)}, nil
	}
	words := strings.Fields(string(value))
	if len(names) != 3 || len(words) != 6 && len(words) != 7 && len(words) < 10 {
		return Usage{}, fmt.Errorf("usage %.80q: %.80q is not one of ours", key, value)
	}
	u := Usage{Tenant: rxvigil.Tenant(names[0]), Branch: rxvigil.Branch(names[1]), Medicine: names[2]}
	return u, u.parse(words)
}

func (u *Usage) parse(words []string) error {
	var err error
	if u.Ledger, err = keptNumber(words[0]); err != nil {
		return fmt.Errorf("usage of %.80q: %w", u.Key(), err)
	}
	var n [5]int64
	for i := range n {
		v, err := strconv.ParseInt(words[i+1], 10, 64)
		if err != nil {
			return fmt.Errorf("usage of %.80q: %w", u.Key(), err)
		}
		n[i] = v
	}
	u.Movements, u.Unknown, u.Told = n[0], n[1], rxvigil.Day(n[2])
	u.Now, u.Wall = instant(n[3]), instant(n[4])
	switch {
	case len(words) == 6:
		return nil
	case len(words) == 7 && words[6] == "prescribes":
		u.Prescribes = true
		return nil
	case len(words) == 7:
		return fmt.Errorf("usage of %.80q: %.20q is not one of ours", u.Key(), words[6])
	}
	if err := u.parseDemand(words[6:10], words[10:]); err != nil {
		return fmt.Errorf("usage of %.80q: %w", u.Key(), err)
	}
	return nil
}

func (u *Usage) parseDemand(head, days []string) error {
	if _, err := fmt.Sscanf(strings.Join(head, " "), "%d %d %x %x", &u.First, &u.AsOf, &u.Closed[0], &u.Closed[1]); err != nil {
		return err
	}
	day := u.First
	for _, word := range days {
		step, quantity, _ := strings.Cut(word, ":")
		n, err := strconv.ParseInt(step, 10, 32)
		if err != nil {
			return err
		}
		day += rxvigil.Day(n)
		sold, err := keptNumber(quantity)
		if err != nil {
			return err
		}
		u.Sold = append(u.Sold, DaySold{day, sold})
	}
	return nil
}

// keptNumber reads a number as it was kept, which may be one that nobody knew.
func keptNumber(text string) (rxvigil.Number, error) {
	if text == rxvigil.UnknownNumber.String() {
		return rxvigil.UnknownNumber, nil
	}
	return rxvigil.ParseNumber(text)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
