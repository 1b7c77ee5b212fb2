package push_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// BenchmarkDelivery opens 10 000 connections of each transport, in turn, to a process that does nothing else, and reads from the
// machine what they cost it: memory of a new connection, and of an idle one, when what its opening left behind has been given back, as
// the runtime does within minutes by itself; processor time of a delivery, singly and in bursts of ten, and how long
// after a publish a viewer has the event. "raw" is the limit: one goroutine that makes one write call a connection, of as many bytes as
// server-sent events need.
func BenchmarkDelivery(b *testing.B) {
	if os.Getenv(benchServer) != "" {
		serveDeliveries(b)
		return
	}
	for _, c := range []*crowd{
		{name: "raw", open: openRaw},
		{name: "sse", open: openSSE},
		{name: "websocket", open: openSubscribed},
		{name: "signalr", open: idleHub},
	} {
		b.Run(c.name, c.measure)
	}
}

// crowd is many viewers of one transport.
type crowd struct {
	name string
	open func(b *testing.B, addr string) net.Conn

	server *benchProcess
	conns  []net.Conn
	mu     sync.Mutex // guards what follows
	round  int
	marker []byte        // the last event of the round has it
	began  time.Time     // when the round was asked for
	took   []float64     // ms, by viewer
	all    chan struct{} // told when each has it
}

const (
	crowdSize   = 10_000
	crowdRounds = 20
)

func (c *crowd) measure(b *testing.B) {
	c.server = startBenchServer(b, "BenchmarkDelivery")
	c.all = make(chan struct{}, 1)
	addr := c.server.addr
	if c.name == "raw" {
		addr = c.server.raw
	}
	before := resident(b, c.server.pid)
	for range crowdSize {
		c.conns = append(c.conns, c.open(b, addr))
	}
	perConnection := float64(resident(b, c.server.pid)-before) / crowdSize
	idle := float64(c.server.atRest(b)-before) / crowdSize
	defer func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
	}()
	for _, conn := range c.conns {
		go c.view(conn)
	}
	for b.Loop() {
		single, waits := c.rounds(b, 1)
		burst, _ := c.rounds(b, 10)
		b.ReportMetric(perConnection, "B/new")
		b.ReportMetric(idle, "B/idle")
		b.ReportMetric(single, "µs/single")
		b.ReportMetric(burst, "µs/burst10")
		b.ReportMetric(waits[len(waits)/2], "ms/p50")
		b.ReportMetric(waits[len(waits)*99/100], "ms/p99")
		b.ReportMetric(0, "ns/op")
	}
}

// rounds gives the server's processor time of a delivery in µs, and the waits of all viewers in ms, sorted.
func (c *crowd) rounds(b *testing.B, burst int) (cost float64, waits []float64) {
	b.Helper()
	before := processorTime(b, c.server.pid)
	for range crowdRounds {
		c.mu.Lock()
		c.round++
		c.marker = fmt.Appendf(nil, "end%06d", c.round)
		c.took, c.began = make([]float64, 0, crowdSize), time.Now()
		c.mu.Unlock()
		if _, err := fmt.Fprintln(c.server.in, c.name, c.round, burst); err != nil {
			b.Fatal(err)
		}
		select {
		case <-c.all:
		case <-time.After(time.Minute):
			c.mu.Lock()
			defer c.mu.Unlock()
			b.Fatalf("round %d reached %d viewers in a minute", c.round, len(c.took))
		}
		waits = append(waits, c.took...)
	}
	slices.Sort(waits)
	return (processorTime(b, c.server.pid) - before) / float64(crowdRounds*crowdSize*burst), waits
}

// view reads one connection to its end.
func (c *crowd) view(conn net.Conn) {
	buf, kept, seen := make([]byte, 8<<10), 0, 0
	for {
		n, err := conn.Read(buf[kept:])
		if err != nil {
			return
		}
		now, text := time.Now(), buf[:kept+n]
		c.mu.Lock()
		if c.round > seen && bytes.Contains(text, c.marker) {
			seen = c.round
			c.took = append(c.took, float64(now.Sub(c.began).Microseconds())/1000)
			if len(c.took) == len(c.conns) {
				c.all <- struct{}{}
			}
		}
		c.mu.Unlock()
		kept = copy(buf, text[max(0, len(text)-16):])
	}
}

