package cdc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
)

// Config says what to read.
type Config struct {
	DSN         string
	Slot        string // default rxvigil
	Publication string // default rxvigil
	Mapping     *Mapping
	Key         Key
	Log         *slog.Logger
}

// Kept is what the engine remembers from its last run. Its zero value remembers nothing.
type Kept struct {
	Identity  Identity
	Hash      string    // of the mapping it was made with
	Position  uint64    // end LSN of the last transaction it holds; 0: none
	At        time.Time // commit time of that transaction
	Confirmed uint64    // newest LSN that the slot was, or may have been, told to forget
	SlotGen   int64     // generation of our slot
	// Older is a place of ours that is known although nothing else is kept: a cold boot leaves a gap behind it.
	Older   uint64
	OlderAt time.Time
}

// Gap is a stretch of the WAL that the engine did not see: (From, To].
type Gap struct {
	From, To     uint64
	Since, Until time.Time
	Reason       string
}

// Sink takes what the reader finds. Its methods are called from one goroutine, in commit order.
type Sink interface {
	Images
	// Forget voids everything remembered: a cold boot under this identity and mapping begins.
	Forget(ctx context.Context, id Identity, hash string) error
	// NewSlot records that our slot is made anew, before it is, and gives its generation.
	NewSlot(ctx context.Context) (int64, error)
	// Picture takes rows of a cold boot: images and records, in batches, parents before their lines.
	Picture(ctx context.Context, tx *Transaction) error
	// Fold takes a transaction that committed while the tables were read: it is part of the picture, not news.
	Fold(ctx context.Context, tx *Transaction) error
	// Booted takes the marker's transaction: the picture is whole, and the log starts here. gap is nil unless an older
	// position of ours existed.
	Booted(ctx context.Context, tx *Transaction, gap *Gap) error
	// Resumed says that the stream goes on behind the kept position, as if nothing had happened. The memory reads the images
	// that were kept.
	Resumed(ctx context.Context, m *Memory) error
	// Commit takes one transaction. It may keep it back until Flush.
	Commit(ctx context.Context, tx *Transaction) error
	// Flush makes everything committed so far durable and public. It is called when nothing more waits.
	Flush(ctx context.Context) error
	// Lost says that the source is out of sight, and why; the reader goes on trying.
	Lost(err error)
}

// Reader reads one source database.
type Reader struct {
	cfg      Config
	log      *slog.Logger
	kept     Kept
	resolved *Resolved
	confirm  atomic.Uint64
	xid      uint64 // a recent 64-bit transaction id
	boots    []time.Time
	missed   *Gap
}

// NewReader makes a reader that goes on from what is kept.
func NewReader(cfg Config, kept Kept) *Reader {
	if cfg.Slot == "" {
		cfg.Slot = "rxvigil"
	}
	if cfg.Publication == "" {
		cfg.Publication = "rxvigil"
	}
	return &Reader{cfg: cfg, log: cfg.Log, kept: kept}
}

// Confirm lets the slot forget the WAL up to lsn. The caller has it synced and recorded as confirmed.
func (r *Reader) Confirm(lsn uint64) { r.confirm.Store(lsn) }

// MappingError is a mapping that does not fit the catalog.
type MappingError struct{ Findings []Finding }

func (e *MappingError) Error() string {
	var all []string
	for _, f := range e.Findings {
		if f.Fatal {
			all = append(all, f.String())
		}
	}
	return "the mapping does not fit the database:\n  " + strings.Join(all, "\n  ")
}

// errBootsTooOften ends the reader: something throws it out again and again.
var errBootsTooOften = errors.New("more than three cold boots within an hour: stopping, because the cause will not go away by itself")

// Run reads until ctx ends, and then returns nil. Lost connections are made again for ever; what needs a human is an error.
func (r *Reader) Run(ctx context.Context, sink Sink) error {
	for try := 0; ; try++ {
		before := r.kept.Position
		err := r.session(ctx, sink)
		if ctx.Err() != nil {
			return nil
		}
		if final(err) {
			return err
		}
		if r.kept.Position != before {
			try = 0
		}
		sink.Lost(err)
		pause := jittered(try, rand.Int64N)
		r.log.WarnContext(ctx, "source_lost", "error", err.Error(), "retry_in", pause.Round(time.Millisecond).String())
		if wait(ctx, pause) != nil {
			return nil
		}
	}
}

