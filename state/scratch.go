package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// Scratch is room beside the store that does not outlive the process: a Pebble of its own, without a log, made when first
// something is put and removed by Clear. One goroutine at a time may use it.
type Scratch struct {
	dir  string
	db   *pebble.DB // nil: it is empty
	last []byte     // what Get gave last
}

// Scratch gives the room of a name, always the same.
func (s *Store) Scratch(name string) *Scratch {
	if s.scratch[name] == nil {
		if s.scratch == nil {
			s.scratch = map[string]*Scratch{}
		}
		s.scratch[name] = &Scratch{dir: filepath.Join(s.scratchDir, name)}
	}
	return s.scratch[name]
}

// scratchOptions keep a scratch small: it is written once, read once, and bounded memory is what it is for.
func scratchOptions() *pebble.Options {
	o := &pebble.Options{
		CacheSize: 4 << 20, MemTableSize: 8 << 20, MemTableStopWritesThreshold: 3,
		FormatMajorVersion: pebble.FormatNewest, DisableWAL: true, Logger: silent{},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // most keys asked for were never put
	}
	return o
}

// Put sets a key.
func (s *Scratch) Put(key, value []byte) error {
	if s.db == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if err := s.db.Set(key, value, pebble.NoSync); err != nil {
		return fmt.Errorf("write scratch: %w", err)
	}
	return nil
}

func (s *Scratch) open() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("open scratch: %w", err)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("open scratch: %w", err)
	}
	db, err := pebble.Open(s.dir, scratchOptions())
	if err != nil {
		return fmt.Errorf("open scratch: %w", err)
	}
	s.db = db
	return nil
}

// Get gives a value; ok is false when there is none. The bytes are good until the next call.
func (s *Scratch) Get(key []byte) (value []byte, ok bool, err error) {
	if s.db == nil {
		return nil, false, nil
	}
	v, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read scratch: %w", err)
	}
	s.last = append(s.last[:0], v...)
	return s.last, true, closer.Close()
}

// Walk walks the keys with a prefix as they are now, in order, until yield says no. Key and value are good during the call;
// yield may call the other methods, but not Clear.
func (s *Scratch) Walk(prefix []byte, yield func(key, value []byte) bool) error {
	if s.db == nil {
		return nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: after(prefix)})
	if err != nil {
		return fmt.Errorf("walk scratch: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if !yield(it.Key(), it.Value()) {
			break
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("walk scratch: %w", err)
	}
	return nil
}

// Clear empties it and frees what it held.
func (s *Scratch) Clear() error {
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	if err := errors.Join(err, os.RemoveAll(s.dir)); err != nil {
		return fmt.Errorf("clear scratch: %w", err)
	}
	return nil
}

// silent drops what Pebble says of a scratch; what fails comes back as an error.
type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}

func (silent) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
