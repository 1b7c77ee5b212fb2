package push_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// BenchmarkFanOut publishes events to viewers on loopback sockets and waits until each has read all of them. The clients
// run in the same process, so a delivery's cost here is both ends'.
func BenchmarkFanOut(b *testing.B) {
	const viewers = 200
	for name, burst := range map[string]int{"single": 1, "burst10": 10} {
		b.Run(name, func(b *testing.B) {
			log, url := serveLoopback(b)
			var read atomic.Int64
			all := make(chan struct{}, 1)
			due := int64(0)
			for range viewers {
				go countEvents(url, func() {
					if n := read.Add(1); n == atomic.LoadInt64(&due) {
						all <- struct{}{}
					}
				})
			}
			waitFor(b, viewers, url)
			lsn := uint64(1000)
			b.ResetTimer()
			for b.Loop() {
				atomic.AddInt64(&due, int64(viewers*burst))
				for range burst {
					lsn += 8
					e := sold(abyssinia, "b1", "m1", 10, 9)
					e.Pos, e.At = rxvigil.Position{Epoch: "e1", LSN: lsn}, time.Now()
					log.Publish(push.Entry{LSN: lsn, Events: []*push.Event{push.NewEvent(&e)}})
				}
				<-all
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*viewers*burst), "µs/delivery")
		})
	}
}

func serveLoopback(b testing.TB) (*push.Log, string) {
	b.Helper()
	w := newWorld()
	log := push.NewLog(push.LogOptions{}, nil)
	log.Start("e1", rxvigil.EndOf("e1", 1000), rxvigil.EndOf("e1", 1000))
	server, err := push.NewServer(push.Options{
		Log: log, Directory: w, Shelf: w, Dispensary: w, RuleBook: w, Alerts: w, Thresholds: w, Commander: w, Vitals: w, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Drain: time.Millisecond,
	})
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx, ln) }()
	b.Cleanup(func() { cancel(); <-ended })
	return log, "http://" + ln.Addr().String()
}

// countEvents reads a stream to its end and calls event at each event.
func countEvents(url string, event func()) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url + "/api/tenant/abyssinia/stream?topics=inventory")
	if err != nil {
		return
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewReader(res.Body)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(string(line), "event: stock") {
			event()
		}
	}
}

// waitFor returns when so many viewers are connected.
func waitFor(b *testing.B, viewers int, url string) {
	b.Helper()
	for {
		res, err := http.Get(url + "/api/tenant/abyssinia/stats")
		if err != nil {
			b.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if strings.Contains(string(body), `"sse":`+strconv.Itoa(viewers)) {
			return
		}
	}
}