// final tells whether trying again is no use.
func final(err error) bool {
	var mapping *MappingError
	var fatal *fatalError
	return errors.As(err, &mapping) || errors.As(err, &fatal) || errors.Is(err, errBootsTooOften) || causeOf(err) == hopeless
}

// fatalError is an error of the sink: its business, not the connection's.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

func fatal(err error) error {
	if err == nil {
		return nil
	}
	return &fatalError{err}
}

// session connects, decides between warm and cold, and streams until the connection ends.
func (r *Reader) session(ctx context.Context, sink Sink) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	repl, err := connectReplication(ctx, r.cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = repl.Conn().Close() }()
	conn, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	watching := make(chan struct{})
	go func() { // ends with ctx, before session returns
		defer close(watching)
		sentinel(ctx, r.cfg.DSN, func(error) { _ = repl.Conn().Close() })
	}()
	defer func() { cancel(); <-watching }()

	b, from, err := r.prepare(ctx, conn, repl, sink)
	if err != nil {
		return err
	}
	if err := start(ctx, repl, r.cfg, from); err != nil {
		return err
	}
	s := &stream{Reader: r, sink: sink, boot: b, catalog: conn, c: newCollector(sink), near: r.xid}
	if b == nil {
		if err := sink.Resumed(ctx, &Memory{r.resolved}); err != nil {
			return fatal(err)
		}
	}
	return s.run(ctx, repl)
}

// start begins streaming at an LSN; 0 is wherever the slot stands.
func start(ctx context.Context, repl *pgconn.PgConn, cfg Config, from uint64) error {
	publication := strings.ReplaceAll(pgx.Identifier{cfg.Publication}.Sanitize(), "'", "''")
	err := pglogrepl.StartReplication(ctx, repl, pgx.Identifier{cfg.Slot}.Sanitize(), pglogrepl.LSN(from), pglogrepl.StartReplicationOptions{
		PluginArgs: []string{"proto_version '1'", "publication_names '" + publication + "'", "messages 'true'"},
	})
	if err != nil {
		return fmt.Errorf("start replication: %w", err)
	}
	return nil
}

// prepare makes publication and slot fit, and boots cold where it must. It gives the boot, nil for a warm start, and the
// LSN to start at.
func (r *Reader) prepare(ctx context.Context, conn *pgx.Conn, repl *pgconn.PgConn, sink Sink) (*boot, uint64, error) {
	srv, err := readServer(ctx, conn, repl)
	if err != nil {
		return nil, 0, err
	}
	r.xid = srv.xid
	if srv.recovery {
		return nil, 0, errors.New("the source is a standby in recovery: rxvigil reads a primary")
	}
	var findings []Finding
	if r.resolved, findings, err = Resolve(ctx, conn, r.cfg.Mapping); err != nil {
		return nil, 0, err
	}
	for _, f := range findings {
		if f.Fatal {
			return nil, 0, &MappingError{findings}
		}
	}
	id := srv.Identity
	if id.Publication, err = publish(ctx, conn, r.cfg.Publication, r.resolved.Tables); err != nil {
		return nil, 0, err
	}
	slot, err := r.freeSlot(ctx, conn)
	if err != nil {
		return nil, 0, err
	}
	id.Slot = r.kept.SlotGen
	reason := r.cold(id, slot, srv.flushed)
	if reason == "" {
		return nil, r.kept.Position, nil
	}
	b, err := r.begin(ctx, conn, sink, id, slot, reason)
	return b, 0, err
}

