package main

import "testing"

func TestGarbageFillsTheHeapOfASmallPharmacyAndIsDearInALargeOne(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for live, want := range map[uint64][2]int{ // at ease, and thrifty
		0: {300, 300}, mb: {300, 300}, 64 * mb: {300, 50}, 100 * mb: {156, 32}, 192 * mb: {50, 20}, 256 * mb: {50, 20}, 10_000 * mb: {50, 20},
	} {
		if got := [2]int{heapPercent(live, false), heapPercent(live, true)}; got != want {
			t.Errorf("with %d MB live there may be %d %% of garbage, want %d", live/mb, got, want)
		}
	}
}

func TestThriftLastsUntilTheLastHasEnough(t *testing.T) {
	t.Setenv("GOGC", "100") // nothing is set
	var h heap
	one, other := h.thrift(), h.thrift()
	one()
	one()
	if h.thrifty != 1 {
		t.Errorf("%d ask for thrift after one of two has enough", h.thrifty)
	}
	other()
	if h.thrifty != 0 || h.percent != 0 {
		t.Errorf("%d ask for thrift after both have enough; %d %% was set although GOGC is", h.thrifty, h.percent)
	}
}
