package cdc

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// rereadOp is the message that says where a picture counts.
const rereadOp = "reread"

// unfitMapping is why a table is read again of which rows were lost while a column was missing.
const unfitMapping = "a mapping did not fit it"

// startRereads starts the goroutine that reads tables again; stop waits for its end. A reading under way is void then, and its
// table is found again by the next session.
func (s *stream) startRereads(ctx context.Context) (stop func() error) {
	s.rereads = newRereads(s.Reader, s.sink.Scratch("reread"))
	s.book.notes = s.sink.Scratch("reread_notes")
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); s.rereads.run(ctx) }() // ends with stop
	return func() error {
		cancel()
		<-done
		return errors.Join(s.rereads.picture.Clear(), s.book.notes.Clear())
	}
}

// openBook begins new notes with a new reading. A transaction that was begun before is older than its snapshot.
func (s *stream) openBook() error {
	rr := s.rereads.now.Load()
	if rr == s.book.rr {
		return nil
	}
	s.book.rr = rr
	return fatal(s.book.notes.Clear())
}

func (s *stream) note(p *plan, f *Frame) error {
	if s.book.rr == nil || s.book.rr.table != p.table {
		return nil
	}
	return s.book.take(p, f, s.tx.XID)
}

func (s *stream) noteTruncation(t *Table) {
	if rr := s.book.rr; rr != nil && rr.table == t {
		rr.truncated = append(rr.truncated, s.tx.XID)
	}
}

// replace puts the picture in the place of the images, as changes of the marker's transaction. What the stream noted of
// transactions that the snapshot does not show is newer, and stays.
func (s *stream) replace(ctx context.Context, m Message) error {
	rr := s.book.rr
	if rr == nil || m.ID != rr.marker {
		return nil // of a session that ended
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(lookPatience):
		return errors.New("the commit of a reread marker is not answered")
	case <-rr.read:
	}
	if rr.err != nil {
		return nil // nobody knows whether it was committed; the table is read once more
	}
	s.replaced = rr
	if s.outdated(rr) {
		return nil
	}
	r := &replacement{reread: rr, stream: s}
	if err := errors.Join(r.fromPicture(), r.fromNotes(), r.gone()); err != nil {
		return fatal(fmt.Errorf("replace %s: %w", rr.table, err))
	}
	return nil
}

// outdated tells whether the table was truncated behind the snapshot: its rows must not come back.
func (s *stream) outdated(rr *reread) bool {
	for _, xid := range rr.truncated {
		if !rr.seen.Load().shows(xid) {
			return true
		}
	}
	return false
}

// replacement is a reread that takes effect.
type replacement struct {
	*reread
	*stream
	open []byte
}

// each calls do for what a walk finds, until one fails.
func each(walk func(func(k, v []byte) bool) error, do func(k, v []byte) error) error {
	var failed error
	err := walk(func(k, v []byte) bool { failed = do(k, v); return failed == nil })
	return errors.Join(failed, err)
}

func (r *replacement) fromPicture() error {
	walk := func(yield func(k, v []byte) bool) error { return r.rereads.picture.Walk([]byte{'i'}, yield) }
	return each(walk, func(k, v []byte) error {
		if newer, err := r.newer(k); newer || err != nil {
			return err
		}
		return r.set(k, v)
	})
}

// newer tells whether the stream knows better than the picture.
func (r *replacement) newer(key []byte) (bool, error) {
	if !r.noted {
		return false, nil
	}
	n, err := r.book.of(key)
	return n != nil, err
}

// fromNotes fills in what rows called unchanged since the snapshot: our own images may never have had it, or not truly.
func (r *replacement) fromNotes() error {
	if !r.noted {
		return nil
	}
	walk := func(yield func(k, v []byte) bool) error { return r.book.notes.Walk([]byte{'i'}, yield) }
	return each(walk, func(k, v []byte) error {
		n, err := parseNote(v)
		if err != nil || n.state == absent || r.seen.Load().shows(n.xid) {
			return err
		}
		if !bytes.Contains(n.image, []byte(openValue)) && n.state == present {
			return nil // the row told everything
		}
		from, pictured, err := r.rereads.picture.Get(n.base)
		if err != nil || !pictured && r.leaves != nil {
			return err
		}
		switch {
		case !pictured && n.state == unsaid:
			return r.set(k, nil)
		case !pictured:
			if from, _, err = r.c.images.Image(k); err != nil {
				return err
			}
		}
		r.open = closed(r.open[:0], n.image, from)
		return r.set(k, r.open)
	})
}

