package state

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Image gives the value of an image key; ok is false when there is none. The bytes are good until the next
// call.
func (s *Store) Image(key []byte) (value []byte, ok bool, err error) {
	if value, ok = s.recent.get(key); ok {
		return value, value != nil, nil
	}
	var from pebble.Reader = s.db
	if s.group.indexed != nil { // recent has what is not in it
		from = s.group.indexed
	}
	var buf [96]byte
	v, closer, err := from.Get(append(append(buf[:0], spaceImage), key...))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read image: %w", err)
	}
	s.image = append(s.image[:0], v...)
	if s.bulk == nil { // else it is asked for once, as one of many
		s.recent.learn(key, s.image)
	}
	return s.image, true, closer.Close()
}

// PutImage sets an image in the open group; a nil value deletes it.
func (s *Store) PutImage(key, value []byte) error {
	if s.recent.write(key, value) {
		return nil
	}
	if err := s.spill(); err != nil {
		return err
	}
	if s.recent.write(key, value) {
		return nil
	}
	s.recent.forget(key)
	return s.put(spaceImage, key, value)
}

// PutUsage sets an accumulator in the open group; a nil value deletes it.
func (s *Store) PutUsage(key, value []byte) error {
	return s.put(spaceUsage, key, value)
}

// Keys walks the image keys with a prefix, in order, until yield says no. A key is good during the call.
func (s *Store) Keys(prefix []byte, yield func(key []byte) bool) error {
	return s.walk(spaceImage, prefix, func(key, _ []byte) bool { return yield(key) })
}

// Images walks the images with a prefix, in order, until yield says no. Both are good during the call. Nothing may be written
// while it walks: the images it comes by are remembered, if there are not too many, for an engine that starts will soon ask for them.
func (s *Store) Images(prefix []byte, yield func(key, value []byte) bool) error {
	return s.walk(spaceImage, prefix, func(key, value []byte) bool {
		s.recent.note(key, value)
		return yield(key, value)
	})
}

// ForgetRecent gives back the memory of the images that were read or written last, where it is needed for other things. The open group
// must be empty.
func (s *Store) ForgetRecent() error {
	if s.GroupSize() > 0 {
		return errOpenGroup
	}
	s.recent.forgetAll()
	return nil
}

// Usage walks the accumulators.
func (s *Store) Usage(yield func(key, value []byte) bool) error {
	return s.walk(spaceUsage, nil, yield)
}

func (s *Store) walk(space byte, prefix []byte, yield func(key, value []byte) bool) error {
	from := append([]byte{space}, prefix...)
	r, err := s.reader()
	if err != nil {
		return err
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: from, UpperBound: after(from)})
	if err != nil {
		return fmt.Errorf("walk state: %w", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		if !yield(it.Key()[1:], it.Value()) {
			break
		}
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return fmt.Errorf("walk state: %w", err)
	}
	return nil
}

// after is the first key behind every key with a prefix.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
