package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Append puts a transaction's log entry into the open group. at is its commit time, by which it is forgotten one day. A long entry
// may come in pieces, one call after another with the same LSN, at most 60 000 of them: memory is spared if none is long.
func (s *Store) Append(lsn uint64, at time.Time, entry []byte) error {
	if !s.page.takes(lsn, entry) {
		if err := s.savePage(); err != nil {
			return err
		}
	}
	s.page.add(lsn, at.UnixMilli(), entry)
	return nil
}

// savePage puts the open page into the batch.
func (s *Store) savePage() error {
	if len(s.page.entries) == 0 {
		return nil
	}
	key, value := s.page.close()
	s.logBytes.Add(int64(len(value)))
	return wrote(s.group.current().Set(key, value, nil))
}

func logKey(lsn uint64) []byte { return binary.BigEndian.AppendUint64([]byte{spaceLog}, lsn) }

// ErrTornPage says that a part of the log cannot be read although it is as it was written.
var ErrTornPage = errors.New("a page of the log is torn")

// Entries walks the committed log entries at or after an LSN, in commit order, until yield says no; pieces of an entry are
// yielded one by one. The entry is good during the call. Any goroutine may call it.
func (s *Store) Entries(from uint64, yield func(lsn uint64, entry []byte) bool) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: logKey(from), UpperBound: []byte{spaceLog + 1}})
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	var torn error
	var scratch []byte
	for ok := it.First(); ok; ok = it.Next() {
		if scratch, ok, torn = eachEntry(scratch, it.Value(), from, yield); !ok {
			break
		}
	}
	if err := errors.Join(torn, it.Error(), it.Close()); err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	return nil
}

// Retention says how much of the log is kept; the log ends at whichever comes first.
type Retention struct {
	Age   time.Duration // default 24 h
	Bytes int64         // default 1 GiB
}

// LogBytes is about what the log holds.
func (s *Store) LogBytes() int64 { return s.logBytes.Load() }

// Trim forgets pages of which every entry is older than the retention, or that are too many, and raises the floor, with the
// open group. now is the engine's time.
func (s *Store) Trim(now time.Time, r Retention) error {
	if r.Age == 0 {
		r.Age = 24 * time.Hour
	}
	if r.Bytes == 0 {
		r.Bytes = 1 << 30
	}
	open, err := s.reader()
	if err != nil {
		return err
	}
	it, err := open.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceLog}, UpperBound: []byte{spaceLog + 1}})
	if err != nil {
		return fmt.Errorf("trim log: %w", err)
	}
	limit, total, last := now.Add(-r.Age).UnixMilli(), s.logBytes.Load(), uint64(0)
	for ok := it.First(); ok; ok = it.Next() {
		v, lsn := it.Value(), binary.BigEndian.Uint64(it.Key()[1:])
		if lsn != last && int64(binary.BigEndian.Uint64(v)) >= limit && total <= r.Bytes { // a piece of what goes goes, too
			break
		}
		total -= int64(len(v))
		last = lsn
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("trim log: %w", err)
	}
	if last == 0 {
		return nil
	}
	if err := s.group.current().DeleteRange([]byte{spaceLog}, logKey(last+1), nil); err != nil {
		return fmt.Errorf("trim log: %w", err)
	}
	s.logBytes.Store(max(total, 0))
	s.meta.Floor = max(s.meta.Floor, last)
	return nil
}
