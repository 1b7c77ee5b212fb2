package push_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
)

// TestWhoMaySeeAnyTenantHearsAllOfThemAtOnce, each in its place in the one order of commits, and resumes; for everybody else there is no
// such tenant, and who loses the role loses the connection.
func TestWhoMaySeeAnyTenantHearsAllOfThemAtOnce(t *testing.T) {
	t.Parallel()
	for _, tr := range transports()[:2] { // the native ones
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			employing(t, 2000, func(t *testing.T, b *bundle, g *auth.Gate, app *employed) {
				b.token = signedBy(t, g, auth.Caller{User: "root", Role: "super_admin"}, 24*time.Hour)
				from := b.head()
				var want []string
				tell := func() {
					for range 5 {
						want = append(want, b.tx(sold(blueNile, "", "m9", 9, 8), sold(abyssinia, "b1", "m1", 9, 8), sold(blueNile, "b7", "m9", 8, 7))...)
						want = append(want, b.tx(sold(abyssinia, "b2", "m1", 9, 8))...)
						b.tx()
					}
				}
				tell()
				for range 3 {
					v, err := tr.connect(b, "*", "", from)
					if err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
					tell()
					for range 10 {
						f := awaitEvent(t, v)
						if f.id != want[0] {
							t.Fatalf("heard %s, want %s", f.raw, want[0])
						}
						from, want = want[0], want[1:]
					}
					v.cut()
				}
				v, err := tr.connect(b, "*", "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer v.cut()
				synctest.Wait()
				b.log.Stale(time.Now(), "out of sight")
				awaitKind(t, v, "stale")
				app.say("", "root", push.Person{Active: true, Role: "admin"})
				b.server.Reauthorize()
				awaitKind(t, v, "bye")
			})
		})
	}
	guarded(t, func(t *testing.T, b *bundle, g *auth.Gate) {
		b.token = signed(t, g, "admin", time.Hour)
		for _, door := range []string{"/stream", "/ws", "/alerts", "/medicines/live-monitor"} {
			status, body, _ := b.knock("GET /api/tenant/*" + door)
			if nowhere, nothing, _ := b.knock("GET /api/tenant/nowhere" + door); status != http.StatusNotFound || status != nowhere || body != nothing {
				t.Errorf("an admin at %s: %d %s", door, status, body)
			}
		}
	})
	inBubble(t, 0, func(t *testing.T, b *bundle) { // where nobody is asked who they are
		if status, body, _ := b.knock("GET /api/tenant/*/stream"); status != http.StatusNotFound {
			t.Errorf("nobody in particular: %d %s", status, body)
		}
	})
}
