package main

import (
	"fmt"
	"testing"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules"
)

// TestATransactionIsToldInPiecesAsAtOnce: each event once, in order, and the last one of each tenant is marked, wherever the pieces end.
func TestATransactionIsToldInPiecesAsAtOnce(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {3, 2}, {toldTogether, 0}, {toldTogether, 1}, {toldTogether + 5, 3 * toldTogether}} {
		e := &engine{epoch: "e1", last: map[rxvigil.Tenant]int{}, words: map[string]string{}}
		tell := telling{tx: &cdc.Transaction{Tx: rxvigil.Tx{LSN: 7}}}
		for i := range size[0] {
			tell.happened = append(tell.happened, cdc.Happening{Row: uint32(i / 20), Tenant: rxvigil.Tenant(fmt.Sprint("t", i%3)), Type: rxvigil.LotUpdated, Data: rxvigil.Custom{}})
		}
		for i := range size[1] {
			tell.transitions = append(tell.transitions, rules.Transition{Event: rxvigil.AlertRaised, Alert: &rxvigil.Alert{ID: fmt.Sprint(i), Tenant: rxvigil.Tenant(fmt.Sprint("t", i/5%3))}})
		}
		e.findLast(&tell)
		var all []rxvigil.Event
		for !tell.done() {
			some := e.nextEvents(&tell)
			if len(some) == 0 || len(some) > toldTogether {
				t.Fatalf("%v: a piece has %d events", size, len(some))
			}
			all = append(all, some...)
		}
		if len(all) != size[0]+size[1] {
			t.Errorf("%v: %d events are told", size, len(all))
		}
		last := map[rxvigil.Tenant]int{}
		for i, ev := range all {
			last[ev.Tenant] = i
			if i > 0 && ev.Pos.Compare(all[i-1].Pos) <= 0 {
				t.Errorf("%v: event %d is at %s behind %s", size, i, ev.Pos, all[i-1].Pos)
			}
			if alert, ok := ev.Data.(rxvigil.AlertChange); ok && (alert.Alert.ID != fmt.Sprint(i-size[0]) || ev.Pos.Ordinal != rxvigil.FirstTransition+uint32(i-size[0])) {
				t.Errorf("%v: event %d is of alert %s at %s", size, i, alert.Alert.ID, ev.Pos)
			}
		}
		for i, ev := range all {
			if ev.Last != (last[ev.Tenant] == i) {
				t.Errorf("%v: event %d of %s is the last: %v", size, i, ev.Tenant, ev.Last)
			}
		}
	}
}
