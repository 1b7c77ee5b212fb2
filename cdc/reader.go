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
	Failover    bool   // let standbys keep a copy of the slot, where the server can (17 and newer)
	Mapping     *Mapping
	Key         Key
	Log         *slog.Logger

	spill int           // touches of a transaction held in memory at most; default spillTouches
	apart time.Duration // between two readings of one table; default rereadApart
}

// Kept is what the engine remembers from its last run. Its zero value remembers nothing.
type Kept struct {
	Identity  Identity
	Hash      string    // of the mapping it was made with
	Position  uint64    // end LSN of the last transaction it holds; 0: none
	At        time.Time // commit time of that transaction
	Confirmed uint64    // newest LSN that the slot was, or may have been, told to forget
	SlotGen   int64     // generation of our slot
	Shape     []byte    // of the mapped tables, as handed to Sink.Shape; nil: not known
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

// Sink takes what the reader finds. Its methods are called from one goroutine, in commit order. What a transaction refers to is good until
// the call ends, or, of a Part, its Commit: the memory of records, ids and keys is used again. Who keeps some of it keeps a copy.
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
	// Moved says that the source goes on under another identity, because a standby was promoted behind our position. It records
	// that, or tells that what the engine stored in the source may not have gone along.
	Moved(ctx context.Context, id Identity) (whole bool, err error)
	// Resumed says that the stream goes on behind the kept position, as if nothing had happened. The memory reads the images
	// that were kept.
	Resumed(ctx context.Context, m *Memory) error
	// Part takes some of the changes of a transaction that is too large for memory: its Commit follows with the last of them.
	// Writes of all parts come in the order of their keys. Nothing of it may be durable or public before that Commit is.
	Part(ctx context.Context, tx *Transaction) error
	// Shape records what the catalog says of the mapped tables, together with the transaction that is handed on next. Forget
	// voids it.
	Shape(ctx context.Context, shape []byte) error
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
	place    atomic.Uint64 // end LSN of the newest transaction handed on in this stream; 0 while booting
	progress atomic.Uint64 // grows with what the stream brings
	reached  atomic.Uint64 // how far the source's WAL is known to go
	seen     atomic.Uint64 // how far the server has read it for us in this stream, and what it found is worked on
	waiting  atomic.Bool   // everything that came is worked on, and nothing more is there
	invalid  bool          // the server said that our slot cannot be streamed from
	booting  bool          // a boot was begun and its marker not yet read
	xid      uint64        // a recent 64-bit transaction id
	boots    []time.Time
	shape    shape            // that the images belong to; nil: not known
	paces    map[uint32]*pace // by table: how often it was read again
	degraded map[uint32]bool  // leaves of which a row could not be read, until they are healed
	missed   *Gap
	current  atomic.Pointer[pgconn.PgConn] // the replication connection in use
	forsaken atomic.Pointer[string]        // why we dropped our own slot, until a boot has said it
}

// NewReader makes a reader that goes on from what is kept.
func NewReader(cfg Config, kept Kept) *Reader {
	if cfg.Slot == "" {
		cfg.Slot = "rxvigil"
	}
	if cfg.Publication == "" {
		cfg.Publication = "rxvigil"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Reader{cfg: cfg, log: cfg.Log, kept: kept, shape: parseShape(kept.Shape), paces: map[uint32]*pace{}, degraded: map[uint32]bool{}}
}

// Confirm lets the slot forget the WAL up to lsn. The caller has it synced and recorded as confirmed.
func (r *Reader) Confirm(lsn uint64) { r.confirm.Store(lsn) }

// Progress grows with what the stream brings, also within a transaction. Waiting tells whether the stream is what is waited
// for: where it is not, its rows are being worked on, which may take long for a large transaction. Any goroutine may call it.
func (r *Reader) Progress() (n uint64, waiting bool) { return r.progress.Load(), r.waiting.Load() }

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

// Interrupt ends the connection in use, if there is one; Run makes another. Any goroutine may call it.
func (r *Reader) Interrupt() {
	if c := r.current.Load(); c != nil {
		_ = c.Conn().Close()
	}
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
	r.current.Store(repl)
	defer r.current.Store(nil)
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
	r.place.Store(from)
	r.seen.Store(0)
	if err := start(ctx, repl, r.cfg, from); err != nil {
		return r.streamed(err)
	}
	s := &stream{Reader: r, sink: sink, boot: b, catalog: conn, c: newCollector(sink), near: r.xid}
	if b == nil {
		if err := sink.Resumed(ctx, &Memory{r.resolved}); err != nil {
			return fatal(err)
		}
	}
	return r.streamed(s.run(ctx, repl))
}

// streamed remembers that the server no longer has what our slot needs: the next session makes the slot anew. A missing slot
// or publication is found by looking.
func (r *Reader) streamed(err error) error {
	if causeOf(err) == gap {
		r.invalid = true
	}
	return err
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

// lsnAttr logs an LSN as Postgres prints it.
func lsnAttr(lsn uint64) slog.Attr { return slog.String("lsn", rxvigil.FormatLSN(lsn)) }
