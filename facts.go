package rxvigil

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Facts are named values: an alert's numbers and inputs, in order of their names. An alert has few, and there may be many alerts: a map
// would take three times the room.
type Facts []Fact

// Fact is one of them.
type Fact struct {
	Name  string
	Value Value
}

// FactsOf puts facts of different names in order. It keeps the slice.
func FactsOf(all ...Fact) Facts {
	slices.SortFunc(all, func(a, b Fact) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Get is the value of a name; unknown when there is none.
func (f Facts) Get(name string) Value {
	if i, found := f.find(name); found {
		return f[i].Value
	}
	return Value{}
}

// Set gives a name its value, instead of the one that it has. What else refers to the facts does not see a name that is new.
func (f *Facts) Set(name string, v Value) {
	if i, found := f.find(name); found {
		(*f)[i].Value = v
		return
	}
	*f = f.With(name, v)
}

// With is a copy in which a name has this value.
func (f Facts) With(name string, v Value) Facts {
	i, found := f.find(name)
	all := append(make(Facts, 0, len(f)+1), f[:i]...)
	all = append(all, Fact{name, v})
	if found {
		i++
	}
	return append(all, f[i:]...)
}

func (f Facts) find(name string) (int, bool) {
	return slices.BinarySearchFunc(f, name, func(a Fact, name string) int { return cmp.Compare(a.Name, name) })
}

// AppendJSON appends the facts as a JSON object; null where there are none at all.
func (f Facts) AppendJSON(b []byte) []byte {
	if f == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	for i := range f {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f[i].Name), ':')
		b = f[i].Value.AppendJSON(b)
	}
	return append(b, '}')
}

// MarshalJSON gives a JSON object, its names sorted.
func (f Facts) MarshalJSON() ([]byte, error) { return f.AppendJSON(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Facts) UnmarshalJSON(b []byte) error {
	var all map[string]Value
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("facts: %w", err)
	}
	*f = nil
	if all == nil {
		return nil
	}
	facts := make([]Fact, 0, len(all))
	for name, v := range all {
		facts = append(facts, Fact{name, v})
	}
	*f = FactsOf(facts...)
	return nil
}