// freeSlot waits until nobody uses our slot.
func (r *Reader) freeSlot(ctx context.Context, conn *pgx.Conn) (slotState, error) {
	for try := 0; ; try++ {
		slot, err := readSlot(ctx, conn, r.cfg.Slot)
		if err != nil {
			return slot, err
		}
		if slot.foreign != "" {
			return slot, fatal(fmt.Errorf("%s: choose another source.slot", slot.foreign))
		}
		if !slot.active {
			return slot, nil
		}
		if try%20 == 4 {
			r.log.WarnContext(ctx, "slot_in_use", "slot", r.cfg.Slot, "pid", slot.pid)
		}
		if err := wait(ctx, 250*time.Millisecond); err != nil {
			return slot, err
		}
	}
}

// cold tells why the tables must be read, or "" when the stream can go on where it was.
func (r *Reader) cold(id Identity, slot slotState, flushed uint64) string {
	k := r.kept
	switch {
	case k.Position == 0:
		return "nothing kept"
	case !slot.exists:
		return "the slot is missing"
	case slot.lost:
		return "the slot was invalidated"
	case k.Identity != id:
		return "another source: " + id.String() + ", before " + k.Identity.String()
	case k.Hash != r.resolved.Hash:
		return "the mapping changed"
	case slot.confirmed > max(k.Confirmed, r.confirm.Load()) && slot.confirmed > k.Position:
		return "somebody advanced the slot beyond our position"
	case k.Position > flushed:
		return "the server's WAL ends before our position"
	}
	return ""
}

// begin starts a cold boot: everything kept is void, the slot exists, the tables are read.
func (r *Reader) begin(ctx context.Context, conn *pgx.Conn, sink Sink, id Identity, slot slotState, reason string) (*boot, error) {
	now := time.Now()
	for len(r.boots) > 0 && now.Sub(r.boots[0]) > time.Hour {
		r.boots = r.boots[1:]
	}
	if len(r.boots) >= 4 {
		return nil, errBootsTooOften
	}
	r.boots = append(r.boots, now)
	r.log.InfoContext(ctx, "cold_boot", "reason", reason)
	var horizon int64
	if err := conn.QueryRow(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").Scan(&horizon); err != nil {
		return nil, fmt.Errorf("read horizon: %w", err)
	}
	if err := r.ensureSlot(ctx, conn, sink, &id, slot); err != nil {
		return nil, err
	}
	if r.kept.Position != 0 || r.kept.Older != 0 {
		r.gap(reason)
	}
	r.kept.Older = 0
	r.kept.Identity, r.kept.Hash, r.kept.Position, r.kept.SlotGen = id, r.resolved.Hash, 0, id.Slot
	if err := sink.Forget(ctx, id, r.resolved.Hash); err != nil {
		return nil, fatal(err)
	}
	return r.coldBoot(ctx, sink, uint64(horizon))
}

// gap remembers what the boot under way will have missed; a boot that is void leaves it standing.
func (r *Reader) gap(reason string) {
	if r.missed == nil {
		r.missed = &Gap{From: r.kept.Position, Since: r.kept.At, Reason: reason}
		if r.kept.Position == 0 {
			r.missed.From, r.missed.Since = r.kept.Older, r.kept.OlderAt
		}
	}
}

func (r *Reader) ensureSlot(ctx context.Context, conn *pgx.Conn, sink Sink, id *Identity, slot slotState) error {
	if slot.exists && !slot.lost {
		return nil
	}
	var err error
	if id.Slot, err = sink.NewSlot(ctx); err != nil {
		return fatal(err)
	}
	if slot.exists {
		if _, err := conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", r.cfg.Slot); err != nil {
			return fmt.Errorf("drop the invalidated slot: %w", err)
		}
	}
	watch, err := Connect(ctx, r.cfg.DSN)
	if err != nil {
		return err
	}
	defer func() { _ = watch.Close(context.WithoutCancel(ctx)) }()
	return createSlot(ctx, conn, watch, r.cfg.Slot, r.log)
}

// lsnAttr logs an LSN as Postgres prints it.
func lsnAttr(lsn uint64) slog.Attr { return slog.String("lsn", rxvigil.FormatLSN(lsn)) }
