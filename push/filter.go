package push

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// Filter is what a connection asked for; the zero value asks for everything of its tenant.
type Filter struct {
	Topics []rxvigil.Topic
	Types  []rxvigil.EventType
	Branch rxvigil.Branch // events of this branch, and those of the tenant as a whole

	standing *standing // what the connection may see at all
}

// admits tells whether the filter lets e through. A resync always passes, whatever its topic: it is about all of them.
func (f *Filter) admits(e *Event) bool {
	if !f.standing.rights().sees(e) {
		return false
	}
	if f.Branch != "" && e.Branch != "" && e.Branch != f.Branch {
		return false
	}
	if e.Type == rxvigil.Resync {
		return true
	}
	return (len(f.Topics) == 0 || slices.Contains(f.Topics, e.Topic)) &&
		(len(f.Types) == 0 || slices.Contains(f.Types, e.Type))
}

var typeName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// newFilter checks what a client asked for. Types may be custom, so only their form is checked.
func newFilter(topics, types []string, branch string) (Filter, error) {
	f := Filter{Branch: rxvigil.Branch(branch)}
	known := rxvigil.Topics()
	for _, t := range topics {
		i := slices.Index(known, rxvigil.Topic(t))
		if i < 0 {
			return Filter{}, fmt.Errorf("topic %.40q is not one of %v", t, known)
		}
		f.Topics = append(f.Topics, known[i]) // not t: that would keep the whole URL
	}
	for _, t := range types {
		if !typeName.MatchString(t) {
			return Filter{}, fmt.Errorf("type %.40q does not match %s", t, typeName)
		}
		f.Types = append(f.Types, rxvigil.EventType(t))
	}
	return f, nil
}

// list splits a comma-separated query parameter; an empty one is no list.
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}
