package push_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/auth"
)

// somebody is a personal value that some may see.
const somebody = "Abebech Gobena"

// personal is an event about somebody, or about something that belongs to somebody.
func personal(kind rxvigil.Kind, typ rxvigil.EventType) rxvigil.Event {
	schema := rxvigil.NewSchema(kind, rxvigil.Field{Name: "customer", Personal: true})
	record := func(name string) *rxvigil.Record {
		r := &rxvigil.Record{Schema: schema, Tenant: abyssinia, ID: "x1", Values: make([]rxvigil.Value, len(schema.Fields))}
		r.Values[schema.Index("customer")] = rxvigil.TextOf(name)
		return r
	}
	return rxvigil.Event{
		Type: typ, Tenant: abyssinia, Data: rxvigil.EntityChange{Record: record(somebody), Before: record("before " + somebody), Changed: []int{schema.Index("customer")}},
	}
}

// TestPersonalValuesReachOnlyThoseToWhomTheyAreGranted, on every transport and in each format, from memory and from the archive. Where
// nobody is asked who they are they reach nobody.
func TestPersonalValuesReachOnlyThoseToWhomTheyAreGranted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		role  string
		event rxvigil.Event
		seen  bool
	}{
		{"admin", personal(rxvigil.KindPatient, rxvigil.PatientUpdated), true},
		{"pharmacist", personal(rxvigil.KindPrescription, rxvigil.PrescriptionUpdated), true},
		{"pharmacist", personal(rxvigil.KindMedicine, rxvigil.MedicineUpdated), true},
		{"cashier", personal(rxvigil.KindSale, rxvigil.SaleUpdated), false},
		{"", personal(rxvigil.KindPatient, rxvigil.PatientUpdated), false},
	} {
		for _, tr := range transports() {
			for _, format := range []string{"", "&format=cloudevents"} {
				if format != "" && tr.name != "sse" || tr.name == "live_monitor" && c.event.Type != rxvigil.MedicineUpdated {
					continue
				}
				name := strings.Join([]string{c.role, string(c.event.Type), tr.name, format}, "/")
				story := func(t *testing.T, b *bundle) {
					before := b.head()
					b.tx(c.event)
					b.tx(c.event)
					v, err := tr.connect(b, "testpharmacy", strings.TrimPrefix(format, "&"), before)
					if err != nil {
						t.Fatal(err)
					}
					defer v.cut()
					for range 2 { // the second from the log in memory, where that holds one
						if f := awaitEvent(t, v); strings.Contains(f.raw, somebody) != c.seen {
							t.Errorf("told %s", f.raw)
						}
					}
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					if c.role == "" {
						inBubble(t, 1, story)
						return
					}
					guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
						b.token = signed(t, g, c.role, time.Hour, "b1")
						story(t, b)
					})
				})
			}
		}
	}
}
