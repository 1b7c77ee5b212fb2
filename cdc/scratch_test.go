package cdc

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"sync"
)

// scratch is a Scratch in memory. It says so when what Get gave is used for too long.
type scratch struct {
	put func() // called before a row is put

	mu   sync.Mutex
	rows map[string][]byte
	last []byte
}

func (s *scratch) Put(key, value []byte) error {
	s.put()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[string][]byte{}
	}
	s.rows[string(key)] = bytes.Clone(value)
	return nil
}

func (s *scratch) Get(key []byte) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.last {
		s.last[i] = 0xEE
	}
	v, ok := s.rows[string(key)]
	s.last = bytes.Clone(v)
	return s.last, ok, nil
}

func (s *scratch) Walk(prefix []byte, yield func(key, value []byte) bool) error {
	s.mu.Lock()
	rows := maps.Clone(s.rows)
	s.mu.Unlock()
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		if strings.HasPrefix(k, string(prefix)) && !yield([]byte(k), bytes.Clone(rows[k])) {
			break
		}
	}
	return nil
}

func (s *scratch) Clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = nil
	return nil
}

// Scratch gives the room of a name.
func (m *memory) Scratch(name string) Scratch {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rooms == nil {
		m.rooms = map[string]*scratch{}
	}
	if m.rooms[name] == nil {
		m.rooms[name] = &scratch{put: func() { m.putting(name) }}
	}
	return m.rooms[name]
}

// putting calls what a test wants called.
func (m *memory) putting(room string) {
	m.mu.Lock()
	onPut := m.onPut
	m.mu.Unlock()
	if onPut != nil {
		onPut(room)
	}
}
