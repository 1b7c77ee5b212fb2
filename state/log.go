package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Append puts a transaction's log entry into the open group. at is its commit time, by which it is forgotten one day.
func (s *Store) Append(lsn uint64, at time.Time, entry []byte) error {
	value := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(entry)), uint64(at.UnixMilli()))
	s.logBytes.Add(int64(len(entry)))
	if err := s.group.Set(logKey(lsn), append(value, entry...), nil); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return nil
}

func logKey(lsn uint64) []byte { return binary.BigEndian.AppendUint64([]byte{spaceLog}, lsn) }

// Entries walks the committed log entries at or after an LSN, in commit order, until yield says no. The entry is good
// during the call. Any goroutine may call it.
func (s *Store) Entries(from uint64, yield func(lsn uint64, entry []byte) bool) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: logKey(from), UpperBound: []byte{spaceLog + 1}})
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if !yield(binary.BigEndian.Uint64(it.Key()[1:]), it.Value()[8:]) {
			break
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// Newest gives the LSN from which the newest entries hold at least size bytes, or all of them.
func (s *Store) Newest(size int) (uint64, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceLog}, UpperBound: []byte{spaceLog + 1}})
	if err != nil {
		return 0, fmt.Errorf("read log: %w", err)
	}
	var lsn uint64
	for ok := it.Last(); ok && size > 0; ok = it.Prev() {
		lsn = binary.BigEndian.Uint64(it.Key()[1:])
		size -= len(it.Value())
	}
	return lsn, errors.Join(it.Error(), it.Close())
}

// Retention says how much of the log is kept; the log ends at whichever comes first.
type Retention struct {
	Age   time.Duration // default 24 h
	Bytes int64         // default 1 GiB
}

// LogBytes is about what the log holds.
func (s *Store) LogBytes() int64 { return s.logBytes.Load() }

// Trim forgets entries that are older than the retention, or too many, and raises the floor, with the open group. now is the
// engine's time.
func (s *Store) Trim(now time.Time, r Retention) error {
	if r.Age == 0 {
		r.Age = 24 * time.Hour
	}
	if r.Bytes == 0 {
		r.Bytes = 1 << 30
	}
	it, err := s.group.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceLog}, UpperBound: []byte{spaceLog + 1}})
	if err != nil {
		return fmt.Errorf("trim log: %w", err)
	}
	limit, total, last := now.Add(-r.Age).UnixMilli(), s.logBytes.Load(), uint64(0)
	for ok := it.First(); ok; ok = it.Next() {
		v := it.Value()
		if int64(binary.BigEndian.Uint64(v)) >= limit && total <= r.Bytes {
			break
		}
		total -= int64(len(v) - 8)
		last = binary.BigEndian.Uint64(it.Key()[1:])
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("trim log: %w", err)
	}
	if last == 0 {
		return nil
	}
	if err := s.group.DeleteRange([]byte{spaceLog}, logKey(last+1), nil); err != nil {
		return fmt.Errorf("trim log: %w", err)
	}
	s.logBytes.Store(max(total, 0))
	s.meta.Floor = max(s.meta.Floor, last)
	return nil
}
