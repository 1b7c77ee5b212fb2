package cdc

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that is wrong, or worth knowing, before the engine may run.
type Finding struct {
	Path  string `json:"path,omitempty"` // place in the configuration file, such as $.mapping.lot.fields.expires
	Fatal bool   `json:"fatal"`          // false: a warning
	What  string `json:"what"`           // one sentence
	Cure  string `json:"cure,omitempty"` // what to do, in words
	SQL   string `json:"sql,omitempty"`  // what to run
	Role  string `json:"role,omitempty"` // who can run it
}

func (f Finding) String() string {
	s := f.What
	if f.Cure != "" {
		s += ": " + f.Cure
	}
	if f.SQL != "" {
		s += "\n    " + f.SQL
		if f.Role != "" {
			s += "    -- as " + f.Role
		}
	}
	return s
}

// Nearest gives the valid name closest to a wrong one, or "" when none is close.
func Nearest(wrong string, valid []string) string {
	best, least := "", max(2, len(wrong)/3)+1
	for _, v := range valid {
		if d := distance(strings.ToLower(wrong), strings.ToLower(v)); d < least {
			best, least = v, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

func didYouMean(wrong string, valid []string) string {
	valid = slices.Sorted(slices.Values(valid))
	if n := Nearest(wrong, valid); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	if len(valid) > 30 {
		return ""
	}
	return "there are " + strings.Join(valid, ", ")
}
