package push

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
)

// hangups tells who of many clients has hung up, with one goroutine for all: the kernel lists them (epoll(7)).
type hangups struct {
	mu      sync.Mutex // guards what follows
	poll    *os.File   // of epoll_create; nil while nobody is watched
	next    int32
	watched map[int32]context.CancelFunc
}

// watch gives a context that ends when the client hangs up, or when cancel is called, as it must be before conn is closed.
func (h *hangups) watch(conn net.Conn) (ctx context.Context, cancel context.CancelFunc) {
	known, ok := conn.(syscall.Conn)
	if !ok { // the kernel does not know it
		return untilHangUp(conn)
	}
	id, ctx, stop, err := h.enter(known)
	if err != nil { // no more of what the kernel has to give
		return untilHangUp(conn)
	}
	return ctx, func() {
		stop()
		h.leave(id)
	}
}

func (h *hangups) enter(conn syscall.Conn) (int32, context.Context, context.CancelFunc, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.poll == nil {
		if err := h.open(); err != nil {
			return 0, nil, nil, err
		}
	}
	h.next++
	id := h.next
	if err := h.add(conn, id); err != nil {
		h.closeUnused()
		return 0, nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.watched[id] = cancel
	return id, ctx, cancel, nil
}

// open makes the list and starts its reader. The caller holds the lock.
func (h *hangups) open() error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll_create: %w", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil { // so that the runtime waits for it, not a thread
		_ = syscall.Close(fd)
		return fmt.Errorf("epoll: %w", err)
	}
	h.poll, h.watched = os.NewFile(uintptr(fd), "epoll"), map[int32]context.CancelFunc{}
	raw, err := h.poll.SyscallConn()
	if err != nil {
		_ = h.poll.Close()
		h.poll = nil
		return fmt.Errorf("epoll: %w", err)
	}
	go h.read(raw)
	return nil
}

// add asks to be told once when the client closes its half or all of the connection. Closing ours takes it off the list.
func (h *hangups) add(conn syscall.Conn, id int32) error {
	const oneShot = 1 << 30 // EPOLLONESHOT, which package syscall lacks
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	list, err := h.poll.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = list.Control(func(poll uintptr) {
			err = syscall.EpollCtl(int(poll), syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: syscall.EPOLLRDHUP | oneShot, Fd: id})
		})
		if failed == nil {
			failed = err
		}
	})
	if err == nil {
		err = failed
	}
	return err
}

// read hears of those who hang up until the list is closed.
func (h *hangups) read(list syscall.RawConn) {
	var events [128]syscall.EpollEvent
	for {
		n := 0
		err := list.Read(func(fd uintptr) bool {
			n, _ = syscall.EpollWait(int(fd), events[:], 0)
			return n > 0
		})
		if err != nil {
			return
		}
		h.mu.Lock()
		for _, e := range events[:n] {
			if cancel := h.watched[e.Fd]; cancel != nil {
				cancel()
			}
		}
		h.mu.Unlock()
	}
}

func (h *hangups) leave(id int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watched, id)
	h.closeUnused()
}

// closeUnused ends the reader when nobody is watched. The caller holds the lock.
func (h *hangups) closeUnused() {
	if len(h.watched) == 0 && h.poll != nil {
		_ = h.poll.Close()
		h.poll = nil
	}
}
