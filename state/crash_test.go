package state

import (
	"bufio"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestAKilledEngineFindsWholeGroupsOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	var before uint64
	for range 6 {
		said := killedAfter(t, dir, 1+rand.IntN(400))
		s := reopen(t, dir)
		got := whole(t, s)
		if got%3 != 0 {
			t.Errorf("stands at %d: half a group", got)
		}
		if got < before {
			t.Errorf("stands at %d after it stood at %d", got, before)
		}
		t.Logf("killed when it had said %d, stands at %d", said, got)
		must(t, s.Sync())
		must(t, s.Close())
		before = got
	}
	if got := aside(t, dir); len(got) > 0 {
		t.Errorf("a kill made the state unreadable: %v", got)
	}
}

// killedAfter runs a writer in a process of its own, kills it after it has said n lines, and gives the last one.
func killedAfter(t *testing.T, dir string, n int) uint64 {
	t.Helper()
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), childVar+"="+dir)
	out, err := writer.StdoutPipe()
	must(t, err)
	must(t, writer.Start())
	lines := bufio.NewScanner(out)
	var last uint64
	for i := 0; i < n && lines.Scan(); i++ {
		if last, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatalf("the writer says %q", lines.Text())
		}
	}
	must(t, writer.Process.Kill())
	_ = writer.Wait()
	return last
}

func TestACopyOfTheFolderOfARunningEngineIsWhole(t *testing.T) {
	t.Parallel()
	s, dir := setup(t)
	for lsn := uint64(1); lsn <= 100; lsn++ {
		must(t, sell(s, lsn))
		must(t, s.Commit())
	}
	must(t, s.Sync())
	must(t, sell(s, 101)) // open
	copied := filepath.Join(t.TempDir(), "state")
	must(t, os.CopyFS(copied, os.DirFS(dir)))
	if got := whole(t, reopen(t, copied)); got != 100 {
		t.Errorf("the copy stands at %d, want 100", got)
	}
}

// filled makes a closed store with tables and a log of its own, and gives its folder.
func filled(t *testing.T) string {
	t.Helper()
	s, dir := setup(t)
	for lsn := uint64(1); lsn <= 300; lsn++ {
		must(t, sell(s, lsn))
		must(t, s.Commit())
		if lsn%100 == 0 && lsn < 300 {
			must(t, s.db.Flush())
		}
	}
	must(t, s.Sync())
	must(t, s.Close())
	return dir
}

func TestATornStateIsSetAsideOrReadUpToTheTear(t *testing.T) {
	t.Parallel()
	dir := filled(t)
	files, err := os.ReadDir(dir)
	must(t, err)
	tears := map[string]func(file string, size int64) error{
		"cut in half": func(file string, size int64) error { return os.Truncate(file, size/2) },
		"emptied":     func(file string, _ int64) error { return os.Truncate(file, 0) },
		"removed":     func(file string, _ int64) error { return os.Remove(file) },
		"one byte flipped": func(file string, size int64) error {
			b, err := os.ReadFile(file)
			if err != nil || size == 0 {
				return err
			}
			b[size/2] ^= 0x55
			return os.WriteFile(file, b, 0o600)
		},
	}
	for _, f := range files {
		if f.Name() == "LOCK" {
			continue
		}
		for how, tear := range tears {
			t.Run(f.Name()+" "+how, func(t *testing.T) {
				t.Parallel()
				copied := filepath.Join(t.TempDir(), "state")
				must(t, os.CopyFS(copied, os.DirFS(dir)))
				info, err := f.Info()
				must(t, err)
				must(t, tear(filepath.Join(copied, f.Name()), info.Size()))
				openTorn(t, copied)
			})
		}
	}
}

// openTorn opens a damaged store: it must say so, or show a prefix of what was written.
func openTorn(t *testing.T, dir string) {
	t.Helper()
	var said logged
	s, err := Open(dir, said.logger())
	if err != nil {
		t.Fatalf("neither read nor set aside: %v", err)
	}
	defer func() { _ = s.Close() }()
	if moved := aside(t, dir); len(moved) > 0 {
		if got := whole(t, s); got != 0 {
			t.Errorf("a new state stands at %d", got)
		}
		if !strings.Contains(said.String(), "state_set_aside") || !strings.Contains(said.String(), moved[0]) {
			t.Errorf("set aside as %s, but the log says only %s", moved[0], said.String())
		}
		return
	}
	at := s.Meta().Position
	images := uint64(0)
	err = s.Images([]byte("lot/"), func(_, _ []byte) bool { images++; return true })
	if err == nil {
		err = s.Entries(0, func(uint64, []byte) bool { return true })
	}
	if IsCorrupt(err) { // found late: the next start begins anew
		must(t, s.Close())
		if s, err = Open(dir, said.logger()); err != nil {
			t.Fatal(err)
		}
		if got := whole(t, s); got != 0 || len(aside(t, dir)) != 1 || !strings.Contains(said.String(), "state_set_aside") {
			t.Errorf("after damage was met the store stands at %d; set aside %v", got, aside(t, dir))
		}
		return
	}
	must(t, err)
	if images != at {
		t.Errorf("stands at %d with %d images, and says nothing", at, images)
	}
}

func TestAStateOfAnotherFormatIsSetAside(t *testing.T) {
	t.Parallel()
	for name, meta := range map[string]string{"another format": `{"format":99}`, "no meta at all": `scribble`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := setup(t)
			must(t, s.db.Set([]byte{spaceMeta}, []byte(meta), nil))
			must(t, s.Close())
			var said logged
			s, err := Open(dir, said.logger())
			must(t, err)
			defer func() { must(t, s.Close()) }()
			if got := s.Meta().Position; got != 0 || len(aside(t, dir)) != 1 {
				t.Errorf("stands at %d, set aside %v", got, aside(t, dir))
			}
			if !strings.Contains(said.String(), errForeign.Error()) {
				t.Errorf("the log says %s", said.String())
			}
			must(t, sell(s, 1))
			must(t, s.Commit())
		})
	}
}

func TestAnUnusedFolderOpensEmpty(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "down", "state")
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	must(t, err)
	if got := s.Meta(); got.Position != 0 || got.Epoch != "" {
		t.Errorf("a new store says %+v", got)
	}
	must(t, s.Close())
}
