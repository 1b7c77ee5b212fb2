package cdc

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

const shopSchema = `
CREATE TABLE tenants (id text PRIMARY KEY, name text);
CREATE TABLE medicines (id int PRIMARY KEY, tenant text, name text, level numeric, leaflet text, status text DEFAULT 'active', deleted bool DEFAULT false);
CREATE TABLE lots (id int PRIMARY KEY, tenant text, branch text, medicine int, expires date, packs int, size int DEFAULT 1, reserved int, kind text DEFAULT 'stock');
CREATE TABLE sales (id text PRIMARY KEY, tenant text, branch text, status text, total numeric, note text);
CREATE TABLE sale_items (id int PRIMARY KEY, sale text, medicine int, quantity int);
CREATE TABLE moves (id int PRIMARY KEY, tenant text, medicine int, quantity int, direction text);`

const shopMapping = `
tenant: {table: tenants, key: id, fields: {name: name}}
medicine:
  table: medicines
  key: id
  tenant: tenant
  gone: {column: deleted, true: true}
  fields: {name: name, reorder_level: level, status: status}
  extra: {leaflet: leaflet}
lot:
  table: lots
  key: id
  tenant: tenant
  branch: branch
  where: {column: kind, in: [stock]}
  fields: {medicine: medicine, expires: expires, on_hand: {column: packs, times: size}, reserved: {column: packs, minus: reserved}}
sale:
  table: sales
  key: id
  tenant: tenant
  branch: branch
  fields: {status: {column: status, words: {open: pending, paid: completed}}, total: total}
  extra: {note: note}
sale_line: {table: sale_items, key: id, parent: sale, fields: {medicine: medicine, quantity: quantity}}
movement: {table: moves, key: id, tenant: tenant, fields: {medicine: medicine, quantity: {column: quantity, sign: {column: direction, values: {in: 1, out: -1, count: 0}}}}}`

func parseMapping(t testing.TB, text string) *Mapping {
	t.Helper()
	var m Mapping
	must(t, yaml.UnmarshalWithOptions([]byte(text), &m, yaml.Strict()))
	return &m
}

var testKey = Key{Inner: bytes.Repeat([]byte{1}, 64), Outer: bytes.Repeat([]byte{2}, 64)}

// said collects the log of a reader, and wakes who waits for a line.
type said struct {
	wake func()

	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	n, err := s.buf.Write(b)
	s.mu.Unlock()
	s.wake() // after the lock: who is woken reads
	return n, err
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// shop is a database, a reader of it, and what the reader told.
type shop struct {
	t    testing.TB
	dsn  string
	cfg  Config
	sink *memory
	said *said

	reader *Reader
	cancel context.CancelFunc
	done   chan error
	read   int     // transactions that the test has looked at
	again  []*seen // what was told of tables that were read again
	news   []*seen // and in the meantime of everything else
}

// open makes a database with a schema, and a reader for a mapping that is not started yet.
func open(t testing.TB, schema, mapping string) *shop {
	t.Helper()
	return openAt(t, pgtest.Database(t), schema, mapping)
}

func openAt(t testing.TB, dsn, schema, mapping string) *shop {
	t.Helper()
	pgtest.Exec(t, dsn, schema)
	s := &shop{t: t, dsn: dsn, sink: newMemory(), said: &said{}}
	s.said.wake = func() { s.sink.change(func() {}) }
	s.cfg = Config{
		DSN: dsn, Slot: "s_" + strings.ToLower(rand.Text()[:10]), Mapping: parseMapping(t, mapping), Key: testKey,
		Log: slog.New(slog.NewJSONHandler(s.said, nil)), apart: 20 * time.Millisecond,
	}
	t.Cleanup(func() { _ = s.stop() })
	return s
}

// start starts a reader that goes on from what the sink has.
func (s *shop) start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.reader, s.cancel, s.done = NewReader(s.cfg, s.sink.keptNow()), cancel, make(chan error, 1)
	s.sink.change(func() { s.sink.over = "" })
	go func() { // ends in stop or ended
		err := s.reader.Run(ctx, s.sink)
		s.sink.change(func() { s.sink.over = fmt.Sprintf("the reader ended: %v", err) })
		s.done <- err
	}()
}

// stop ends the reader, and gives how it ended.
func (s *shop) stop() error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	return s.ended()
}

// ended waits for the reader's own end.
func (s *shop) ended() error {
	s.t.Helper()
	select {
	case err := <-s.done:
		s.cancel()
		s.cancel = nil
		return err
	case <-time.After(patience):
		s.t.Fatalf("the reader does not end; it said\n%s", s.said)
		return nil
	}
}

// boot starts the reader and waits until its picture is whole.
func (s *shop) boot() {
	s.t.Helper()
	boots := s.sink.look().booted
	s.start()
	s.until("a boot", func(m *memory) bool { return m.booted > boots })
	s.settle()
}

// resume starts the reader and waits until it goes on.
func (s *shop) resume() {
	s.t.Helper()
	resumed := s.sink.look().resumed
	s.start()
	s.until("a warm start", func(m *memory) bool { return m.resumed > resumed })
}

// until waits for a fact about the sink.
func (s *shop) until(what string, fact func(*memory) bool) {
	s.t.Helper()
	s.sink.await(patience, func(m *memory) bool { return m.over != "" || fact(m) })
	if !s.sink.await(0, fact) {
		s.t.Fatalf("waited in vain for %s; %s\nit said\n%s", what, s.sink.look().over, s.said)
	}
}

// exec runs SQL, each text one transaction unless it says otherwise.
func (s *shop) exec(sql ...string) {
	s.t.Helper()
	for _, text := range sql {
		pgtest.Exec(s.t, s.dsn, text)
	}
}

// settle waits until everything committed so far was handed on, and gives the transactions since the last time.
func (s *shop) settle() []*seen {
	s.t.Helper()
	id := s.canary()
	s.until("the canary", func(m *memory) bool { return m.canaries[id] })
	m := s.sink.look()
	var news []*seen
	for _, tx := range m.told[s.read:] {
		switch {
		case len(tx.Messages) > 0 && tx.Messages[0].Op == rereadOp:
			s.again = append(s.again, tx)
		case len(tx.Messages) == 0 || tx.Messages[0].Op != "canary":
			news = append(news, tx)
		}
	}
	s.read = len(m.told)
	return news
}

// canary emits a message of ours that tells nothing, and gives its id.
func (s *shop) canary() string {
	s.t.Helper()
	id := rand.Text()
	conn, err := pgx.Connect(s.t.Context(), s.dsn)
	must(s.t, err)
	defer func() { must(s.t, conn.Close(context.Background())) }()
	_, err = testKey.Emit(s.t.Context(), conn, Message{Op: "canary", At: time.Now().UTC(), ID: id})
	must(s.t, err)
	return id
}

// tells runs SQL as one transaction and gives what was told of it.
func (s *shop) tells(sql ...string) string {
	s.t.Helper()
	s.exec(sql...)
	var b strings.Builder
	for _, tx := range s.settle() {
		b.WriteString(tx.String())
	}
	return b.String()
}

// want compares what was told, line by line without their indentation.
func want(t testing.TB, what, got, want string) {
	t.Helper()
	if trimmed(got) != trimmed(want) {
		t.Errorf("%s told\n%s\nwant\n%s", what, trimmed(got), trimmed(want))
	}
}

func trimmed(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// session opens an ordinary session of the app, closed with the test.
func session(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	_, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
	must(t, err)
}

var errStop = errors.New("the test stops here")
