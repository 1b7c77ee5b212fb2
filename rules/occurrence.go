package rules

import (
	"time"

	"github.com/rxvigil/rxvigil"
)

// Tick says that a planned moment of a scan has come for one tenant. It travels through the WAL as JSON.
type Tick struct {
	Scan   string         `json:"scan"`
	Tenant rxvigil.Tenant `json:"tenant"`
	// Wall is the planned moment on the tenant's own clock, 2026-11-22T06:00; with a Z, in UTC, for scans of every hour.
	Wall string `json:"wall"`
	// Missed are earlier moments that nobody kept and nobody will: they are only recorded.
	Missed []string `json:"missed,omitempty"`
	// Skip says that this moment, too, is only to be recorded as missed.
	Skip bool `json:"skip,omitempty"`
}

// OccurrenceStatus says whether a planned moment was kept.
type OccurrenceStatus string

// The statuses of an occurrence.
const (
	Done   OccurrenceStatus = "done"
	Missed OccurrenceStatus = "missed"
)

// Occurrence is one planned moment of a scan and what became of it. (Scan, Tenant, Wall) names it.
type Occurrence struct {
	Scan   string
	Tenant rxvigil.Tenant
	Wall   string
	At     time.Time // engine time at which it was settled
	Status OccurrenceStatus
}

func (t Tick) occurrences(at time.Time) []Occurrence {
	status := Done
	if t.Skip {
		status = Missed
	}
	var all []Occurrence
	for _, wall := range t.Missed {
		all = append(all, Occurrence{t.Scan, t.Tenant, wall, at, Missed})
	}
	return append(all, Occurrence{t.Scan, t.Tenant, t.Wall, at, status})
}
