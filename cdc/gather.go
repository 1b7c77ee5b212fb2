package cdc

import (
	"net"
	"time"
)

// A server sends each row's message by a call of its own, and a reader that keeps up is woken for each: that costs it more than the
// row. Where many come at once, gathering waits a moment, so that one read takes what came meanwhile.
const (
	gatherBytes = 256 << 10
	gatherFew   = 1 << 10                // a read that brings less has come too early
	gatherPause = 200 * time.Microsecond // what a message may come later, under such load
	gatherAfter = 16                     // hasty reads in a row are load, not chance
	gatherHaste = 100 * time.Microsecond // between two of them
)

// gathering is a connection that is read in large pieces. It belongs to one reader.
type gathering struct {
	net.Conn
	pause func(time.Duration)
	buf   []byte
	rest  []byte // of buf, not yet given
	last  time.Time
	few   int  // hasty reads in a row that brought few bytes
	load  bool // a pause is worth it
}

func newGathering(c net.Conn) *gathering {
	g := &gathering{Conn: c, pause: time.Sleep, buf: make([]byte, gatherBytes)}
	if p, ok := c.(interface{ pause(d time.Duration) }); ok {
		g.pause = p.pause
	}
	return g
}

// Read implements net.Conn.
func (g *gathering) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.load {
			g.pause(gatherPause)
		}
		n, err := g.Conn.Read(g.buf)
		if n == 0 {
			return 0, err
		}
		g.weigh(n)
		g.rest = g.buf[:n] // an error comes again at the next read
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// weigh decides by what a read brought whether the next one is to wait.
func (g *gathering) weigh(n int) {
	now := time.Now()
	hasty := now.Sub(g.last) < gatherHaste
	g.last = now
	switch {
	case n >= gatherFew:
		g.few = 0
	case g.load: // although it waited
		g.load, g.few = false, 0
	case hasty:
		g.few++
		g.load = g.few >= gatherAfter
	default:
		g.few = 0
	}
}
