package push_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push/auth"
)

// draw is an event drawn at random, with the roles that CONTRACTS 8 lets hear it.
type draw struct {
	event rxvigil.Event
	roles []string
}

// draws lists what may be drawn, by what decides who hears it.
func draws() []draw {
	const all = "super_admin admin "
	kinds := func(kind string) (rxvigil.EventType, string) {
		return rxvigil.AlertRaised, fmt.Sprintf(`{"id":"x","rule":%q,"kind":%q,"severity":"high","subject":{"type":"medicine","id":"m"}}`, kind, kind)
	}
	of := func(roles string) func(typ rxvigil.EventType, data string) draw {
		return func(typ rxvigil.EventType, data string) draw {
			return draw{event("", "", typ, data), strings.Fields(all + roles)}
		}
	}
	return []draw{
		of("pharmacist")(rxvigil.StockChanged, `{"id":"m","available":1}`),
		of("pharmacist")(rxvigil.MedicineUpdated, `{"id":"m","name":"M"}`),
		of("cashier")(rxvigil.SaleCompleted, `{"id":"s"}`),
		of("pharmacist")(rxvigil.PrescriptionCreated, `{"id":"p"}`),
		of("")(rxvigil.PatientRegistered, `{"id":"q"}`),
		of("pharmacist")(kinds("low_stock")),
		of("pharmacist cashier")(kinds("expired_dispense")),
		of("pharmacist")(kinds("prescription_pending")),
		of("operations")(kinds("blind")),
		of("")(kinds("a_kind_of_tomorrow")),
		of("pharmacist cashier operations")("notification", `{"message":"hello"}`),
		of("cashier")("till_opened", `{"topic":"sales"}`),
	}
}

// TestNobodyHearsWhatIsNotTheirs draws tenants, branches, roles and events at random, and listens on every transport to what was told
// before the connection and to what is told on it: nothing of another tenant, branch or role ever comes, and on the native transports
// all comes that is theirs. RXVIGIL_TEST_DRAWS says how many events are judged, RXVIGIL_TEST_SEED repeats a run.
func TestNobodyHearsWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	wanted, seed := drawn(t, "RXVIGIL_TEST_DRAWS", 10_000)
	for _, tr := range transports() {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			for judged := 0; judged < wanted; {
				guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) { judged += listen(t, b, g, tr, random) })
				if t.Failed() {
					return
				}
			}
		})
	}
}

// listen has one caller listen to forty events, half of them told before; it gives how many were judged.
func listen(t *testing.T, b *bundle, g *auth.Gate, tr transport, random *rand.Rand) (judged int) {
	t.Helper()
	role := pick(random, "super_admin", "admin", "pharmacist", "cashier", "operations")
	tenant := pick(random, abyssinia, blueNile)
	branches := pick(random, []rxvigil.Branch{"b1"}, []rxvigil.Branch{"b2"}, []rxvigil.Branch{"b1", "b3"})
	b.token = signedBy(t, g, auth.Caller{User: "u", Tenant: string(tenant), Role: role, Branches: branches}, 24*time.Hour)
	start := b.head()
	theirs := map[string]bool{} // by cursor: may be heard
	publish := func() {
		for range 20 {
			d := pick(random, draws()...)
			d.event.Tenant, d.event.Branch = pick(random, abyssinia, blueNile), pick(random, rxvigil.Branch(""), "b1", "b2", "b3")
			span := role == "super_admin" || role == "admin" || role == "operations" || d.event.Branch == ""
			theirs[b.tx(d.event)[0]] = d.event.Tenant == tenant && slices.Contains(d.roles, role) && (span || slices.Contains(branches, d.event.Branch))
		}
	}
	publish()
	v, err := tr.connect(b, string(tenant), "", start)
	if tr.name == "live_monitor" && (role == "cashier" || role == "operations") {
		if err == nil || !strings.Contains(err.Error(), "status 403") {
			t.Errorf("a %s at portal B's stream: %v", role, err)
		}
		return 40
	}
	if err != nil {
		t.Fatal(err)
	}
	defer v.cut()
	synctest.Wait()
	publish()
	heard := map[string]bool{}
	for {
		f, err := v.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.kind == "heartbeat" {
			break
		}
		if !f.event {
			continue
		}
		if heard[f.id] = true; !theirs[f.id] {
			t.Errorf("a %s of %s in %v heard %s", role, tenant, branches, f.raw)
		}
	}
	for id, may := range theirs {
		if may && !heard[id] && (tr.name == "sse" || tr.name == "websocket") {
			t.Errorf("a %s of %s in %v did not hear %s", role, tenant, branches, id)
		}
	}
	return len(theirs)
}
