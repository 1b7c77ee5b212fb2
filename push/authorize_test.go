package push_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
)

// employed is what the app says of its people.
type employed struct {
	mu     sync.Mutex
	people map[string]push.Person
}

func (e *employed) Person(t rxvigil.Tenant, user string) (push.Person, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.people[string(t)+"/"+user]
	return p, ok
}

func (e *employed) say(t rxvigil.Tenant, user string, p push.Person) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.people[string(t)+"/"+user] = p
}

// employing runs a test with a server in a bubble that asks who calls, and an app that has its own word on that.
func employing(t *testing.T, ringBytes int, test func(*testing.T, *bundle, *auth.Gate, *employed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g, err := auth.NewGate(t.Context(), auth.Config{Secret: strings.Repeat("s", 32)})
		if err != nil {
			t.Fatal(err)
		}
		app := &employed{people: map[string]push.Person{}}
		b := setup(t, ringBytes, func(o *push.Options) { o.Gate, o.Staff = g, app })
		b.start()
		defer b.close()
		test(t, b, g, app)
	})
}

// TestTheAppsOwnWordOnAUserHoldsAtOnce, on open connections of every transport and on new ones: another branch, another role, and the
// end of an account.
func TestTheAppsOwnWordOnAUserHoldsAtOnce(t *testing.T) {
	t.Parallel()
	for _, tr := range transports() {
		if tr.name == "live_monitor" {
			continue // sees what pharmacists see; its rights are the stream's
		}
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			employing(t, 1<<20, func(t *testing.T, b *bundle, g *auth.Gate, app *employed) {
				b.token = signedBy(t, g, auth.Caller{User: "sara", Tenant: string(abyssinia), Role: "pharmacist", Branches: []rxvigil.Branch{"b1"}}, 24*time.Hour)
				v, err := tr.connect(b, "testpharmacy", "", b.head())
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				tell := func() map[string]string { // ids by branch and topic
					return map[string]string{
						"b1 stock": b.tx(sold(abyssinia, "b1", "m1", 9, 8))[0], "b2 stock": b.tx(sold(abyssinia, "b2", "m1", 9, 8))[0],
						"b2 sale": b.tx(event(abyssinia, "b2", rxvigil.SaleCompleted, `{"id":"s"}`))[0],
					}
				}
				hears := func(what string, ids map[string]string, want string) {
					t.Helper()
					f := awaitEvent(t, v)
					synctest.Wait() // what else was told has been judged by the rights of now
					if f.id != ids[want] {
						t.Errorf("%s: heard %s, want %s", what, f.raw, want)
					}
				}
				synctest.Wait()
				hears("at first", tell(), "b1 stock")

				app.say(abyssinia, "sara", push.Person{Active: true, Branch: "b2"})
				b.server.Reauthorize()
				synctest.Wait()
				if f := awaitKind(t, v, "resync"); !strings.Contains(f.raw, push.RightsChanged) {
					t.Errorf("told %s", f.raw)
				}
				hears("in another branch", tell(), "b2 stock")

				app.say(abyssinia, "sara", push.Person{Active: true, Branch: "b2", Role: "Cashier"})
				b.server.Reauthorize()
				synctest.Wait()
				awaitKind(t, v, "resync")
				hears("as a cashier", tell(), "b2 sale")
				if status, body, _ := b.knock("GET /api/tenant/testpharmacy/stock"); status != http.StatusForbidden {
					t.Errorf("a cashier's stock: %d %s", status, body)
				}

				b.server.Reauthorize() // nothing has changed: nobody is told anything
				app.say(abyssinia, "somebody else", push.Person{})
				b.server.Reauthorize()
				hears("as before", tell(), "b2 sale")

				app.say(abyssinia, "sara", push.Person{Role: "Cashier"})
				b.server.Reauthorize()
				synctest.Wait()
				for err = nil; err == nil; { // a goodbye and the end; a poller's next is refused
					_, err = v.next()
				}
				if status, body, _ := b.knock("GET /api/tenant/testpharmacy/alerts"); status != http.StatusUnauthorized || !strings.Contains(body, "closed this account") {
					t.Errorf("afterwards: %d %s", status, body)
				}
				if all, _, err := b.ask(http.MethodGet, "http://localhost:8080/metrics", ""); err != nil || !strings.Contains(all, `rxvigil_auth_failures_total{reason="inactive"}`) {
					t.Errorf("it was not counted: %v", err)
				}
			})
		})
	}
}
