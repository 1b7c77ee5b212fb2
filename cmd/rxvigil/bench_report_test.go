package main

import (
	"fmt"
	"slices"
	"testing"
)

const drainHead = "socket\trows/tx\tclient\trows/s\tof raw\tof pg_recvlogical\tCPU µs/row\tof raw\tof pg_recvlogical\tallocs/row\tB/row\talerts/1000 rows"

// median is the median of a figure of each run.
func median(runs []spent, figure func(spent) float64) float64 {
	return middle(len(runs), func(i int) float64 { return figure(runs[i]) })
}

// ratio is the median of a figure beside that of another client on the same backlog: what else the machine did then, it did
// to both.
func ratio(runs, others []spent, figure func(spent) float64) float64 {
	return middle(len(runs), func(i int) float64 { return figure(runs[i]) / figure(others[i]) })
}

func middle(n int, at func(int) float64) float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = at(i)
	}
	slices.Sort(all)
	return all[n/2]
}

// reportDrain gives a line of the table for each client; server, the runs of pg_recvlogical, may be empty.
func reportDrain(b *testing.B, which string, raw, server, ours []spent) []string {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(raw, spent.rate), "raw-rows/s")
	b.ReportMetric(median(ours, spent.rate), "rows/s")
	b.ReportMetric(ratio(ours, raw, spent.rate), "of-raw")
	b.ReportMetric(median(raw, spent.perRow), "raw-cpu-µs/row")
	b.ReportMetric(median(ours, spent.perRow), "cpu-µs/row")
	b.ReportMetric(ratio(ours, raw, spent.perRow), "times-raw-cpu")
	b.ReportMetric(median(ours, spent.allocsPerRow), "allocs/row")

	lines := []string{which + "\traw read\t" + beside(raw, raw, server) + "\t-\t-\t-"}
	if len(server) > 0 {
		lines = append(lines, which+"\tpg_recvlogical\t"+beside(server, raw, server)+"\t-\t-\t-")
	}
	last := ours[len(ours)-1]
	return append(lines, fmt.Sprintf("%s\tengine\t%s\t%.1f\t%.0f\t%.1f", which, beside(ours, raw, server),
		median(ours, spent.allocsPerRow), float64(last.bytes)/float64(last.rows), 1000*float64(last.moved)/float64(last.rows)))
}

// beside is how fast one client was and what CPU it took, each beside the two that only read.
func beside(runs, raw, server []spent) string {
	figures := func(f func(spent) float64, format string) string {
		s := fmt.Sprintf(format+"\t%.2f\t", median(runs, f), ratio(runs, raw, f))
		if len(server) == 0 {
			return s + "-"
		}
		return s + fmt.Sprintf("%.2f", ratio(runs, server, f))
	}
	return figures(spent.rate, "%.0f") + "\t" + figures(spent.perRow, "%.1f")
}
