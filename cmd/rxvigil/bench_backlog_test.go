package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil/internal/pgtest"
)

// BenchmarkBacklog reports how the real binary takes what an app wrote while it was away: how long until it has caught up, and
// the most memory it held meanwhile. RXVIGIL_BENCH_BACKLOG=10000000 for a long absence.
func BenchmarkBacklog(b *testing.B) {
	rows := 500_000
	if text, ok := os.LookupEnv("RXVIGIL_BENCH_BACKLOG"); ok {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		rows = n
	}
	const each, a0 = 10, "a0000000-0000-4000-8000-000000000000"
	var lines []string
	for b.Loop() {
		dsn := benchPharmacy(b, 10_000, 10)
		s := newService(b, dsn, "umi.yaml")
		s.start()
		s.ready()
		idle := residentMemory(b, s.cmd.Process.Pid)
		s.stop()
		atLeisure(b, dsn, fmt.Sprintf("CALL bench_sell(%d, %d, 0)", rows/each, each))
		pgtest.Exec(b, dsn, "SELECT rxvigil.notify('"+a0+"', 'the_end', '{}')")
		began := time.Now()
		s.start()
		hearTheEnd(b, s, a0)
		took, peak := time.Since(began), peakMemory(b, s.cmd.Process.Pid)
		s.stop()
		pgtest.Exec(b, dsn, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
		lines = append(lines, fmt.Sprintf("%d\t%d\t%d\t%.1f\t%.0f", rows, idle>>20, peak>>20, took.Seconds(), float64(rows)/took.Seconds()))
		b.ReportMetric(0, "ns/op")
	}
	printTable("rows behind\tidle MB\tpeak MB\tseconds\trows/s", lines)
}

// hearTheEnd listens until the tenant is told that the end came, and keeps nothing of what else it is told. It listens from the engine's first
// moment on: one that is ready has told it already, and one that does not know its tenants yet ends the stream.
func hearTheEnd(b *testing.B, s *service, tenant string) {
	b.Helper()
	for over := time.Now().Add(10 * time.Minute); time.Now().Before(over); s.pause() {
		resp, err := http.Get("http://" + s.addr + "/api/tenant/" + tenant + "/stream?types=the_end")
		if err != nil {
			continue
		}
		lines, heard := bufio.NewScanner(resp.Body), false
		for !heard && lines.Scan() {
			heard = lines.Text() == "event: the_end"
		}
		_ = resp.Body.Close()
		if heard {
			return
		}
	}
	b.Fatal("the end did not come")
}
