package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// bulk is the images of a transaction that is too large for the open group: a table file, which the group's commit takes in
// together with what the group itself holds. Until then no read sees it, and a crash leaves nothing of it.
type bulk struct {
	images *sstable.Writer
	last   []byte // key written last
	path   string
}

var errOpenGroup = errors.New("state: a group is open")

// Bulk begins to take images past the open group, which must be empty; Commit takes them in with the group.
func (s *Store) Bulk() error {
	if s.bulk != nil || s.GroupSize() > 0 {
		return errOpenGroup
	}
	if err := s.Sync(); err != nil { // the groups before must not be lost where the bulk is not
		return err
	}
	if err := os.MkdirAll(s.scratchDir, 0o700); err != nil {
		return fmt.Errorf("begin bulk: %w", err)
	}
	b := &bulk{path: filepath.Join(s.scratchDir, "images.sst")}
	var err error
	if b.images, err = s.table(b.path); err != nil {
		return err
	}
	s.bulk = b
	s.recent.forgetAll()
	return nil
}

func (s *Store) table(path string) (*sstable.Writer, error) {
	f, err := vfs.Default.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("begin bulk: %w", err)
	}
	o := options("", s.log, nil)
	o.EnsureDefaults()
	return sstable.NewWriter(objstorageprovider.NewFileWritable(f), o.MakeWriterOptions(0, s.db.TableFormat())), nil
}

// BulkImage sets an image, or deletes it with a nil value. Keys come in ascending order.
func (s *Store) BulkImage(key, value []byte) error {
	var buf [96]byte
	k := append(append(buf[:0], spaceImage), key...)
	if bytes.Compare(k, s.bulk.last) <= 0 {
		return fmt.Errorf("state: bulk key %q behind %q", k, s.bulk.last)
	}
	s.bulk.last = append(s.bulk.last[:0], k...)
	var err error
	if value == nil {
		err = s.bulk.images.Delete(k)
	} else {
		err = s.bulk.images.Set(k, value)
	}
	if err != nil {
		return fmt.Errorf("write bulk: %w", err)
	}
	return nil
}

// InBulk tells whether images are being taken past the group.
func (s *Store) InBulk() bool { return s.bulk != nil }

// dropBulk gives a bulk up.
func (s *Store) dropBulk() {
	if s.bulk != nil {
		_ = s.bulk.images.Close()
		_ = os.Remove(s.bulk.path)
		s.bulk = nil
	}
}

// ingest takes the bulk in, and the group with it: all of both is there after a crash, or nothing.
func (s *Store) ingest() error {
	paths := []string{s.bulk.path}
	if err := s.bulk.images.Close(); err != nil {
		return fmt.Errorf("end bulk: %w", err)
	}
	if s.bulk.last == nil { // everything was netted away
		paths = nil
	}
	rest, err := s.groupTable()
	if err != nil {
		return err
	}
	if err := s.db.Ingest(context.Background(), append(paths, rest)); err != nil {
		return fmt.Errorf("take bulk in: %w", err)
	}
	s.bulk = nil
	s.recent.clear()
	return nil
}

type operation struct {
	key, value []byte
	gone       bool
}

// groupTable writes the group, which holds no images, as a table file.
func (s *Store) groupTable() (string, error) {
	var ops []operation
	for r := s.group.current().Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return "", fmt.Errorf("read group: %w", err)
		}
		if !ok {
			break
		}
		switch kind {
		case pebble.InternalKeyKindSet:
			ops = append(ops, operation{key, value, false})
		case pebble.InternalKeyKindDelete:
			ops = append(ops, operation{key, nil, true})
		default:
			return "", fmt.Errorf("state: a group with a bulk holds a %s", kind)
		}
	}
	slices.SortStableFunc(ops, func(a, b operation) int { return bytes.Compare(a.key, b.key) })
	path := filepath.Join(s.scratchDir, "group.sst")
	w, err := s.table(path)
	if err != nil {
		return "", err
	}
	for i, op := range ops {
		if i+1 < len(ops) && bytes.Equal(op.key, ops[i+1].key) {
			continue // written again
		}
		if op.gone {
			err = errors.Join(err, w.Delete(op.key))
		} else {
			err = errors.Join(err, w.Set(op.key, op.value))
		}
	}
	if err := errors.Join(err, w.Close()); err != nil {
		return "", fmt.Errorf("write group: %w", err)
	}
	return path, nil
}
