package main

import (
	"testing"

	"github.com/rxvigil/rxvigil/cdc"
)

// TestAnEngineIsLiveBesideOthersThatWrite, and behind when there is something that it has not seen.
func TestAnEngineIsLiveBesideOthersThatWrite(t *testing.T) {
	t.Parallel()
	var v vitals
	v.arrive()
	v.transaction(&cdc.Transaction{})
	v.measured(cdc.KeptWAL{Exists: true, Head: 10 * catchingUp}, 10*catchingUp-100)
	if s := v.snapshot(); s.Status != "live" || s.LagBytes != 100 {
		t.Errorf("where others wrote it is %s, %d bytes behind", s.Status, s.LagBytes)
	}
	v.measured(cdc.KeptWAL{Exists: true, Head: 20 * catchingUp}, 10*catchingUp-100)
	if s := v.snapshot(); s.Status != "catching_up" {
		t.Errorf("with much on its way it is %s", s.Status)
	}
}
