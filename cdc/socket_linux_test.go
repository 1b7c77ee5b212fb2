package cdc

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/nettest"
)

// TestASocketIsAConnection like any other: what the standard asks of deadlines, of closing while somebody waits, and of many
// readers and writers at once.
func TestASocketIsAConnection(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			nettest.TestConn(t, func() (here, there net.Conn, stop func(), err error) {
				here, there = socketPair(t, network)
				return here, there, func() { _, _ = here.Close(), there.Close() }, nil
			})
		})
	}
}

func TestWhoWaitsOnASocketHearsThatItIsClosed(t *testing.T) {
	t.Parallel()
	here, there := socketPair(t, "unix")
	defer func() { _ = there.Close() }()
	done := make(chan error, 1)
	go func() {
		_, err := here.Read(make([]byte, 1))
		done <- err
	}()
	must(t, here.Close())
	if err := <-done; err == nil {
		t.Error("it read something")
	}
	if here.Close() == nil || here.SetDeadline(time.Now()) == nil {
		t.Error("it is closed, and does not say so")
	}
}

// TestWhatIsNoSocketStaysAsItIs: a pipe, or a connection that a test has wrapped.
func TestWhatIsNoSocketStaysAsItIs(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer func() { _, _ = here.Close(), there.Close() }()
	if c, err := unwatched(here); c != here || err != nil {
		t.Errorf("it became %v, %v", c, err)
	}
}

// socketPair is both ends of a connection; the first is not watched by the runtime.
func socketPair(t *testing.T, network string) (here, there net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	must(t, err)
	defer func() { _ = l.Close() }()
	watched, err := net.Dial(network, l.Addr().String())
	must(t, err)
	there, err = l.Accept()
	must(t, err)
	here, err = unwatched(watched)
	must(t, err)
	if _, ok := here.(*socket); !ok {
		t.Fatalf("%T is watched", here)
	}
	return here, there
}
