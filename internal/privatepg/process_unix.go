//go:build unix

package privatepg

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a postmaster that we started. It is waited for in the caller's goroutine, so that a running server holds no
// goroutine of ours and tests may look for leaked ones.
type process struct{ pid int }

// spawn starts argv in a session of its own, so that a Ctrl-C on our terminal reaches us and not the server.
func spawn(argv []string, dir, logFile string) (*process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	attr := &syscall.SysProcAttr{Setsid: true}
	if attr.Credential, err = credential(); err != nil {
		return nil, err
	}
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: dir, Env: os.Environ(), Files: []uintptr{null.Fd(), log.Fd(), log.Fd()}, Sys: attr,
	})
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", argv[0], err)
	}
	return &process{pid: pid}, nil
}

// exited tells, without waiting, whether the process has ended; it is reaped then.
func (p *process) exited() bool {
	pid, err := wait4(p.pid, syscall.WNOHANG)
	return pid == p.pid || errors.Is(err, syscall.ECHILD)
}

// stop sends the mode's signal and waits for the end.
func (p *process) stop(mode Mode) error {
	signal := map[Mode]syscall.Signal{Smart: syscall.SIGTERM, Fast: syscall.SIGINT, Immediate: syscall.SIGQUIT}[mode]
	if signal == 0 {
		return fmt.Errorf("stop mode %q is not smart, fast or immediate", mode)
	}
	if err := syscall.Kill(p.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	if _, err := wait4(p.pid, 0); err != nil && !errors.Is(err, syscall.ECHILD) {
		return err
	}
	return nil
}

// kill ends a server that did not start. Immediate mode ends its children too, which SIGKILL would not.
func (p *process) kill() {
	if p.exited() {
		return
	}
	_ = syscall.Kill(p.pid, syscall.SIGQUIT)
	for range 100 {
		if p.exited() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = syscall.Kill(p.pid, syscall.SIGKILL)
	_, _ = wait4(p.pid, 0)
}

func wait4(pid, options int) (int, error) {
	for {
		got, err := syscall.Wait4(pid, nil, options, nil)
		if !errors.Is(err, syscall.EINTR) {
			return got, err
		}
	}
}

// credential is whom the server runs as: nil for ourselves, or an unprivileged user when we are root, which Postgres refuses.
func credential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("the server does not run as root, and this machine has no user postgres or nobody to run it as")
}

// unprivileged makes cmd run as the server does.
func unprivileged(cmd *exec.Cmd) error {
	c, err := credential()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c, Setsid: true}
	return nil
}

// own hands a folder to whom the server runs as.
func own(dir string) error {
	c, err := credential()
	if err != nil || c == nil {
		return err
	}
	return os.Chown(dir, int(c.Uid), int(c.Gid))
}

// lock waits until no other process holds the file, and holds it until unlock or our end.
func lock(file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the download: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", file, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// watchdog is a shell that outlives us for a moment: it waits for the end of a pipe that only we hold, so it also learns
// of a kill -9; a parent-death signal would be tied to one thread of ours and would leave the folder behind.
type watchdog struct {
	hold *os.File // write end; closed by the kernel when we die
	pid  int
}

// guard reads one line. A line "done" dismisses it; the end of the pipe means that we are gone: it crashes the server, whose
// pid stands in the first line of postmaster.pid, waits for it and removes the folders.
const guard = `
IFS= read -r word && [ "$word" = done ] && exit 0
data=$1; shift
if [ -f "$data/postmaster.pid" ]; then
	IFS= read -r pid <"$data/postmaster.pid"
	kill -QUIT "$pid" 2>/dev/null
	tries=0
	while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
fi
[ $# -gt 0 ] && rm -rf "$@"
exit 0`

func startWatchdog(dataDir string, remove []string) (*watchdog, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		w.Close()
		return nil, err
	}
	defer null.Close()
	argv := append([]string{"/bin/sh", "-c", strings.TrimSpace(guard), "rxvigil-watchdog", dataDir}, remove...)
	pid, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []uintptr{r.Fd(), null.Fd(), null.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		w.Close()
		return nil, err
	}
	return &watchdog{hold: w, pid: pid}, nil
}

// dismiss ends the watchdog without its doing anything.
func (w *watchdog) dismiss() {
	_, _ = w.hold.WriteString("done\n")
	_ = w.hold.Close()
	_, _ = wait4(w.pid, 0)
}
