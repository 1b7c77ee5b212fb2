package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
)

// stocked is an engine with n lots, two to a shelf, whose ledgers add up.
func stocked(b *testing.B, n int) *Engine {
	b.Helper()
	e, err := NewEngine(Config{Pack: DefaultPack()})
	if err != nil {
		b.Fatal(err)
	}
	fold := func(r *rxvigil.Record) { e.Fold(&rxvigil.Change{After: r}) }
	for i := range n / 2 {
		medicine := benchID("c", i/2)
		if i%2 == 0 {
			fold(aMedicine(medicine, "Amoxicillin 500mg capsules", 40))
		}
		for j := range 2 {
			fold(benchLot(benchID("d", 2*i+j), i%2, medicine, "100"))
		}
	}
	return e
}

func benchID(kind string, i int) string {
	return fmt.Sprintf("%s0000000-0000-4000-8000-%012d", kind, i)
}

func benchLot(id string, branch int, medicine, onHand string) *rxvigil.Record {
	return record(rxvigil.KindLot, id, fmt.Sprintf("b%d", branch), "medicine="+medicine, "number=LOT-12", "on_hand="+onHand,
		"reserved=0", "expires=2028-01-01")
}

// BenchmarkCommit is one transaction that sells from one lot: fold, judge four kinds, report the stock.
func BenchmarkCommit(b *testing.B) {
	e := stocked(b, 100_000)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	e.JudgeAll(Input{Tx: rxvigil.Tx{LSN: 1, At: at}})
	changes := make([][]rxvigil.Change, 4096)
	for i := range changes {
		medicine, id := benchID("c", i/4), benchID("d", i)
		before := benchLot(id, i/2%2, medicine, "100")
		changes[i] = []rxvigil.Change{{Before: before, After: benchLot(id, i/2%2, medicine, fmt.Sprint(90+i%10))}}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Commit(Input{Tx: rxvigil.Tx{LSN: uint64(i + 2), At: at}, Changes: changes[i%len(changes)]})
	}
}

// BenchmarkHeldCommit is the same on a shelf with an open alert whose numbers move.
func BenchmarkHeldCommit(b *testing.B) {
	e := stocked(b, 4)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	medicine, id := benchID("c", 0), benchID("d", 0)
	e.Commit(Input{Tx: rxvigil.Tx{LSN: 1, At: at}, Changes: []rxvigil.Change{{After: benchLot(benchID("d", 1), 0, medicine, "0")}}})
	var changes [2][]rxvigil.Change
	for i := range changes {
		changes[i] = []rxvigil.Change{{After: benchLot(id, 0, medicine, fmt.Sprint(20+i))}}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.Commit(Input{Tx: rxvigil.Tx{LSN: uint64(i + 2), At: at}, Changes: changes[i%2]})
	}
}

// BenchmarkMillionSubjects reports what a million shelves with two lots each cost under the default pack: memory, the time until they are
// known and judged, a change of one of them, and a scan of all of them.
func BenchmarkMillionSubjects(b *testing.B) {
	const subjects = 1_000_000
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		e := stocked(b, 2*subjects)
		b.ReportMetric(time.Since(began).Seconds(), "s/fold")
		began = time.Now()
		e.JudgeAll(Input{Tx: rxvigil.Tx{LSN: 1, At: at}})
		b.ReportMetric(time.Since(began).Seconds(), "s/judge-all")
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/subjects, "B/subject")
		const changes = 200_000
		var took time.Duration
		for i := range changes { // each has just been read, as in a stream
			n := i * 7919 % (2 * subjects)
			medicine, id := benchID("c", n/4), benchID("d", n)
			change := []rxvigil.Change{{Before: benchLot(id, n/2%2, medicine, "100"), After: benchLot(id, n/2%2, medicine, fmt.Sprint(90+i%10))}}
			began = time.Now()
			e.Commit(Input{Tx: rxvigil.Tx{LSN: uint64(i + 2), At: at}, Changes: change})
			took += time.Since(began)
		}
		b.ReportMetric(float64(took.Nanoseconds())/changes, "ns/change")
		began = time.Now()
		e.Commit(Input{Tx: rxvigil.Tx{LSN: changes + 2, At: at}, Commands: []Command{{Op: RunTick, Tenant: "t", Tick: Tick{Scan: "daily", Tenant: "t", Wall: "2026-11-23T06:00"}}}})
		b.ReportMetric(time.Since(began).Seconds(), "s/scan")
		b.ReportMetric(0, "ns/op")
	}
}
