package main

import (
	"testing"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
)

// TestAnEngineIsLiveBesideOthersThatWrite, and behind when there is something that it has not seen.
func TestAnEngineIsLiveBesideOthersThatWrite(t *testing.T) {
	t.Parallel()
	var v vitals
	v.arrive()
	v.transaction(&cdc.Transaction{Tx: rxvigil.Tx{LSN: 1}})
	v.measured(cdc.KeptWAL{Exists: true, Head: 10 * catchingUp}, 10*catchingUp-100)
	if s := v.snapshot(); s.Status != "live" || s.LagBytes != 100 {
		t.Errorf("where others wrote it is %s, %d bytes behind", s.Status, s.LagBytes)
	}
	v.measured(cdc.KeptWAL{Exists: true, Head: 20 * catchingUp}, 10*catchingUp-100)
	if s := v.snapshot(); s.Status != "catching_up" {
		t.Errorf("with much on its way it is %s", s.Status)
	}
}

// TestALagIsToldFromAPlaceThatIsKnown: an engine that boots is not behind by all WAL that was ever written.
func TestALagIsToldFromAPlaceThatIsKnown(t *testing.T) {
	t.Parallel()
	const head = 10 * catchingUp
	var v vitals
	v.set("starting")
	v.measured(cdc.KeptWAL{Exists: true, Head: head}, 0)
	v.arrive()
	if s := v.snapshot(); s.Status != "live" || s.LagBytes != 0 {
		t.Errorf("after a boot it is %s, %d bytes behind", s.Status, s.LagBytes)
	}
	v.resume(head - 5000)
	v.measured(cdc.KeptWAL{Exists: true, Head: head}, 0)
	if s := v.snapshot(); s.Status != "catching_up" || s.LagBytes != 5000 {
		t.Errorf("where it resumes it is %s, %d bytes behind", s.Status, s.LagBytes)
	}
}
