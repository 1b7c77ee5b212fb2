package push_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

func TestEventsOfATransactionAreEncodedAsOneByOne(t *testing.T) {
	t.Parallel()
	var events []rxvigil.Event
	for i := range 3 {
		e := sold(abyssinia, "b1", "m1", 10, 9)
		e.Pos, e.At = rxvigil.Position{Epoch: "e1", LSN: 7, Ordinal: uint32(i)}, time.Unix(1, 0)
		events = append(events, e)
	}
	events[1].Type, events[1].Data = "rubbish", rxvigil.Custom{JSON: []byte("{\"a\":\n1}")}
	all := push.NewEvents(events)
	for i := range events {
		if diff := cmp.Diff(all[i], push.NewEvent(&events[i]), cmpopts.IgnoreUnexported(push.Event{})); diff != "" {
			t.Errorf("event %d (-got +want):\n%s", i, diff)
		}
	}
	before := bytes.Clone(all[1].JSON)
	_ = append(all[0].JSON, "overrun"...)
	if !bytes.Equal(all[1].JSON, before) {
		t.Error("appending to one event writes into the next")
	}
}
