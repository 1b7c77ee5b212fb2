// Package rulestest holds a store in memory, and the suite that every store passes.
package rulestest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/rules"
)

// Memory is a store that forgets when the process ends. Engines claim it; only the newest claim may write.
type Memory struct {
	mu          sync.Mutex // guards what follows
	generation  int
	alerts      map[alertKey]rxvigil.Alert
	history     map[alertKey][]rules.Recorded
	occurrences map[string]rules.Occurrence
	overrides   map[overrideKey]rules.Override
	position    rxvigil.Position
}

type alertKey struct {
	tenant rxvigil.Tenant
	id     string
}

type overrideKey struct {
	tenant         rxvigil.Tenant
	rule, medicine string
	branch         rxvigil.Branch
}

// claim is one engine's view of a Memory.
type claim struct {
	*Memory
	generation int
}

// NewMemory gives an empty store.
func NewMemory() *Memory {
	return &Memory{
		alerts:      map[alertKey]rxvigil.Alert{},
		history:     map[alertKey][]rules.Recorded{},
		occurrences: map[string]rules.Occurrence{},
		overrides:   map[overrideKey]rules.Override{},
	}
}

// Claim gives a store that may write until the next claim.
func (m *Memory) Claim() rules.Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation++
	return &claim{m, m.generation}
}

// Load is rules.Store's.
func (m *Memory) Load(context.Context) (rules.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := rules.Snapshot{Episodes: map[string]int{}, Position: m.position}
	for _, a := range m.alerts {
		print := a.Fingerprint()
		s.Episodes[print] = max(s.Episodes[print], a.Episode)
		if a.Status.Open() {
			s.Alerts = append(s.Alerts, a)
		}
	}
	slices.SortFunc(s.Alerts, func(a, b rxvigil.Alert) int { return cmp.Compare(a.ID, b.ID) })
	s.Occurrences = m.newestOccurrences()
	for _, o := range m.overrides {
		s.Overrides = append(s.Overrides, o)
	}
	slices.SortFunc(s.Overrides, func(a, b rules.Override) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Medicine, b.Medicine), cmp.Compare(a.Branch, b.Branch))
	})
	return s, nil
}

func (m *Memory) newestOccurrences() []rules.Occurrence {
	newest := map[string]rules.Occurrence{}
	for _, o := range m.occurrences {
		k := string(o.Tenant) + "\x00" + o.Scan
		if newest[k].Wall < o.Wall {
			newest[k] = o
		}
	}
	var all []rules.Occurrence
	for _, o := range newest {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b rules.Occurrence) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Scan, b.Scan))
	})
	return all
}

// Save is rules.Store's.
func (c *claim) Save(_ context.Context, commits []rules.Commit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != c.Memory.generation {
		return rules.ErrFenced
	}
	for i := range commits {
		c.save(&commits[i])
	}
	return nil
}

func (m *Memory) save(c *rules.Commit) {
	for i, tr := range c.Transitions {
		k := alertKey{tr.Alert.Tenant, tr.Alert.ID}
		if m.alerts[k].Version >= tr.Alert.Version {
			continue
		}
		m.alerts[k] = *tr.Alert
		m.history[k] = append(m.history[k], rules.Recorded{Pos: c.Place(i), Tx: c.Tx, Transition: tr})
	}
	for _, o := range c.Occurrences {
		k := strings.Join([]string{string(o.Tenant), o.Scan, o.Wall}, "\x00")
		if _, known := m.occurrences[k]; !known {
			m.occurrences[k] = o
		}
	}
	for _, o := range c.Overrides {
		k := overrideKey{o.Tenant, o.Rule, o.Medicine, o.Branch}
		m.overrides[k] = o
		if o.Value == nil {
			delete(m.overrides, k)
		}
	}
	m.position = rxvigil.Position{Epoch: c.Epoch, LSN: c.Tx.LSN}
}

// Since is rules.Store's.
func (m *Memory) Since(_ context.Context, epoch string, lsn uint64) ([]rules.Recorded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []rules.Recorded
	for _, lines := range m.history {
		for _, r := range lines {
			if r.Pos.Epoch == epoch && r.Pos.LSN > lsn {
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b rules.Recorded) int { return a.Pos.Compare(b.Pos) })
	return all, nil
}

// Alert is rules.Store's.
func (m *Memory) Alert(_ context.Context, t rxvigil.Tenant, id string) (rxvigil.Alert, []rules.HistoryLine, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.alerts[alertKey{t, id}]
	if !ok {
		return rxvigil.Alert{}, nil, rules.ErrNotFound
	}
	var lines []rules.HistoryLine
	for _, r := range m.history[alertKey{t, id}] {
		lines = append(lines, rules.HistoryLine{
			Pos: r.Pos, At: r.Alert.ChangedAt, Event: r.Event, From: r.From, To: r.Alert.Status,
			Severity: r.Alert.Severity, Rung: r.Alert.Rung, By: r.By, Note: r.Note, Version: r.Alert.Version,
		})
	}
	return a, lines, nil
}

// Resolved is rules.Store's.
func (m *Memory) Resolved(_ context.Context, t rxvigil.Tenant, q rules.ResolvedQuery) (rules.Page, error) {
	after, err := rules.ParseResolvedKey(q.After)
	if err != nil {
		return rules.Page{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var page rules.Page
	for k, a := range m.alerts {
		if k.tenant == t && q.Wants(&a) && (after.IsZero() || after.Before(rules.KeyOfResolved(&a))) {
			page.Alerts = append(page.Alerts, a)
		}
	}
	slices.SortFunc(page.Alerts, func(a, b rxvigil.Alert) int {
		if rules.KeyOfResolved(&a).Before(rules.KeyOfResolved(&b)) {
			return -1
		}
		return 1
	})
	page.Cut(q)
	return page, nil
}
