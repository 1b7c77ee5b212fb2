//go:build !unix

package privatepg

import (
	"errors"
	"os/exec"
)

var errNotUnix = errors.New("a private Postgres needs a Unix; name a running server instead (--dsn)")

type process struct{ pid int }

func spawn([]string, string, string) (*process, error) { return nil, errNotUnix }

func (*process) exited() bool    { return true }
func (*process) stop(Mode) error { return errNotUnix }
func (*process) kill()           {}

func unprivileged(*exec.Cmd) error { return errNotUnix }

func own(string) error { return errNotUnix }

func lock(string) (func(), error) { return nil, errNotUnix }

type watchdog struct{}

func startWatchdog(string, []string) (*watchdog, error) { return nil, errNotUnix }

func (*watchdog) dismiss() {}