func openRaw(b *testing.B, addr string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	readUntil(b, c, "hello")
	return c
}

func openSSE(b *testing.B, addr string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "GET /api/tenant/abyssinia/stream?topics=inventory HTTP/1.1\r\nHost: %s\r\n\r\n", addr); err != nil {
		b.Fatal(err)
	}
	readUntil(b, c, "connection_established")
	return c
}

func openSubscribed(b *testing.B, addr string) net.Conn {
	b.Helper()
	c := upgrade(b, addr, "/api/tenant/abyssinia/ws", push.Subprotocol, "connection_established")
	sayText(b, c, `{"op":"subscribe","topics":["inventory"]}`)
	readUntil(b, c, `"ok"`)
	return c
}

// idleHub is a connection that has shaken hands.
func idleHub(b *testing.B, addr string) net.Conn {
	b.Helper()
	c := upgrade(b, addr, "/hubs/inventory?tenant=abyssinia", "", "\r\n\r\n")
	sayText(b, c, `{"protocol":"json","version":1}`+"\x1e")
	readUntil(b, c, "ConnectionEstablished")
	return c
}

// upgrade opens a WebSocket and reads until a text has come.
func upgrade(b *testing.B, addr, path, protocol, text string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	if protocol != "" {
		protocol = "Sec-WebSocket-Protocol: " + protocol + "\r\n"
	}
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", path, addr, protocol)
	if err != nil {
		b.Fatal(err)
	}
	readUntil(b, c, text)
	return c
}

// sayText sends a short text frame; its mask is zero.
func sayText(b *testing.B, c net.Conn, text string) {
	b.Helper()
	if _, err := c.Write(append([]byte{0x81, byte(0x80 | len(text)), 0, 0, 0, 0}, text...)); err != nil {
		b.Fatal(err)
	}
}

// serveDeliveries is the server's process: it publishes what its input asks for.
func serveDeliveries(b *testing.B) {
	log, url := serveLoopback(b)
	raw := newRawServer(b)
	fmt.Println("serving "+url, raw.ln.Addr())
	lsn := uint64(1000)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var name string
		var round, burst int
		if _, err := fmt.Sscan(lines.Text(), &name, &round, &burst); err != nil {
			b.Fatal(err)
		}
		var events []*push.Event
		for i := range burst {
			lsn += 8
			medicine := "m1"
			if i == burst-1 {
				medicine = fmt.Sprintf("end%06d", round)
			}
			e := sold(abyssinia, "b1", medicine, 10, 9)
			e.Pos, e.At = rxvigil.Position{Epoch: "e1", LSN: lsn}, time.Now()
			events = append(events, push.NewEvent(&e))
		}
		if name == "rest" {
			debug.FreeOSMemory()
			debug.FreeOSMemory() // pools give back at the second collection
			fmt.Println("rested")
			continue
		}
		if name == "raw" {
			raw.write(events)
			continue
		}
		for i, e := range events {
			log.Publish(push.Entry{LSN: lsn - 8*uint64(burst-1-i), Events: []*push.Event{e}})
		}
	}
}

// rawServer writes the same bytes to all who have connected.
type rawServer struct {
	ln net.Listener

	mu    sync.Mutex // guards conns
	conns []net.Conn
}

func newRawServer(b *testing.B) *rawServer {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := &rawServer{ln: ln}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			_, _ = io.WriteString(c, "hello")
		}
	}()
	b.Cleanup(func() { _ = ln.Close() })
	return s
}

func (s *rawServer) write(events []*push.Event) {
	var text []byte
	for _, e := range events {
		text = fmt.Appendf(text, "event: %s\nid: %s\ndata: %s\n\n", e.Type, e.Pos, e.JSON)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_, _ = c.Write(text)
	}
}

// processorTime is what a process has used so far, in µs.
func processorTime(b *testing.B, pid int) float64 {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("processor time is read from /proc, which is not here")
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	ticks := 0
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return float64(ticks) * 10_000 // a tick is 10 ms on every machine that Linux has of late
}
