package push_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/push/auth"
)

// Where there are as many connections as there may be, the next is sent away with a time to come back, whatever it speaks; and let in
// once another has gone.
func TestNoMoreConnectionsThanThereMayBe(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]push.Limits{
		"connections": {Connections: 2}, "tenant": {PerTenant: 2}, "user": {PerUser: 2}, "address": {PerAddress: 2},
	} {
		for _, tr := range transports() {
			t.Run(name+"/"+tr.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					g, err := auth.NewGate(t.Context(), auth.Config{Secret: strings.Repeat("s", 32)})
					if err != nil {
						t.Fatal(err)
					}
					b := setup(t, 1<<20, func(o *push.Options) { o.Gate, o.Limits = g, limits })
					b.start()
					defer b.close()
					b.token = signed(t, g, "admin", time.Hour)
					var first viewer
					for i := range 2 {
						v, err := tr.connect(b, "testpharmacy", "", b.head())
						if err == nil {
							_, err = v.next()
						}
						if err != nil {
							t.Fatalf("connection %d: %v", i+1, err)
						}
						defer v.cut()
						first = v
					}
					if err := third(b, tr); err == nil {
						t.Fatal("a third connection was let in")
					}
					counted, _, err := b.ask(http.MethodGet, "http://localhost:8080/metrics", "")
					if want := fmt.Sprintf("rxvigil_connections_refused_total{limit=%q} 1", name); err != nil || !strings.Contains(counted, want) {
						t.Errorf("the metrics lack %s", want)
					}
					first.cut()
					synctest.Wait()
					time.Sleep(20 * time.Second) // a poller is gone when it has not come back
					if err := third(b, tr); err != nil {
						t.Errorf("after one has gone: %v", err)
					}
				})
			})
		}
	}
}

// third connects and is told something, or is not.
func third(b *bundle, tr transport) error {
	v, err := tr.connect(b, "testpharmacy", "", b.head())
	if err != nil {
		return err
	}
	defer v.cut()
	f, err := v.next()
	if err == nil && f.kind == "" {
		err = errors.New("nothing was told")
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("sent away: %w", err)
	}
	return err
}
