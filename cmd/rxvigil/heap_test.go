package main

import "testing"

func TestGarbageFillsTheHeapOfASmallPharmacyAndIsDearInALargeOne(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for live, want := range map[uint64]int{0: 300, mb: 300, 64 * mb: 300, 100 * mb: 156, 192 * mb: 33, 256 * mb: 33, 10_000 * mb: 33} {
		if got := heapPercent(live); got != want {
			t.Errorf("with %d MB live there may be %d %% of garbage, want %d", live/mb, got, want)
		}
	}
}
