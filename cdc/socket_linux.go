package cdc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a connection that the runtime's poller does not watch. The server sends each row by a call of its own; a watched one has each of them
// wake a thread of ours, also while nobody wants to read yet, which costs the server and us more than the row does. It has one reader
// and one writer; deadlines may be set, and it may be closed, from anywhere.
type socket struct {
	fd            int
	local, remote net.Addr
	in, out       side

	uses   sync.RWMutex // held for reading by who uses fd, also across a wait: Close wakes them first
	closed atomic.Bool
}

// side is one direction of a socket.
type side struct {
	name  string
	event int16
	bell  int          // an eventfd that wakes who waits
	by    atomic.Int64 // deadline, in Unix nanoseconds; 0: none
}

// unwatched takes a connection away from the runtime's poller. What is no plain socket is given back as it is.
func unwatched(c net.Conn) (net.Conn, error) {
	plain, ok := c.(syscall.Conn)
	if !ok {
		return c, nil
	}
	s, err := newSocket(c, plain)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return s, c.Close()
}

func newSocket(c net.Conn, plain syscall.Conn) (*socket, error) {
	s := &socket{local: c.LocalAddr(), remote: c.RemoteAddr(), fd: -1}
	s.in.name, s.in.event, s.in.bell = "read", unix.POLLIN, -1
	s.out.name, s.out.event, s.out.bell = "write", unix.POLLOUT, -1
	raw, err := plain.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { err = s.open(int(fd)) })
	}
	if err != nil {
		s.release()
		return nil, fmt.Errorf("take over a socket: %w", err)
	}
	return s, nil
}

// open makes the descriptors; it is the same socket under another number.
func (s *socket) open(fd int) (err error) {
	if s.fd, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return fmt.Errorf("dup: %w", err)
	}
	for _, d := range []*side{&s.in, &s.out} {
		if d.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
			return fmt.Errorf("eventfd: %w", err)
		}
	}
	return nil
}

func (s *socket) release() {
	for _, fd := range []int{s.fd, s.in.bell, s.out.bell} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.try(&s.in, func() (int, error) { return unix.Read(s.fd, p) })
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, err
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (done int, err error) {
	for done < len(p) && err == nil {
		var n int
		n, err = s.try(&s.out, func() (int, error) { return unix.Write(s.fd, p[done:]) })
		done += n
	}
	return done, err
}

// try calls until it would not block, and waits in between.
func (s *socket) try(d *side, call func() (int, error)) (int, error) {
	s.uses.RLock()
	defer s.uses.RUnlock()
	for {
		wait, err := s.patience(d)
		if err != nil {
			return 0, s.failed(d, err)
		}
		n, err := call()
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, unix.EAGAIN):
			err = s.await(d, wait)
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return 0, s.failed(d, os.NewSyscallError(d.name, err))
		}
	}
}

// patience is for how many milliseconds may be waited; -1: for ever.
func (s *socket) patience(d *side) (int, error) {
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	by := d.by.Load()
	if by == 0 {
		return -1, nil
	}
	left := time.Until(time.Unix(0, by))
	if left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return int(min(left, time.Hour)/time.Millisecond) + 1, nil
}

// await blocks until the socket is ready, a time is over, or the bell was rung.
func (s *socket) await(d *side, milliseconds int) error {
	fds := [2]unix.PollFd{{Fd: int32(s.fd), Events: d.event}, {Fd: int32(d.bell), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds[:], milliseconds); err != nil {
		return err //nolint:wrapcheck // try does
	}
	if fds[1].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(d.bell, count[:])
	}
	return nil
}

func (s *socket) failed(d *side, err error) error {
	return &net.OpError{Op: d.name, Net: s.remote.Network(), Source: s.local, Addr: s.remote, Err: err}
}

// pause sleeps in the kernel: the runtime's timers are as coarse as a millisecond where nothing else goes on.
func (s *socket) pause(d time.Duration) {
	t := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&t, nil)
}

func (d *side) ring() {
	_, _ = unix.Write(d.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// Close implements net.Conn. Who waits is woken.
func (s *socket) Close() error {
	if s.closed.Swap(true) {
		return s.failed(&s.in, net.ErrClosed)
	}
	s.in.ring()
	s.out.ring()
	s.uses.Lock()
	defer s.uses.Unlock()
	s.release()
	return nil
}

// LocalAddr implements net.Conn.
func (s *socket) LocalAddr() net.Addr { return s.local }

// RemoteAddr implements net.Conn.
func (s *socket) RemoteAddr() net.Addr { return s.remote }

// SetDeadline implements net.Conn.
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (s *socket) SetReadDeadline(t time.Time) error { return s.deadline(&s.in, t) }

// SetWriteDeadline implements net.Conn.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.deadline(&s.out, t) }

func (s *socket) deadline(d *side, t time.Time) error {
	s.uses.RLock()
	defer s.uses.RUnlock()
	if s.closed.Load() {
		return s.failed(d, net.ErrClosed)
	}
	var by int64
	if !t.IsZero() {
		by = max(1, t.UnixNano())
	}
	if was := d.by.Swap(by); was == 0 || by != 0 && by < was {
		d.ring()
	}
	return nil
}
