// Package state is what the engine remembers on its own disk: the last image of every mapped row, usage accumulators, the
// log's entries, and the position they stand at. It is one Pebble, written in groups: a group holds whole transactions, and
// either all of it is there after a crash or none.
//
// A store has one writer. Reads of images see the open group; reads of the log see what is committed, and may come from
// any goroutine.
package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// format is the layout of everything here: a store of another format is set aside.
const format = 2

// Key spaces.
const (
	spaceMeta  = 'm'
	spaceImage = 'c'
	spaceUsage = 'u'
	spaceLog   = 'e'
)

// Meta says what the store holds, and where it stands.
type Meta struct {
	Format   int             `json:"format"`
	Identity json.RawMessage `json:"identity"` // the source identity, as its reader wrote it
	Hash     string          `json:"hash"`     // of the mapping the images were made with
	Epoch    string          `json:"epoch"`
	Position uint64          `json:"position"` // end LSN of the last transaction held; 0: a boot that did not end
	At       time.Time       `json:"at"`       // its commit time
	Now      time.Time       `json:"now"`      // the engine's time
	Wall     time.Time       `json:"wall"`     // wall clock of the newest message of ours
	Floor    uint64          `json:"floor"`    // the log is whole after this LSN
	LogBytes int64           `json:"log_bytes"`
}

// Store is an open state folder.
type Store struct {
	db       *pebble.DB // nil once closed
	lock     *pebble.Lock
	log      *slog.Logger
	group    group
	image    []byte // what Image gave last
	recent   recent // images as the open group leaves them
	page     page   // of the log, as far as it is open
	meta     Meta
	logBytes atomic.Int64
	bulk     *bulk // of a large transaction; nil: none is open

	scratchDir string
	scratch    map[string]*Scratch
}

// ErrInUse says that another process has the folder open.
var ErrInUse = errors.New("another engine uses this data_dir")

// Open opens or makes the store in a folder. One that is torn, or of another format, is moved aside with its reason in the
// name and a new one begun: the engine then reads the source again rather than guess.
func Open(dir string, log *slog.Logger) (*Store, error) {
	s, err := open(dir, log)
	if err == nil || errors.Is(err, ErrInUse) {
		return s, err
	}
	if !torn(err) {
		return nil, err
	}
	aside := fmt.Sprintf("%s.aside-%s", filepath.Clean(dir), time.Now().UTC().Format("20060102T150405.000"))
	log.Warn("state_set_aside", "reason", err.Error(), "moved_to", aside)
	if err := os.Rename(dir, aside); err != nil {
		return nil, fmt.Errorf("set aside the state in %s: %w", dir, err)
	}
	return open(dir, log)
}

var errForeign = errors.New("the state is of another format")

// torn tells whether an error of opening means that the folder is no whole store. What the file system refuses is not that:
// with a full disk or without permission the state is as good as it was.
func torn(err error) bool {
	var refused *fs.PathError
	if errors.As(err, &refused) {
		return errors.Is(err, fs.ErrNotExist)
	}
	return errors.Is(err, errForeign) || errors.Is(err, errUnreadable) || IsCorrupt(err)
}

func open(dir string, log *slog.Logger) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	if reason, err := os.ReadFile(filepath.Join(dir, damageFile)); err == nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", errUnreadable, reason), lock.Close())
	}
	s := &Store{lock: lock, log: log, scratchDir: filepath.Clean(dir) + "-scratch"}
	if err := os.RemoveAll(s.scratchDir); err != nil { // of a process that was killed
		return nil, errors.Join(fmt.Errorf("open state: %w", err), lock.Close())
	}
	if s.db, err = openPebble(dir, options(dir, log, lock)); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", dir, err), lock.Close())
	}
	if err := s.readMeta(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.group = newGroup(s.db)
	s.logBytes.Store(s.meta.LogBytes)
	return s, nil
}

