package state

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childVar makes the test binary a writer that somebody will kill: it names the folder to write to.
const childVar = "RXVIGIL_STATE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		child(dir)
	}
	// Pebble leaves its disk watch behind when it cannot open a store.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/cockroachdb/pebble/v2/vfs.(*diskHealthCheckingFS).startTickerLocked.func1"))
}

// logged collects what a store said.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// setup opens a store in a folder of its own; it is closed when the test ends, unless the test closed it.
func setup(t testing.TB) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	s := reopen(t, dir)
	must(t, s.Reset(json.RawMessage(`{"system":"1"}`), "hash", "epoch"))
	return s, dir
}

func reopen(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.db != nil {
			must(t, s.Close())
		}
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// day is a commit time: minute n of a day in May.
func day(n uint64) time.Time {
	return time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
}

// sell writes the transaction that ended at lsn into the open group: an image, the running count, a log entry, the place.
func sell(s *Store, lsn uint64) error {
	count := binary.BigEndian.AppendUint64(nil, lsn)
	for _, w := range []error{
		s.PutImage(fmt.Appendf(nil, "lot/%08d", lsn), fmt.Appendf(nil, "sold in %d", lsn)),
		s.PutImage([]byte("count"), count),
		s.PutUsage([]byte("usage"), count),
		s.Append(lsn, day(lsn), fmt.Appendf(nil, "entry %d", lsn)),
	} {
		if w != nil {
			return w
		}
	}
	s.Advance(lsn, day(lsn), day(lsn), day(lsn))
	return nil
}

// whole tells whether every part of a store stands at the same transaction, and gives it.
func whole(t testing.TB, s *Store) uint64 {
	t.Helper()
	at := s.Meta().Position
	count, _, err := s.Image([]byte("count"))
	must(t, err)
	if at == 0 && len(count) == 0 {
		return 0
	}
	if got := binary.BigEndian.Uint64(count); got != at {
		t.Errorf("the images stand at %d, the position at %d", got, at)
	}
	next := s.Meta().Floor + 1
	must(t, s.Entries(0, func(lsn uint64, entry []byte) bool {
		if lsn != next || string(entry) != fmt.Sprintf("entry %d", lsn) {
			t.Errorf("entry %d says %q, want entry %d", lsn, entry, next)
		}
		next++
		return true
	}))
	if next != at+1 {
		t.Errorf("the log ends before %d, the position is %d", next, at)
	}
	var images uint64
	must(t, s.Images([]byte("lot/"), func(_, _ []byte) bool { images++; return true }))
	if images != at {
		t.Errorf("%d images after %d transactions", images, at)
	}
	return at
}

// child writes for ever, three transactions a group, and says after each commit where it stands.
func child(dir string) {
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(3)
	}
	if s.Meta().Position == 0 {
		err = s.Reset(json.RawMessage(`{}`), "hash", "epoch")
	}
	out := bufio.NewWriter(os.Stdout)
	for lsn := s.Meta().Position + 1; err == nil; lsn++ {
		if err = sell(s, lsn); err == nil && lsn%3 == 0 {
			err = s.Commit()
			fmt.Fprintln(out, lsn)
			_ = out.Flush()
		}
	}
	fmt.Println("error", err)
	os.Exit(3)
}

// aside lists the folders that were set aside next to dir.
func aside(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(dir))
	must(t, err)
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(dir)+".aside-") {
			names = append(names, e.Name())
		}
	}
	return names
}
