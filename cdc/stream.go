package cdc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
)

// stream is the engine's side of one replication session: it takes messages from the pipe, nets them, and hands every
// committed transaction to the sink.
type stream struct {
	*Reader
	sink    Sink
	boot    *boot     // until its marker is read
	catalog *pgx.Conn // for partitions that came after the start
	decoder Decoder
	plans   map[uint32][]*plan
	unfit   map[uint32][]Fault // of sources that a table no longer fits: one for each row
	c       *collector

	tx    rxvigil.Tx
	begun uint64 // final LSN of the open transaction
	open  bool
	skip  bool // the snapshot shows the open transaction
	near  uint64

	rereads  *rereads
	book     notebook
	spoiled  []*Table // tables that the open transaction spoiled
	replaced *reread  // whose marker the open transaction is
	canary   bool     // the open transaction holds one of ours
	reshaped bool     // the shape is not handed to the sink yet
}

// run starts the receiver and consumes until it ends. What was handed on before that is flushed.
func (s *stream) run(ctx context.Context, repl *pgconn.PgConn) error {
	s.plans, s.unfit = map[uint32][]*plan{}, map[uint32][]Fault{}
	s.c.sources, s.c.part = s.resolved.Sources, func(tx *Transaction) error { return s.part(ctx, tx) }
	if s.cfg.spill > 0 {
		s.c.limit = s.cfg.spill
	}
	p := newPipe(pipeLimit)
	p.seen = &s.seen
	ctx, cancel := context.WithCancel(ctx)
	r := &receiver{conn: repl, out: p, confirm: &s.confirm, place: &s.place}
	done := make(chan struct{})
	go func() { defer close(done); r.run(ctx) }() // ends before run returns
	stop := s.startRereads(ctx)
	err := s.consume(ctx, p)
	if ferr := s.flush(ctx); ferr != nil && !final(err) && ctx.Err() == nil {
		err = fatal(ferr)
	}
	cancel()
	<-done
	return errors.Join(err, stop(), s.c.release())
}

