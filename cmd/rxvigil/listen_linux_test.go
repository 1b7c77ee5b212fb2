package main

import (
	"net"
	"syscall"
	"testing"
)

// A connection to a client that lost its network ends in half a minute, not in a quarter of an hour.
func TestConnectionsInheritHowLongAClientMayBeSilent(t *testing.T) {
	t.Parallel()
	ln, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	there, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = there.Close() }()
	here, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = here.Close() }()
	raw, err := here.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ms int
	if bad := raw.Control(func(fd uintptr) { ms, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, 0x12) }); bad != nil || err != nil || ms != 30_000 {
		t.Errorf("TCP_USER_TIMEOUT is %d ms: %v, %v", ms, bad, err)
	}
}
