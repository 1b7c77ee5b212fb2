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

// benchServer is set in the process that a benchmark starts: the server alone, so that its memory and its time are nobody else's.
const benchServer = "RXVIGIL_BENCH_SERVER"

type benchProcess struct {
	pid       int
	addr, raw string
	in        io.Writer
	out       *bufio.Scanner
}

// atRest is the memory that the process has after giving back what it does not use.
func (p *benchProcess) atRest(b *testing.B) int {
	b.Helper()
	if _, err := fmt.Fprintln(p.in, "rest", 0, 0); err != nil || !p.out.Scan() {
		b.Fatalf("the server does not rest: %v", err)
	}
	return resident(b, p.pid)
}

// startBenchServer starts this very program as the server of a benchmark.
func startBenchServer(b *testing.B, benchmark string) *benchProcess {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^$", "-test.bench=^"+benchmark+"$", "-test.benchtime=1x")
	cmd.Env = append(os.Environ(), benchServer+"=1")
	cmd.Stderr = os.Stderr
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
		if _, at, ok := strings.Cut(lines.Text(), "serving http://"); ok {
			addr, raw, _ := strings.Cut(at, " ")
			return &benchProcess{cmd.Process.Pid, addr, raw, in, lines}
		}
	}
	b.Fatal("the server did not start")
	return nil
}

func readUntil(b *testing.B, c net.Conn, text string) {
	b.Helper()
	var got []byte
	for !strings.Contains(string(got), text) {
		part := make([]byte, 1024)
		n, err := c.Read(part)
		if err != nil {
			b.Fatalf("%v after %q", err, got)
		}
		got = append(got, part[:n]...)
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
