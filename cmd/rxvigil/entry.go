package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/state"
)

// A log entry on disk is its events one behind the other: ordinal, flags, commit time, then tenant, branch, type and
// envelope, each led by its length; where the flags say so, the envelope with personal values behind them.
const (
	flagLast  = 1
	flagClear = 2
)

func appendEntry(b []byte, e push.Entry) []byte {
	for _, ev := range e.Events {
		b = binary.BigEndian.AppendUint32(b, ev.Pos.Ordinal)
		flags := byte(0)
		if ev.Last {
			flags |= flagLast
		}
		if ev.Clear != nil {
			flags |= flagClear
		}
		b = append(b, flags)
		b = binary.BigEndian.AppendUint64(b, uint64(ev.At.UnixMicro()))
		for _, s := range [...]string{string(ev.Tenant), string(ev.Branch), string(ev.Type)} {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
		b = binary.AppendUvarint(b, uint64(len(ev.JSON)))
		b = append(b, ev.JSON...)
		if ev.Clear != nil {
			b = binary.AppendUvarint(b, uint64(len(ev.Clear)))
			b = append(b, ev.Clear...)
		}
	}
	return b
}

// pieceBytes is about how much of an entry is kept as one piece: a boot may tell of each shelf in one entry.
const pieceBytes = 128 << 10

// keepEntry puts a log entry into the open group, piece by piece.
func (e *engine) keepEntry(entry push.Entry, at time.Time) error {
	for rest := entry.Events; len(rest) > 0; {
		n := 0
		for size := 0; n < len(rest) && size < pieceBytes; n++ {
			size += len(rest[n].JSON) + len(rest[n].Clear)
		}
		e.scratch = appendEntry(e.scratch[:0], push.Entry{LSN: entry.LSN, Events: rest[:n]})
		if err := e.disk.Append(entry.LSN, at, e.scratch); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

var errTornEntry = errors.New("log entry is torn")

func decodeEntry(epoch string, lsn uint64, b []byte) (push.Entry, error) {
	e := push.Entry{LSN: lsn}
	for len(b) > 0 {
		if len(b) < 13 {
			return e, errTornEntry
		}
		ev := &push.Event{Pos: rxvigil.Position{Epoch: epoch, LSN: lsn, Ordinal: binary.BigEndian.Uint32(b)}, Last: b[4]&flagLast != 0}
		fields := 4
		if b[4]&flagClear != 0 {
			fields = 5
		}
		ev.At = time.UnixMicro(int64(binary.BigEndian.Uint64(b[5:]))).UTC()
		b = b[13:]
		var parts [5][]byte
		for i := range fields {
			n, size := binary.Uvarint(b)
			if size <= 0 || n > uint64(len(b)-size) {
				return e, errTornEntry
			}
			parts[i], b = b[size:size+int(n)], b[size+int(n):]
		}
		ev.Tenant, ev.Branch, ev.Type = rxvigil.Tenant(parts[0]), rxvigil.Branch(parts[1]), rxvigil.EventType(parts[2])
		ev.Topic, ev.JSON = ev.Type.Topic(), append([]byte(nil), parts[3]...)
		if fields == 5 {
			ev.Clear = append([]byte{}, parts[4]...)
		}
		e.Events = append(e.Events, ev)
	}
	return e, nil
}

// archive is the log's older part, read from the engine's disk.
type archive struct {
	disk *state.Store
	log  *slog.Logger
}

// Scan walks the entries after a position.
func (a archive) Scan(ctx context.Context, after rxvigil.Position, fn func(push.Entry) bool) error {
	var failed error
	var whole push.Entry // what came of the entry at hand so far
	give := func() bool {
		e := whole
		whole = push.Entry{}
		return len(e.Events) == 0 || e.Events[len(e.Events)-1].Pos.Compare(after) <= 0 || fn(e)
	}
	on := true
	err := a.disk.Entries(after.LSN, func(lsn uint64, b []byte) bool {
		if failed = ctx.Err(); failed != nil {
			return false
		}
		if lsn != whole.LSN {
			if on = give(); !on {
				return false
			}
		}
		e, err := decodeEntry(after.Epoch, lsn, b)
		if err != nil {
			a.log.Error("log_damaged", "lsn", rxvigil.FormatLSN(lsn), "error", err.Error())
			failed = fmt.Errorf("%w: %w", push.ErrDamaged, err)
			return false
		}
		whole.LSN, whole.Events = lsn, append(whole.Events, e.Events...)
		return true
	})
	if on && err == nil && failed == nil {
		give()
	}
	if errors.Is(err, state.ErrTornPage) {
		a.log.Error("log_damaged", "error", err.Error())
		err = fmt.Errorf("%w: %w", push.ErrDamaged, err)
	}
	return errors.Join(err, failed)
}

// Oldest is the place of the oldest entry.
func (a archive) Oldest() rxvigil.Position {
	var oldest rxvigil.Position
	_ = a.disk.Entries(0, func(lsn uint64, _ []byte) bool {
		oldest = rxvigil.Position{LSN: lsn}
		return false
	})
	return oldest
}