func lockFolder(dir string) (*pebble.Lock, error) {
	lock, err := pebble.LockDirectory(dir, vfs.Default)
	var noFile *fs.PathError
	switch {
	case errors.As(err, &noFile):
		return nil, fmt.Errorf("lock the state: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return lock, nil
}

// errUnreadable is a store that Pebble gives up on.
var errUnreadable = errors.New("the state cannot be read")

// openPebble opens the database. Pebble reports some damage as a fatal message, which its logger here makes a panic; and a
// store that has lost the name of its manifest it would take for a new one.
func openPebble(dir string, o *pebble.Options) (db *pebble.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errUnreadable, r)
		}
	}()
	manifests, err := filepath.Glob(filepath.Join(dir, "MANIFEST-*"))
	if err != nil {
		return nil, err
	}
	o.ErrorIfNotExists = len(manifests) > 0
	if db, err = pebble.Open(dir, o); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return db, nil
}

func (s *Store) readMeta() error {
	value, closer, err := s.db.Get([]byte{spaceMeta})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	defer func() { _ = closer.Close() }()
	if err := json.Unmarshal(value, &s.meta); err != nil || s.meta.Format != format {
		return errForeign
	}
	return nil
}

// Close closes the store and frees its folder; an open group is lost. Closing it twice does nothing.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	s.dropBulk()
	err := s.group.close()
	for _, room := range s.scratch {
		err = errors.Join(err, room.Clear())
	}
	err = errors.Join(err, s.db.Close(), s.lock.Close())
	s.db = nil
	if err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// Meta is where the store stands; a zero Position means that it holds nothing to go on from.
func (s *Store) Meta() Meta { return s.meta }

// Reset voids everything. What follows is a boot: it counts only once a position is set.
func (s *Store) Reset(identity json.RawMessage, hash, epoch string) error {
	s.dropBulk()
	if err := s.group.reset(); err != nil {
		return fmt.Errorf("reset state: %w", err)
	}
	if err := s.db.DeleteRange([]byte{0}, []byte{0xFF}, pebble.Sync); err != nil {
		return fmt.Errorf("reset state: %w", err)
	}
	s.recent.clear()
	s.page = page{}
	s.logBytes.Store(0)
	s.meta = Meta{Format: format, Identity: identity, Hash: hash, Epoch: epoch}
	return s.Commit()
}

// Identify records that the source goes on under another identity; it counts once the group is committed.
func (s *Store) Identify(identity json.RawMessage) { s.meta.Identity = identity }

// Advance sets where the store stands once the group is committed.
func (s *Store) Advance(position uint64, at, now, wall time.Time) {
	s.meta.Position, s.meta.At, s.meta.Now, s.meta.Wall = position, at, now, wall
}

// SetFloor says after which LSN the log is whole.
func (s *Store) SetFloor(lsn uint64) { s.meta.Floor = lsn }

// Commit writes the open group, with the meta, and begins another. It is not synced: a crash of the process loses at most
// the newest groups, and the source sends those again.
func (s *Store) Commit() error {
	if err := s.savePage(); err != nil {
		return err
	}
	s.meta.LogBytes = s.logBytes.Load()
	meta, err := json.Marshal(s.meta)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	if err := s.saveImages(); err != nil {
		return err
	}
	if err := s.group.current().Set([]byte{spaceMeta}, meta, nil); err != nil {
		return wrote(err)
	}
	if s.bulk != nil {
		err = s.ingest()
	} else {
		err = s.group.current().Commit(pebble.NoSync)
	}
	if err != nil {
		return wrote(err)
	}
	return wrote(s.group.reset())
}

// Sync makes everything committed so far survive a power cut. Any goroutine may call it.
func (s *Store) Sync() error {
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		return fmt.Errorf("sync state: %w", err)
	}
	return nil
}

// damageFile says that a read met bytes that do not check: the next Open sets the store aside.
const damageFile = "DAMAGED"

// IsCorrupt tells whether an error means that the store is damaged. The next Open sets it aside.
func IsCorrupt(err error) bool { return pebble.IsCorruptionError(err) }
