package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// BenchmarkLatency commits a thousand transactions of one row a second, with synchronous_commit on, and reports how long
// after the commit's time each viewer has the frame in hand. The engine is the real binary; viewers, app and Postgres share
// its machine. An event's commit time is taken before the server writes its WAL, so the app's own wait is part of the figure.
func BenchmarkLatency(b *testing.B) {
	const lots, tenants = 10_000, 100
	dsn := benchPharmacy(b, lots, tenants)
	s := newService(b, dsn, "umi.yaml")
	s.start()
	s.ready()
	var lines []string
	for _, c := range []struct {
		name          string
		busy, watched int // tenants that sell, and how many of them are looked at
		each          int // viewers a tenant
	}{
		{"1 viewer, all rows", 1, 1, 1},
		{"200 viewers, a tenth of the rows", 10, 1, 200},
		{"1000 viewers, ten a tenant", 100, 100, 10},
	} {
		b.Run(c.name, func(b *testing.B) {
			var all []time.Duration
			for b.Loop() {
				const d = 5 * time.Second
				due := int(d/time.Millisecond) * c.watched / c.busy * c.each
				a := watchAll(b, s.addr, c.watched, c.each, due)
				late := sellSteadily(b, dsn, lots, tenants, c.busy, d)
				seen := a.leave()
				if len(seen) != due {
					b.Errorf("%d deliveries, want %d", len(seen), due)
				}
				all = append(all, seen...)
				if late > 0.01 {
					b.Logf("the app itself was late for %.0f %% of its sales", 100*late)
				}
			}
			slices.Sort(all)
			at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1e3 }
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(at(.5), "p50-ms")
			b.ReportMetric(at(.99), "p99-ms")
			b.ReportMetric(at(1), "max-ms")
			lines = append(lines, fmt.Sprintf("%s\t%d\t%.2f\t%.2f\t%.1f", c.name, len(all), at(.5), at(.99), at(1)))
		})
	}
	printTable("commit to viewer, 1000 rows/s\tdeliveries\tp50 ms\tp99 ms\tmax ms", lines)
}

// sellSteadily sells one row a millisecond from lots of the first tenants, and tells which part of the sales began more
// than five milliseconds late.
func sellSteadily(b *testing.B, dsn string, lots, tenants, busy int, d time.Duration) (late float64) {
	b.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	// Each sale changes the stock, however often a lot is sold from: what changes nothing is told to nobody.
	const sale = `
UPDATE inventory SET quantity_on_hand = quantity_on_hand + CASE quantity_on_hand % 2 WHEN 0 THEN 1 ELSE -1 END, last_stock_update = now()
WHERE id = bench_id('d', $1)`
	began, total := time.Now(), int(d/time.Millisecond)
	for n := range total {
		due := began.Add(time.Duration(n) * time.Millisecond)
		time.Sleep(time.Until(due)) // the pace is what is measured at
		if time.Since(due) > 5*time.Millisecond {
			late++
		}
		medicine := n*7919%(lots/4)/tenants*tenants + n%busy
		if _, err := conn.Exec(ctx, sale, 4*medicine+n/busy%4); err != nil {
			b.Fatal(err)
		}
	}
	return late / float64(total)
}

// audience is many viewers over plain SSE.
type audience struct {
	conns []net.Conn
	done  sync.WaitGroup
	due   atomic.Int64
	all   chan struct{} // closed when everything due was seen
	mu    sync.Mutex
	seen  []time.Duration
}

func watchAll(b *testing.B, addr string, tenants, each, due int) *audience {
	b.Helper()
	a := &audience{all: make(chan struct{})}
	a.due.Store(int64(due))
	for n := range tenants * each {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		a.conns = append(a.conns, conn)
		tenant := fmt.Sprintf("a0000000-0000-4000-8000-%012d", n/each)
		_, err = fmt.Fprintf(conn, "GET /api/tenant/%s/stream HTTP/1.1\r\nHost: %s\r\n\r\n", tenant, addr)
		if err != nil {
			b.Fatal(err)
		}
		r := bufio.NewReaderSize(conn, 8<<10)
		if _, err := readUntil(r, "event: connection_established"); err != nil {
			b.Fatal(err)
		}
		a.done.Go(func() { a.read(r) }) // ends with its connection
	}
	return a
}

func readUntil(r *bufio.Reader, prefix string) ([]byte, error) {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil || bytes.HasPrefix(line, []byte(prefix)) {
			return line, err
		}
	}
}

// read notes the age of each event about stock as it comes in.
func (a *audience) read(r *bufio.Reader) {
	var ages []time.Duration
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen = append(a.seen, ages...)
	}()
	for {
		if _, err := readUntil(r, "event: stock_level_changed"); err != nil {
			return
		}
		line, err := readUntil(r, "data: ")
		if err != nil {
			return
		}
		_, at, _ := bytes.Cut(line, []byte(`"at":"`))
		at, _, _ = bytes.Cut(at, []byte(`"`))
		if t, err := time.Parse(time.RFC3339Nano, string(at)); err == nil {
			ages = append(ages, time.Since(t))
		}
		if a.due.Add(-1) == 0 {
			close(a.all)
		}
	}
}

// leave waits for what is due, ends all connections, and gives what was seen.
func (a *audience) leave() []time.Duration {
	select {
	case <-a.all:
	case <-time.After(10 * time.Second):
	}
	for _, c := range a.conns {
		_ = c.Close()
	}
	a.done.Wait()
	return a.seen
}
