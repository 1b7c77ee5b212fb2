package main

import "testing"

func TestGarbageFillsTheHeapOfASmallPharmacyAndIsDearInALargeOne(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	for live, want := range map[uint64][3]int{ // at ease, at a start, in a large transaction
		0: {300, 300, 300}, mb: {300, 300, 300}, 50 * mb: {300, 64, 32}, 104 * mb: {100, 30, 15}, 192 * mb: {40, 20, 10}, 10_000 * mb: {40, 20, 10},
	} {
		if got := [3]int{heapPercent(live, thrift{}), heapPercent(live, thriftyBoot), heapPercent(live, thriftyLarge)}; got != want {
			t.Errorf("with %d MB live there may be %d %% of garbage, want %d", live/mb, got, want)
		}
	}
}

func TestWhoeverSetsTheCollectorIsNotOverruled(t *testing.T) {
	t.Setenv("GOGC", "100")
	var h heap
	enough := h.save(thriftyLarge)
	if h.least() != thriftyLarge || h.percent != 0 {
		t.Errorf("thrift is %v, and %d %% was set although GOGC is", h.least(), h.percent)
	}
	if enough(); h.least() != (thrift{}) {
		t.Errorf("after it has enough thrift is %v", h.least())
	}
}

func TestTheThriftiestOfThoseWhoAskCounts(t *testing.T) {
	t.Setenv("GOGC", "100")
	var h heap
	started := h.save(thriftyBoot)
	judged := h.save(thriftyLarge)
	again := h.save(thriftyBoot)
	for i, step := range []struct {
		then func()
		want thrift
	}{{func() {}, thriftyLarge}, {judged, thriftyBoot}, {started, thriftyBoot}, {again, thrift{}}, {again, thrift{}}} {
		if step.then(); h.least() != step.want {
			t.Errorf("step %d: thrift is %v, want %v", i, h.least(), step.want)
		}
	}
}
