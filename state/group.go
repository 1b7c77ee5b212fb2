package state

import (
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// group is what Commit writes in one piece. Its images are in recent until then, for as long as they have room there, and its
// newest log entries in a page; all else is in the batch. Only a group that somebody walks, or that outgrows recent, has a batch with an index, which costs a second
// ordering of everything.
type group struct {
	batch   *pebble.Batch
	indexed *pebble.Batch // in place of batch once it is needed
}

// keptBatch is the size up to which a batch's memory serves the next group, too.
const keptBatch = 2 * (4 << 20)

func newGroup(db *pebble.DB) group {
	return group{batch: db.NewBatch(pebble.WithMaxRetainedSizeBytes(keptBatch))}
}

// current is where writes go.
func (g *group) current() *pebble.Batch {
	if g.indexed != nil {
		return g.indexed
	}
	return g.batch
}

// reset begins another group, in the memory of this one.
func (g *group) reset() error {
	g.batch.Reset()
	if g.indexed == nil {
		return nil
	}
	err := g.indexed.Close()
	g.indexed = nil
	return err
}

func (g *group) close() error {
	if g.batch == nil {
		return nil
	}
	err := g.reset()
	if cerr := g.batch.Close(); err == nil {
		err = cerr
	}
	*g = group{}
	return err
}

// saveImages puts the images of the open group into its batch.
func (s *Store) saveImages() error {
	return s.recent.save(func(key, value []byte) error { return s.put(spaceImage, key, value) })
}

// spill puts all of the open group into an indexed batch.
func (s *Store) spill() error {
	if s.group.indexed == nil {
		b := s.db.NewIndexedBatch()
		if !s.group.batch.Empty() {
			if err := b.Apply(s.group.batch, nil); err != nil {
				return fmt.Errorf("write state: %w", err)
			}
		}
		s.group.indexed = b
	}
	if err := s.savePage(); err != nil {
		return err
	}
	return s.saveImages()
}

// reader sees the store with the open group.
func (s *Store) reader() (pebble.Reader, error) {
	if s.GroupSize() == 0 {
		return s.db, nil
	}
	if err := s.spill(); err != nil {
		return nil, err
	}
	return s.group.indexed, nil
}

// GroupSize is the size of the open group, in bytes; 0: it is empty.
func (s *Store) GroupSize() int {
	size := s.recent.unsavedBytes + len(s.page.entries)
	if b := s.group.current(); !b.Empty() {
		size += b.Len()
	}
	return size
}

func (s *Store) put(space byte, key, value []byte) error {
	b := s.group.current()
	if value == nil {
		op := b.DeleteDeferred(1 + len(key))
		op.Key[0] = space
		copy(op.Key[1:], key)
		return wrote(op.Finish())
	}
	op := b.SetDeferred(1+len(key), len(value))
	op.Key[0] = space
	copy(op.Key[1:], key)
	copy(op.Value, value)
	return wrote(op.Finish())
}

func wrote(err error) error {
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}
