package push_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rxvigil/rxvigil"
)

// TestNothingForeignIsEverTold asks with random filters, live and from the start of the log, over every transport, and
// looks at each event: its tenant is the one asked for, its branch and topic are among those asked for, and none is missing.
func TestNothingForeignIsEverTold(t *testing.T) {
	for _, tr := range transports() {
		for seed := range uint64(25) {
			t.Run(fmt.Sprintf("%s/seed %d", tr.name, seed), func(t *testing.T) {
				inBubble(t, 4000, func(t *testing.T, b *bundle) { askAtRandom(b, tr, rand.New(rand.NewPCG(seed, 3))) })
			})
		}
	}
}

func askAtRandom(b *bundle, tr transport, r *rand.Rand) {
	w := wish{tenant: pick(r, abyssinia, blueNile), branch: pick(r, rxvigil.Branch(""), "b1", "b2")}
	if r.IntN(2) == 0 {
		w.topics = []rxvigil.Topic{pick(r, rxvigil.Sales, rxvigil.Inventory), rxvigil.Patients}
	}
	if tr.name == "live_monitor" {
		w.branch, w.topics = "", []rxvigil.Topic{rxvigil.Inventory}
	}
	start := rxvigil.EndOf("e1", b.lsn).String()
	want := w.publish(b, r)
	v, err := tr.connect(b, string(w.tenant), w.query(), start)
	if err != nil {
		b.t.Fatal(err)
	}
	defer v.cut()
	awaitKind(b.t, v, "connection_established")
	want = append(want, w.publish(b, r)...)
	for _, id := range want {
		f := awaitEvent(b.t, v)
		if f.id != id {
			b.t.Fatalf("got %s, want the event %s", f.raw, id)
		}
		if strings.Contains(f.raw, "secret of") && !strings.Contains(f.raw, "secret of "+string(w.tenant)) {
			b.t.Fatalf("%s was told: %s", w.tenant, f.raw)
		}
	}
	b.tx(w.admitted())
	if f := awaitEvent(b.t, v); f.id != rxvigil.EndOf("e1", b.lsn).String()[:20]+"00000000" {
		b.t.Errorf("something foreign came before the last event: %s", f.raw)
	}
}

// wish is what a viewer asks for.
type wish struct {
	tenant rxvigil.Tenant
	branch rxvigil.Branch
	topics []rxvigil.Topic
}

func (w wish) query() string {
	var q strings.Builder
	q.WriteString("branch=" + string(w.branch))
	for i, t := range w.topics {
		q.WriteString(map[bool]string{true: "&topics=", false: ","}[i == 0] + string(t))
	}
	return q.String()
}

func (w wish) admits(e rxvigil.Event) bool {
	return e.Tenant == w.tenant && (w.branch == "" || e.Branch == "" || e.Branch == w.branch) &&
		(len(w.topics) == 0 || slices.Contains(w.topics, e.Type.Topic()))
}

// admitted is an event that any wish for its tenant admits but for the topic, which is the wish's first.
func (w wish) admitted() rxvigil.Event {
	if len(w.topics) > 0 && w.topics[0] == rxvigil.Sales {
		return event(w.tenant, w.branch, rxvigil.SaleCreated, `{"id":"last"}`)
	}
	return sold(w.tenant, w.branch, "last", 2, 1)
}

// publish publishes events of everyone and gives the ids of those the wish admits.
func (w wish) publish(b *bundle, r *rand.Rand) (want []string) {
	for i := range 40 {
		var events []rxvigil.Event
		for j := range r.IntN(6) {
			t := pick(r, abyssinia, blueNile, "third")
			typ := pick(r, rxvigil.StockChanged, rxvigil.SaleCreated, rxvigil.PatientRegistered)
			data := fmt.Sprintf(`{"id":"m%d-%d","name":"secret of %s","before":{},"after":{"available":1}}`, b.lsn, i*10+j, t)
			events = append(events, event(t, pick(r, "", rxvigil.Branch("b1"), "b2"), typ, data))
		}
		for j, id := range b.tx(events...) {
			if w.admits(events[j]) {
				want = append(want, id)
			}
		}
	}
	return want
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
