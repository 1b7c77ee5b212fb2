package rules

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Usage is what the engine must remember of one shelf that no image of a row tells: the sum of its movements, and the day
// its stock was last told for. With no medicine it is of the tenant, with no tenant it is the engine's own clock.
type Usage struct {
	Tenant   rxvigil.Tenant
	Branch   rxvigil.Branch
	Medicine string

	Ledger    rxvigil.Number // Σ of the signed quantities that are known
	Movements int64          // how many of them
	Unknown   int64          // movements whose quantity nobody knows
	Told      rxvigil.Day    // 0: never
	Now, Wall time.Time      // of the engine's clock alone
}

// Key is where the usage is to be kept: equal keys replace each other.
func (u Usage) Key() string {
	return string(u.Tenant) + "\x00" + string(u.Branch) + "\x00" + u.Medicine
}

// Append appends the value to be kept under Key.
func (u Usage) Append(b []byte) []byte {
	b = append(b, u.Ledger.String()...)
	for _, n := range [...]int64{u.Movements, u.Unknown, int64(u.Told), nanos(u.Now), nanos(u.Wall)} {
		b = append(b, ' ')
		b = strconv.AppendInt(b, n, 10)
	}
	return b
}

// ParseUsage reads what Key and Append wrote; anything else is an error.
func ParseUsage(key string, value []byte) (Usage, error) {
	names := strings.Split(key, "\x00")
	words := strings.Fields(string(value))
	if len(names) != 3 || len(words) != 6 {
		return Usage{}, fmt.Errorf("usage %.80q: %.80q is not one of ours", key, value)
	}
	u := Usage{Tenant: rxvigil.Tenant(names[0]), Branch: rxvigil.Branch(names[1]), Medicine: names[2]}
	return u, u.parse(words)
}

func (u *Usage) parse(words []string) error {
	u.Ledger = rxvigil.UnknownNumber
	if words[0] != u.Ledger.String() {
		n, err := rxvigil.ParseNumber(words[0])
		if err != nil {
			return fmt.Errorf("usage of %.80q: %w", u.Key(), err)
		}
		u.Ledger = n
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
	return nil
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