// gone removes what neither the picture nor the stream has.
func (r *replacement) gone() error {
	if r.leaves != nil {
		return nil
	}
	for _, src := range r.resolved.Sources {
		if src.table != r.table || !src.takesRows() {
			continue
		}
		walk := func(yield func(k, v []byte) bool) error {
			return r.c.images.Keys(imageKey(nil, src), func(k []byte) bool { return yield(k, nil) })
		}
		if err := each(walk, func(k, _ []byte) error {
			_, pictured, err := r.rereads.picture.Get(k)
			if err != nil || pictured {
				return err
			}
			if newer, err := r.newer(k); newer || err != nil {
				return err
			}
			return r.set(k, nil)
		}); err != nil {
			return err
		}
	}
	return nil
}

// set makes an image what it should be; nil: there is none. What is so already is not touched.
func (r *replacement) set(key, image []byte) error {
	c := r.c
	src := r.resolved.Sources[binary.BigEndian.Uint16(key[1:])]
	if src.look != nil && len(image) > 0 {
		settled, err := c.settleQuietly(src, image)
		if err != nil {
			return err
		}
		image = settled
	}
	is, _, err := c.images.Image(key)
	if err != nil || bytes.Equal(is, image) {
		return err
	}
	c.key = append(c.key[:0], key...)
	i, err := c.touchOf(src)
	if err != nil {
		return err
	}
	c.touches[i].after = append(c.touches[i].after[:0], image...)
	r.changes++
	c.src, c.current = src, i
	for _, m := range r.faults[string(key)] {
		c.report(m.step, m.err, m.text)
	}
	return c.relieve()
}

// accept makes the shape that was read with the picture the one that the images belong to.
func (s *stream) accept() {
	rr := s.replaced
	if rr == nil || s.outdated(rr) {
		return
	}
	kept := s.shape[rr.table.OID]
	s.reshaped = true
	if rr.leaves != nil {
		for _, leaf := range rr.leaves {
			if is, there := rr.shape.Leaves[leaf]; there {
				kept.Leaves[leaf] = is
				s.forget(leaf)
			}
		}
		return
	}
	for leaf := range kept.Leaves {
		if _, there := rr.shape.Leaves[leaf]; !there {
			s.forget(leaf)
		}
	}
	if s.rereads.wanted(rr.table, rr.seen.Load()) {
		rr.shape.Dirty = kept.Dirty
	}
	s.shape[rr.table.OID] = rr.shape
	for leaf := range s.degraded {
		if s.resolved.leaves[leaf] == rr.table {
			delete(s.degraded, leaf)
		}
	}
}

// forget lets the catalog say, at its next row, whose partition a leaf is: it came or went. A server of version 14 goes on
// sending the rows of one that was detached.
func (s *stream) forget(leaf uint32) {
	delete(s.resolved.leaves, leaf)
	delete(s.plans, leaf)
	delete(s.unfit, leaf)
}

// committed does what waits for the end of a transaction that was handed on.
func (s *stream) committed(ctx context.Context) error {
	if err := s.c.release(); err != nil {
		return fatal(err)
	}
	if s.replaced != nil {
		if err := s.settle(ctx, s.replaced); err != nil {
			return err
		}
	}
	s.wantSpoiled()
	if s.canary {
		return s.look(ctx)
	}
	return nil
}

// settle ends a reread, and lets the next begin.
func (s *stream) settle(ctx context.Context, rr *reread) error {
	s.book.rr = nil
	s.rereads.now.Store(nil)
	if s.outdated(rr) {
		s.log.InfoContext(ctx, "reread_outdated", "table", rr.table.String(), "reason", rr.reason)
		s.rereads.want(rr.errand)
	} else {
		s.rereads.readNow(rr.table)
		s.log.InfoContext(ctx, "table_reread", "table", rr.table.String(), "rows", rr.rows, "changes", rr.changes, "reason", rr.reason)
	}
	err := errors.Join(s.rereads.picture.Clear(), s.book.notes.Clear())
	close(rr.settled)
	return fatal(err)
}

// readNow remembers when a table was read again.
func (q *rereads) readNow(t *Table) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paces[t.OID].read = time.Now()
}
