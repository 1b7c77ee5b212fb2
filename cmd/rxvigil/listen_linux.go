package main

import (
	"fmt"
	"syscall"
	"time"
)

// unacknowledged is how long a client may leave what it was sent unacknowledged: one that lost its network without a word would else
// be written to for a quarter of an hour. Connections inherit it.
const unacknowledged = 30 * time.Second

func tuned(_, _ string, raw syscall.RawConn) error {
	const userTimeout = 0x12 // TCP_USER_TIMEOUT of tcp(7), in ms, which package syscall lacks
	var failed error
	err := raw.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(unacknowledged.Milliseconds()))
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("set TCP_USER_TIMEOUT: %w", err)
	}
	return nil
}
