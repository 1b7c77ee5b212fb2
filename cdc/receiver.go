package cdc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	statusInterval = time.Second
	// A server that has nothing to send is silent for as long as we answer, so after askAfter it is asked for a sign of life; a
	// healthy one never stays silent for deadAfter.
	askAfter  = 3 * time.Second
	deadAfter = 10 * time.Second
	pipeLimit = 4 << 20
)

// receiver owns a replication connection: nobody else reads or writes it. It answers the server at least each second,
// also while the engine is busy and the pipe full.
type receiver struct {
	conn *pgconn.PgConn
	out  *pipe

	// confirm is the LSN that the slot may forget, set by anyone; 0 is none. place is how far the engine is in this very
	// stream: beyond it nothing is confirmed, whatever was said of another server or before a boot.
	confirm, place *atomic.Uint64

	received  uint64 // WAL end seen
	confirmed uint64 // last confirm sent
	silent    time.Time
	status    [39]byte
}

var errSilent = errors.New("the server has been silent for too long")

// run reads until the connection ends, and closes the pipe with why.
func (r *receiver) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() { _ = r.conn.Conn().SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	r.silent = time.Now()
	err := r.loop(ctx)
	if ctx.Err() != nil {
		err = errors.Join(ctx.Err(), r.sendStatus()) // the last confirmation is worth a try
	}
	r.out.close(err)
	_ = r.conn.Conn().Close()
}

func (r *receiver) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.sendStatus(); err != nil {
			return err
		}
		if err := r.conn.Conn().SetReadDeadline(time.Now().Add(statusInterval)); err != nil {
			return fmt.Errorf("set deadline: %w", err)
		}
		if err := r.readUntilDeadline(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// readUntilDeadline reads messages until a second is over.
func (r *receiver) readUntilDeadline(ctx context.Context) error {
	for {
		msg, err := r.conn.ReceiveMessage(context.Background()) // a context with a deadline costs 11 allocations a message
		if err != nil {
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				if time.Since(r.silent) > deadAfter {
					return errSilent
				}
				return nil
			}
			return fmt.Errorf("receive: %w", err)
		}
		if err := r.message(ctx, msg); err != nil {
			return err
		}
	}
}

func (r *receiver) message(ctx context.Context, msg pgproto3.BackendMessage) error {
	switch m := msg.(type) {
	case *pgproto3.CopyData:
		return r.copyData(ctx, m.Data)
	case *pgproto3.ErrorResponse:
		return pgconn.ErrorResponseToPgError(m)
	case *pgproto3.CopyDone:
		return errors.New("the server ended the stream")
	case *pgproto3.NoticeResponse:
		return fmt.Errorf("the server warns in the stream: %s (%s)", m.Message, m.Code)
	}
	return nil
}

func (r *receiver) copyData(ctx context.Context, data []byte) error {
	if len(data) == 0 {
		return errTruncated
	}
	switch {
	case data[0] == 'w' && len(data) >= 25:
		r.received = max(r.received, binary.BigEndian.Uint64(data[9:]))
		return r.hand(ctx, data[25:])
	case data[0] == 'k' && len(data) >= 18:
		r.silent = time.Now()
		r.received = max(r.received, binary.BigEndian.Uint64(data[1:]))
		r.out.read(r.received)
		if data[17] == 1 {
			return r.sendStatus()
		}
		return nil
	}
	return fmt.Errorf("copy data %q of %d bytes", data[0], len(data))
}

// hand puts a message into the pipe; while that is full it goes on answering the server.
func (r *receiver) hand(ctx context.Context, message []byte) error {
	if r.out.put(message) {
		return nil
	}
	tick := time.NewTicker(statusInterval)
	defer tick.Stop()
	for !r.out.put(message) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.out.space:
		case <-tick.C:
			if err := r.sendStatus(); err != nil {
				return err
			}
		}
	}
	r.silent = time.Now()
	return nil
}

// sendStatus reports. Flush is 0 unless there is something new to confirm: a receiver that repeats an old flush holds up
// the server's fast shutdown. The encoding is our own because pglogrepl turns 0 into the write position.
func (r *receiver) sendStatus() error {
	flush := r.confirm.Load()
	if flush <= r.confirmed || flush > r.place.Load() {
		flush = 0
	} else {
		r.confirmed = flush
	}
	b := r.status[:0]
	b = append(b, 'd')
	b = binary.BigEndian.AppendUint32(b, 4+34)
	b = append(b, 'r')
	b = binary.BigEndian.AppendUint64(b, r.received)
	b = binary.BigEndian.AppendUint64(b, flush)
	b = binary.BigEndian.AppendUint64(b, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(time.Now().UnixMicro()-postgresEpoch.UnixMicro()))
	var ask byte
	if time.Since(r.silent) > askAfter {
		ask = 1
	}
	b = append(b, ask)
	if err := r.conn.Conn().SetWriteDeadline(time.Now().Add(deadAfter)); err != nil {
		return fmt.Errorf("send status: %w", err)
	}
	if _, err := r.conn.Conn().Write(b); err != nil {
		return fmt.Errorf("send status: %w", err)
	}
	return nil
}
