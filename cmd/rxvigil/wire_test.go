package main

import (
	"net"
	"net/url"
	"sync"
	"testing"
)

// wire is a network, between an engine and its server or a browser and the engine, that can be cut: what is sent is neither delivered nor refused.
type wire struct {
	target string

	mu    sync.Mutex
	whole chan struct{} // closed while bytes pass
	conns []net.Conn
	over  bool // the story has ended: what is dialled from now on is closed at once
}

// lay gives the address of a server, a DSN say, as it is reached through a wire of our own.
func lay(t *testing.T, address string) (w *wire, through string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w = &wire{target: u.Host, whole: make(chan struct{})}
	close(w.whole)
	u.Host = ln.Addr().String()
	var all sync.WaitGroup
	all.Go(func() { // ends with the listener
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		w.end()
		all.Wait()
	})
	return w, u.String()
}

// carry passes bytes both ways until either side ends.
func (w *wire) carry(near net.Conn) {
	defer func() { _ = near.Close() }()
	w.wait()
	far, err := net.Dial("tcp", w.target)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !w.keep(near, far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { w.pass(near, far) })
	both.Go(func() { w.pass(far, near) })
	both.Wait()
}

// keep remembers connections for the end, unless that has come while they were made.
func (w *wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conns...)
	return !w.over
}

func (w *wire) pass(to, from net.Conn) {
	defer func() { w.wait(); _ = to.Close() }() // also an end is not told while the wire is cut
	for buf := make([]byte, 32<<10); ; {
		n, err := from.Read(buf)
		w.wait()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *wire) wait() {
	w.mu.Lock()
	whole := w.whole
	w.mu.Unlock()
	<-whole
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole = make(chan struct{})
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.whole:
	default:
		close(w.whole)
	}
}

func (w *wire) end() {
	w.mend()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, c := range w.conns {
		_ = c.Close()
	}
}
