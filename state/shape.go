package state

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// shapeKey stands beside the meta: it changes seldom, and may be long.
var shapeKey = []byte{spaceMeta, 's'} //nolint:gochecknoglobals // a constant; Go has none for bytes

// PutShape puts what the source's catalog says of the tables that the images belong to into the open group.
func (s *Store) PutShape(shape []byte) error {
	return wrote(s.group.current().Set(shapeKey, shape, nil))
}

// Shape gives what PutShape put last; nil: nothing since the store was made or reset.
func (s *Store) Shape() ([]byte, error) {
	r, err := s.reader()
	if err != nil {
		return nil, err
	}
	v, closer, err := r.Get(shapeKey)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	return bytes.Clone(v), closer.Close()
}
