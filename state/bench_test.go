package state

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// BenchmarkGroup is what the disk has to do with rows of busy lots: read an image, write it, and keep an entry that tells of it,
// in groups as an engine makes them while it reads a backlog. CPU is that of the whole process: flushes and compactions too.
func BenchmarkGroup(b *testing.B) {
	const lots, rows = 10_000, 1_000 // rows of a group
	for _, each := range []int{10, 1} {
		b.Run(fmt.Sprintf("%d-row", each), func(b *testing.B) {
			s, _ := setup(b)
			key := func(n int) []byte { return fmt.Appendf(nil, "i\x00\x03d0000000-0000-4000-8000-%012d", n) }
			image := make([]byte, 200)
			for n := range lots {
				must(b, s.PutImage(key(n), image))
			}
			must(b, s.Commit())
			entry := make([]byte, 0, 1<<14)
			before, lsn := cpuTime(b), uint64(1)
			for b.Loop() {
				for range rows / each {
					entry = entry[:0]
					for range each {
						n := rand.IntN(lots)
						old, _, err := s.Image(key(n))
						must(b, err)
						image = append(image[:0], old...)
						image[n%len(image)]++
						must(b, s.PutImage(key(n), image))
						entry = fmt.Appendf(entry, envelope, lsn, n, n, n%10, n%20, n%100, n%77, n%100, n%77)
					}
					lsn++
					must(b, s.Append(lsn, day(0).Add(time.Duration(lsn)), entry))
					s.Advance(lsn, day(0), day(0), day(0))
				}
				must(b, s.Commit())
			}
			b.ReportMetric(float64(cpuTime(b)-before)/1e3/rows/float64(b.N), "cpu-µs/row")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const envelope = `{"id":"4f0c1b2a.%016X.%08X","type":"stock_level_changed","topic":"inventory","tenant":"a0000000-0000-4000-8000-%012d",` +
	`"branch":"b0000000-0000-4000-8000-%012d","at":"2026-11-22T07:40:12.123456Z","xid":"734","last":true,"data":{"id":"c0000000-0000-4000-8000-%012d",` +
	`"name":"Amoxicillin capsules 12","reorder_level":99,"on_hand":%d,"reserved":0,"available":%d,"changed":["on_hand","available"],` +
	`"before":{"on_hand":%d,"reserved":0,"available":%d},"after":{"on_hand":12,"reserved":0,"available":12}}}`

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
