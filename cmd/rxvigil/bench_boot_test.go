package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// BenchmarkBoot reports how long the real binary takes until alerts are true: cold, from the tables, when one lot in thirty raises an
// alert, and warm, from its own disk; and how much memory it held at most.
func BenchmarkBoot(b *testing.B) {
	lots := benchLots(b)
	dsn := benchPharmacy(b, lots, 100)
	var lines []string
	for b.Loop() {
		s := newService(b, dsn, "umi.yaml")
		cold, coldMB := startTimed(b, s)
		s.stop()
		warm, warmMB := startTimed(b, s)
		s.stop()
		pgtest.Exec(b, dsn, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
		pgtest.Exec(b, dsn, "DROP SCHEMA rxvigil CASCADE") // else the next boot would find its alerts told
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(cold.Seconds(), "cold-s")
		b.ReportMetric(warm.Seconds(), "warm-s")
		b.ReportMetric(coldMB, "cold-MB")
		b.ReportMetric(warmMB, "warm-MB")
		million := 1e6 / float64(lots)
		lines = append(lines, fmt.Sprintf("%d\t%.2f\t%.0f\t%.2f\t%.0f\t%.1f / %.1f s", lots, cold.Seconds(), coldMB, warm.Seconds(), warmMB,
			cold.Seconds()*million, warm.Seconds()*million))
	}
	printTable("lots\tcold s\tpeak MB\twarm s\tpeak MB\tif linear, 1 M lots", lines)
}

// startTimed starts the service, and gives how long it took to be ready and its peak of resident memory.
func startTimed(b *testing.B, s *service) (time.Duration, float64) {
	b.Helper()
	began := time.Now()
	s.start()
	s.ready()
	took := time.Since(began)
	return took, float64(peakMemory(b, s.cmd.Process.Pid)) / 1e6
}

// benchLots is how many lots the boot reads; RXVIGIL_BENCH_LOTS=1000000 for the figure of DESIGN 9.
func benchLots(b *testing.B) int {
	b.Helper()
	text, ok := os.LookupEnv("RXVIGIL_BENCH_LOTS")
	if !ok {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// peakMemory is the most resident memory that a process ever had, in bytes.
func peakMemory(b *testing.B, pid int) int64 { b.Helper(); return memoryOf(b, pid, "VmHWM:") }

// residentMemory is what a process has in memory now, in bytes.
func residentMemory(b *testing.B, pid int) int64 { b.Helper(); return memoryOf(b, pid, "VmRSS:") }

func memoryOf(b *testing.B, pid int, what string) int64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte(what))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kB, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kB << 10
}
