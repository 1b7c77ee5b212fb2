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
}

var errPartitionTruncated = errors.New("a partition was truncated")

// run starts the receiver and consumes until it ends. What was handed on before that is flushed.
func (s *stream) run(ctx context.Context, repl *pgconn.PgConn) error {
	s.plans, s.unfit = map[uint32][]*plan{}, map[uint32][]Fault{}
	p := newPipe(pipeLimit)
	ctx, cancel := context.WithCancel(ctx)
	r := &receiver{conn: repl, out: p, confirm: &s.confirm, place: &s.place}
	done := make(chan struct{})
	go func() { defer close(done); r.run(ctx) }() // ends before run returns
	err := s.consume(ctx, p)
	if ferr := s.flush(ctx); ferr != nil && !final(err) && ctx.Err() == nil {
		err = fatal(ferr)
	}
	cancel()
	<-done
	return err
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
	var buf []byte
	for {
		if p.empty() {
			if err := s.sink.Flush(ctx); err != nil {
				return fatal(err)
			}
		}
		var err error
		if buf, err = p.take(ctx, buf); err != nil {
			return err
		}
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

func (s *stream) message(ctx context.Context, message []byte) error {
	f, err := s.decoder.Decode(message)
	if err != nil {
		return s.undecodable(ctx, message, err)
	}
	switch f.Kind {
	case 'B':
		s.begin(f)
	case 'C':
		return s.commit(ctx, f)
	case 'R':
		return s.relation(ctx, f.Relation)
	case 'I', 'U', 'D':
		return s.row(f)
	case 'T':
		return s.truncate(ctx, f)
	case 'M':
		s.ours(f)
	}
	return nil
}

// undecodable counts a row that could not be read; anything else that is unreadable ends the session.
func (s *stream) undecodable(ctx context.Context, message []byte, err error) error {
	if len(message) == 0 || message[0] != 'I' && message[0] != 'U' && message[0] != 'D' {
		return err
	}
	s.log.ErrorContext(ctx, "row_unreadable", "error", err.Error())
	s.c.out.Faults = append(s.c.out.Faults, Fault{Reason: "unreadable"})
	s.c.row++
	return nil
}

func (s *stream) begin(f *Frame) {
	s.c.reset()
	s.near = widen(f.XID, s.near)
	s.tx = rxvigil.Tx{XID: s.near, At: f.Time}
	s.begun, s.open = f.LSN, true
	switch {
	case s.boot != nil:
		s.skip = s.boot.snap.shows(s.tx.XID) // part of the picture
	default:
		s.skip = f.LSN < s.kept.Position // sent again
	}
}

func (s *stream) row(f *Frame) error {
	if s.skip {
		return nil
	}
	for _, p := range s.plans[f.Relation.ID] {
		if err := s.c.change(p, f); err != nil {
			return fatal(err)
		}
	}
	s.c.out.Faults = append(s.c.out.Faults, s.unfit[f.Relation.ID]...)
	s.c.row++
	return nil
}

func (s *stream) truncate(ctx context.Context, f *Frame) error {
	if s.skip {
		return nil
	}
	done := map[*Table]bool{}
	for _, id := range f.Truncated {
		table := s.resolved.leaves[id]
		if table == nil || done[table] {
			continue
		}
		done[table] = true
		if err := s.wholly(ctx, table, f.Truncated); err != nil {
			return err
		}
		for _, src := range s.resolved.Sources {
			if src.table != table {
				continue
			}
			if err := s.c.truncate(src); err != nil {
				return fatal(err)
			}
		}
	}
	s.c.row++
	return nil
}

const spareLeavesSQL = `SELECT count(*) FROM pg_partition_tree($1::oid) AS l WHERE l.isleaf AND l.relid::oid <> ALL ($2::oid[])`

// wholly makes sure that a truncation leaves nothing of a table. When only some partitions of it were truncated, nobody knows
// which rows went, and the tables are read again.
func (s *stream) wholly(ctx context.Context, t *Table, truncated []uint32) error {
	if !t.Partitioned {
		return nil
	}
	var spared int
	if err := s.catalog.QueryRow(ctx, spareLeavesSQL, t.OID, truncated).Scan(&spared); err != nil {
		return fmt.Errorf("read partitions of %s: %w", t, err)
	}
	if spared == 0 {
		return nil
	}
	s.gap(errPartitionTruncated.Error())
	s.kept.Position = 0
	return errPartitionTruncated
}

// ours takes a message that somebody emitted under our prefix inside a transaction.
func (s *stream) ours(f *Frame) {
	if !f.Transactional || !s.open {
		return
	}
	row := s.c.row
	s.c.row++
	if string(f.Prefix) != messagePrefix {
		return
	}
	m, err := s.cfg.Key.open(f.Content)
	if err != nil {
		s.c.out.Forged++
		return
	}
	m.Row = row
	s.c.out.Messages = append(s.c.out.Messages, m)
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
	if err := s.sink.Commit(ctx, tx); err != nil {
		return fatal(err)
	}
	s.kept.Position, s.kept.At = tx.LSN, tx.At
	s.place.Store(tx.LSN)
	return nil
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
		if err := s.sink.Booted(ctx, tx, gap); err != nil {
			return fatal(err)
		}
		s.boot, s.missed, s.booting = nil, nil, false
		s.kept.Position, s.kept.At = tx.LSN, tx.At
		s.place.Store(tx.LSN)
		s.log.InfoContext(ctx, "booted", lsnAttr(tx.LSN))
		return nil
	}
	if err := s.sink.Fold(ctx, tx); err != nil {
		return fatal(err)
	}
	return nil
}