// flush hands on what is complete. At the end of the process it gets two seconds more: what is not stored by then is sent
// again the next time.
func (s *stream) flush(ctx context.Context) error {
	if ctx.Err() == nil {
		return s.sink.Flush(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return s.sink.Flush(ctx)
}

func (s *stream) consume(ctx context.Context, p *pipe) error {
	if s.boot == nil {
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	var buf []byte
	for {
		if p.empty() && !(s.behind() && p.filled(backlogPatience)) {
			if err := s.sink.Flush(ctx); err != nil {
				return fatal(err)
			}
		}
		var err error
		s.waiting.Store(true)
		buf, err = p.take(ctx, buf)
		s.waiting.Store(false)
		if err != nil {
			return err
		}
		s.progress.Add(1)
		for rest := buf; len(rest) > 0; {
			var message []byte
			message, rest = nextMessage(rest)
			if err := s.message(ctx, message); err != nil {
				return err
			}
		}
		if cap(buf) > 4*pipeLimit {
			buf = nil
		}
	}
}

// A stream that is so many bytes of WAL behind the source has more on its way: for a moment of silence no group is stored, as larger
// ones cost less.
const (
	backlog         = 4 << 20
	backlogPatience = 5 * time.Millisecond
)

func (s *stream) behind() bool {
	return s.boot == nil && max(s.kept.Position, s.seen.Load())+backlog < s.reached.Load()
}

// Reached says how far the source's WAL goes, as somebody has seen. Any goroutine may call it.
func (r *Reader) Reached(lsn uint64) {
	for old := r.reached.Load(); old < lsn && !r.reached.CompareAndSwap(old, lsn); old = r.reached.Load() {
	}
}

// Seen is how far the source's WAL has been read in this stream, where everything in it that is ours is worked on; 0 if that is not
// known. It goes beyond the last transaction where others write: the app's other tables, or other databases. Any goroutine may call it.
func (r *Reader) Seen() uint64 { return r.seen.Load() }

func (s *stream) message(ctx context.Context, message []byte) error {
	f, err := s.decoder.Decode(message)
	if err != nil {
		return s.undecodable(ctx, message, err)
	}
	switch f.Kind {
	case 'B':
		return s.begin(f)
	case 'C':
		return s.commit(ctx, f)
	case 'R':
		return s.relation(ctx, f.Relation)
	case 'I', 'U', 'D':
		return s.row(ctx, f)
	case 'T':
		return s.truncate(ctx, f)
	case 'M':
		return s.ours(ctx, f)
	}
	return nil
}

func (s *stream) begin(f *Frame) error {
	s.c.reset()
	s.spoiled, s.replaced, s.canary = s.spoiled[:0], nil, false
	s.near = widen(f.XID, s.near)
	s.tx = rxvigil.Tx{XID: s.near, At: f.Time}
	s.begun, s.open = f.LSN, true
	switch {
	case s.boot != nil:
		s.skip = s.boot.snap.shows(s.tx.XID) // part of the picture
	default:
		s.skip = f.LSN < s.kept.Position // sent again
	}
	return s.openBook()
}

func (s *stream) row(ctx context.Context, f *Frame) error {
	if s.skip {
		return nil
	}
	if _, known := s.plans[f.Relation.ID]; !known { // forgotten by accept
		if err := s.relation(ctx, f.Relation); err != nil {
			return err
		}
	}
	for _, p := range s.plans[f.Relation.ID] {
		if err := s.c.change(p, f); err != nil {
			return fatal(err)
		}
		if err := s.note(p, f); err != nil {
			return fatal(err)
		}
	}
	if unfit := s.unfit[f.Relation.ID]; len(unfit) > 0 {
		s.c.list(unfit...)
		s.spoil(s.resolved.leaves[f.Relation.ID], unfitMapping)
	}
	s.c.row++
	return fatal(s.c.relieve())
}

// ours takes a message that somebody emitted under our prefix inside a transaction.
func (s *stream) ours(ctx context.Context, f *Frame) error {
	if !f.Transactional || !s.open {
		return nil
	}
	defer func() { s.c.row++ }()
	if string(f.Prefix) != messagePrefix {
		return nil
	}
	m, err := s.cfg.Key.open(f.Content)
	if err != nil {
		s.c.out.Forged++
		return nil
	}
	m.Row = s.c.row
	s.c.out.Messages = append(s.c.out.Messages, m)
	switch {
	case m.Op == "canary":
		s.canary = true
	case m.Op == rereadOp && !s.skip && s.boot == nil:
		return s.replace(ctx, m)
	}
	return nil
}

func (s *stream) commit(ctx context.Context, f *Frame) error {
	if !s.open || f.LSN != s.begun {
		return fmt.Errorf("commit at %s of a transaction that began as %s", rxvigil.FormatLSN(f.LSN), rxvigil.FormatLSN(s.begun))
	}
	s.open = false
	s.tx.LSN = f.EndLSN
	if s.skip {
		return nil
	}
	tx, err := s.c.finish(s.tx)
	if err != nil {
		return fatal(err)
	}
	if s.boot != nil {
		return s.beforeBoot(ctx, tx)
	}
	s.accept()
	if err := s.keepShape(ctx); err != nil {
		return err
	}
	if err := s.sink.Commit(ctx, tx); err != nil {
		return fatal(err)
	}
	s.kept.Position, s.kept.At = tx.LSN, tx.At
	s.place.Store(tx.LSN)
	return s.committed(ctx)
}

// part hands on a part of a transaction that is too large for memory.
func (s *stream) part(ctx context.Context, tx *Transaction) error {
	if s.boot != nil {
		return s.sink.Fold(ctx, tx)
	}
	return s.sink.Part(ctx, tx)
}

// beforeBoot takes a transaction that the snapshot does not show: the marker, or one to be folded into the picture.
func (s *stream) beforeBoot(ctx context.Context, tx *Transaction) error {
	for _, m := range tx.Messages {
		if m.Op != "boot" || m.ID != s.boot.marker {
			continue
		}
		gap := s.missed
		if gap != nil {
			gap.To, gap.Until = tx.LSN, tx.At
		}
		s.reshaped = true
		if err := s.keepShape(ctx); err != nil {
			return err
		}
		if err := s.sink.Booted(ctx, tx, gap); err != nil {
			return fatal(err)
		}
		s.boot, s.missed, s.booting = nil, nil, false
		s.kept.Position, s.kept.At = tx.LSN, tx.At
		s.place.Store(tx.LSN)
		s.log.InfoContext(ctx, "booted", lsnAttr(tx.LSN))
		return s.look(ctx)
	}
	if err := s.sink.Fold(ctx, tx); err != nil {
		return fatal(err)
	}
	return fatal(s.c.release())
}
