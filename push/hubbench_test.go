package push_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// benchServer is set in the process that BenchmarkIdleHub starts: the server alone, so that its memory is nobody else's.
const benchServer = "RXVIGIL_BENCH_SERVER"

// BenchmarkIdleHub opens 10 000 SignalR connections by WebSocket to a process that does nothing else, and reads what each has cost it.
func BenchmarkIdleHub(b *testing.B) {
	if os.Getenv(benchServer) != "" {
		_, url := serveLoopback(b)
		fmt.Println("serving " + url)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent is done
		return
	}
	const connections = 10_000
	pid, addr := startBenchServer(b)
	for b.Loop() {
		before := resident(b, pid)
		open := make([]net.Conn, 0, connections)
		for range connections {
			open = append(open, idleHub(b, addr))
		}
		b.ReportMetric(float64(resident(b, pid)-before)/connections, "B/connection")
		for _, c := range open {
			_ = c.Close()
		}
	}
}

func startBenchServer(b *testing.B) (pid int, addr string) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkIdleHub$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), benchServer+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		cancel()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, url, ok := strings.Cut(lines.Text(), "serving http://"); ok {
			return cmd.Process.Pid, url
		}
	}
	b.Fatal("the server did not start")
	return 0, ""
}

// idleHub is a connection that has shaken hands, and is told nothing but pings.
func idleHub(b *testing.B, addr string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	_, err = fmt.Fprintf(c, "GET /hubs/sales?tenant=abyssinia HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", addr)
	if err != nil {
		b.Fatal(err)
	}
	readUntil(b, c, "\r\n\r\n")
	handshake := `{"protocol":"json","version":1}` + "\x1e"
	frame := append([]byte{0x81, byte(0x80 | len(handshake)), 0, 0, 0, 0}, handshake...) // the mask is zero
	if _, err := c.Write(frame); err != nil {
		b.Fatal(err)
	}
	readUntil(b, c, "ConnectionEstablished")
	return c
}

func readUntil(b *testing.B, c net.Conn, text string) {
	b.Helper()
	got := make([]byte, 0, 1024)
	for !strings.Contains(string(got), text) {
		n, err := c.Read(got[len(got):cap(got)])
		if err != nil {
			b.Fatalf("%v after %q", err, got)
		}
		got = got[:len(got)+n]
	}
}

// resident is the memory that a process has of the machine's.
func resident(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("memory is read from /proc, which is not here")
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return kb << 10
}
