package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rxvigil/rxvigil"
)

// ResolvedKey is the place of an ended alert in the order of Store.Resolved: newest first, then by id downwards.
type ResolvedKey struct {
	At time.Time
	ID string
}

// KeyOfResolved is the place of an ended alert.
func KeyOfResolved(a *rxvigil.Alert) ResolvedKey {
	if a.ResolvedAt == nil {
		return ResolvedKey{ID: a.ID}
	}
	return ResolvedKey{At: *a.ResolvedAt, ID: a.ID}
}

// ParseResolvedKey reads what String wrote; an empty text is the zero key, before all others.
func ParseResolvedKey(s string) (ResolvedKey, error) {
	if s == "" {
		return ResolvedKey{}, nil
	}
	at, id, _ := strings.Cut(s, ".")
	micros, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return ResolvedKey{}, fmt.Errorf("page key %.60q is not one of ours", s)
	}
	return ResolvedKey{At: time.UnixMicro(micros).UTC(), ID: id}, nil
}

// String is the key as text.
func (k ResolvedKey) String() string { return strconv.FormatInt(k.At.UnixMicro(), 10) + "." + k.ID }

// IsZero tells whether the key is before all others.
func (k ResolvedKey) IsZero() bool { return k.ID == "" }

// Before tells whether k comes on an earlier page than o.
func (k ResolvedKey) Before(o ResolvedKey) bool {
	if !k.At.Equal(o.At) {
		return k.At.After(o.At)
	}
	return k.ID > o.ID
}

// Wants tells whether an alert is ended and asked for. An alert of the tenant as a whole belongs to every branch.
func (q *ResolvedQuery) Wants(a *rxvigil.Alert) bool {
	return a.Status == rxvigil.Resolved &&
		(q.Rule == "" || a.Rule == q.Rule) &&
		(len(q.Branches) == 0 || a.Branch == "" || slices.Contains(q.Branches, a.Branch))
}

// Most is how many alerts one page holds.
func (q *ResolvedQuery) Most() int { return limit(q.Limit, 100, 500) }

// Cut ends a page that holds more than was asked for, and says where the next begins.
func (p *Page) Cut(q ResolvedQuery) {
	if n := q.Most(); len(p.Alerts) > n {
		p.Alerts = p.Alerts[:n]
		p.Next = KeyOfResolved(&p.Alerts[n-1]).String()
	}
}
