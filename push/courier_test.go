package push_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/push"
)

// letterbox is a receiver that can be shut. It is also the courier's book.
type letterbox struct {
	mu        sync.Mutex
	shut      error
	got       []string
	tries     []time.Time
	dead      []string
	positions map[rxvigil.Tenant]string
}

func (b *letterbox) Deliver(_ context.Context, l push.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries = append(b.tries, time.Now())
	if b.shut == nil {
		text := string(l.Type)
		if l.Alert != nil {
			text += " " + l.Alert.ID
		}
		b.got = append(b.got, text)
	}
	return b.shut
}

func (b *letterbox) Positions(context.Context, string) (map[rxvigil.Tenant]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := map[rxvigil.Tenant]string{}
	maps.Copy(kept, b.positions)
	return kept, nil
}

func (b *letterbox) KeepPosition(_ context.Context, _ string, t rxvigil.Tenant, cursor string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.positions[t] = cursor
	return nil
}

func (b *letterbox) Bury(_ context.Context, _, id string, _ rxvigil.Tenant, _ string, _ []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dead = append(b.dead, id)
	return nil
}

// take gives what arrived since the last time, and opens or shuts the box.
func (b *letterbox) take(shut error) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got, b.shut = nil, shut
	return got
}

// employ runs a courier until the function it gives is called.
func (b *bundle) employ(box *letterbox, o push.CourierOptions) (dismiss func()) {
	c := &push.Courier{
		CourierOptions: o, Log: b.log, Alerts: b.world, Book: box, Receiver: box,
		Metrics: push.NewCourierMetrics(prometheus.NewRegistry()), Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Tenants: func() []rxvigil.Tenant {
			var all []rxvigil.Tenant
			for _, t := range b.world.Tenants() {
				all = append(all, t.ID)
			}
			return all
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	}
}

func newLetterbox() *letterbox { return &letterbox{positions: map[rxvigil.Tenant]string{}} }

// transition is a step of an alert.
func transition(t rxvigil.Tenant, event rxvigil.EventType, a rxvigil.Alert) rxvigil.Event {
	a.Tenant = t
	return rxvigil.Event{Type: event, Tenant: t, Branch: a.Branch, Data: rxvigil.AlertChange{Alert: &a}}
}

// settled lets the courier do all it can do now.
func settled() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func want(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestACourierCarriesAlertsInOrderAndNothingTwiceAcrossARestart(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		b.tx(transition(abyssinia, rxvigil.AlertRaised, lowStock("old", 1)))
		dismiss := b.employ(box, push.CourierOptions{Name: "mail"})
		settled()
		want(t, "old news", box.take(nil))
		b.tx(sold(abyssinia, "b1", "m1", 50, 10), transition(abyssinia, rxvigil.AlertRaised, lowStock("m1", 10)))
		b.tx(transition(blueNile, rxvigil.AlertRaised, lowStock("m2", 3)))
		settled()
		want(t, "while it runs", box.take(nil), "alert_raised low-m1", "alert_raised low-m2")
		dismiss()
		b.tx(transition(abyssinia, rxvigil.AlertResolved, lowStock("m1", 90)))
		dismiss = b.employ(box, push.CourierOptions{Name: "mail"})
		settled()
		want(t, "after a restart", box.take(nil), "alert_resolved low-m1")
		dismiss()
	})
}

func TestATenantThatComesLaterIsCarriedFromItsBeginning(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		dismiss := b.employ(box, push.CourierOptions{Name: "mail"})
		defer dismiss()
		settled()
		b.world.found("new")
		b.tx(transition("new", rxvigil.AlertRaised, lowStock("m1", 10)))
		settled()
		want(t, "of the new tenant", box.take(nil), "alert_raised low-m1")
	})
}

func TestALineStandsWhileNobodyAnswersAndThenGoesOnInOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		box.shut = errors.New("connection refused")
		dismiss := b.employ(box, push.CourierOptions{Name: "mail"})
		defer dismiss()
		settled()
		for _, m := range []string{"m1", "m2"} {
			b.tx(transition(abyssinia, rxvigil.AlertRaised, lowStock(m, 10)))
		}
		time.Sleep(time.Hour)
		want(t, "while it is shut", box.take(nil))
		time.Sleep(5 * time.Minute)
		want(t, "once it is open", box.take(nil), "alert_raised low-m1", "alert_raised low-m2")
		for i, at := range box.tries[:20] {
			if gap := box.tries[i+1].Sub(at); gap > 5*time.Minute || i < 8 && gap > time.Second<<i {
				t.Errorf("try %d came %v after the one before", i+1, gap)
			}
		}
		if n := len(box.tries); n > 40 {
			t.Errorf("an hour took %d tries", n)
		}
	})
}

func TestALetterThatNobodyTakesForADayIsBuriedAndTheNextIsTried(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		box.shut = errors.New("no route")
		dismiss := b.employ(box, push.CourierOptions{Name: "mail", GiveUp: time.Hour})
		defer dismiss()
		settled()
		ids := b.tx(transition(abyssinia, rxvigil.AlertRaised, lowStock("m1", 10)))
		b.tx(transition(abyssinia, rxvigil.AlertRaised, lowStock("m2", 10)))
		time.Sleep(time.Hour + 10*time.Minute)
		box.take(nil)
		time.Sleep(10 * time.Minute)
		want(t, "after an hour", box.take(nil), "alert_raised low-m2")
		want(t, "buried", box.dead, ids...)
	})
}

func TestACourierCarriesWhatItIsAskedTo(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		dismiss := b.employ(box, push.CourierOptions{Name: "pager", Only: []rxvigil.Tenant{abyssinia}, Branch: "b1", Severity: rxvigil.High})
		defer dismiss()
		settled()
		grave := lowStock("grave", 0)
		grave.Severity = rxvigil.Critical
		elsewhere := grave
		elsewhere.ID, elsewhere.Branch = "elsewhere", "b2"
		b.tx(transition(abyssinia, rxvigil.AlertRaised, lowStock("mild", 10)), transition(abyssinia, rxvigil.AlertRaised, grave),
			transition(abyssinia, rxvigil.AlertRaised, elsewhere), transition(blueNile, rxvigil.AlertRaised, grave))
		settled()
		want(t, "asked for", box.take(nil), "alert_raised low-grave")
	})
}

func TestACourierThatFellOffTheLogSaysSo(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		box.positions[abyssinia] = rxvigil.Position{Epoch: "another", LSN: 7}.String()
		dismiss := b.employ(box, push.CourierOptions{Name: "mail"})
		defer dismiss()
		settled()
		want(t, "after a new epoch", box.take(nil), "resync")
	})
}

func TestALetterThatIsOnItsWayAtTheEndIsCarriedAfterTheRestart(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		dismiss := b.employ(box, push.CourierOptions{Name: "mail"})
		settled()
		box.take(errors.New("connection refused"))
		for _, m := range []string{"m1", "m2"} {
			b.tx(transition(abyssinia, rxvigil.AlertRaised, lowStock(m, 10)))
		}
		settled()
		dismiss()
		box.take(nil)
		dismiss = b.employ(box, push.CourierOptions{Name: "mail"})
		settled()
		want(t, "after the restart", box.take(nil), "alert_raised low-m1", "alert_raised low-m2")
		dismiss()
	})
}

func TestACourierCarriesADigestInsteadOfItsFindings(t *testing.T) {
	t.Parallel()
	inBubble(t, 1<<20, func(t *testing.T, b *bundle) {
		box := newLetterbox()
		dismiss := b.employ(box, push.CourierOptions{Name: "mail"})
		defer dismiss()
		settled()
		quiet := lowStock("quiet", 10)
		quiet.Digest = "daily"
		digest := push.DigestJSON(push.Digest{Rule: "low_stock", Of: "low_stock", Period: "daily", New: 1, Open: 1, Message: "low_stock: new 1, open 1"})
		b.tx(transition(abyssinia, rxvigil.AlertRaised, quiet), transition(abyssinia, rxvigil.AlertRaised, lowStock("loud", 1)))
		b.tx(rxvigil.Event{Type: rxvigil.Notification, Tenant: abyssinia, Data: rxvigil.Custom{JSON: digest}},
			rxvigil.Event{Type: rxvigil.Notification, Tenant: abyssinia, Data: rxvigil.Custom{JSON: []byte(`{"message":"a user's own"}`)}})
		settled()
		want(t, "carried", box.take(nil), "alert_raised low-loud", "notification")
		for kind, topic := range map[string]rxvigil.Topic{"low_stock": rxvigil.Inventory, "refill_due": rxvigil.Prescriptions, "sales_spike": rxvigil.Inventory} {
			if text := string(push.DigestJSON(push.Digest{Of: kind})); !strings.Contains(text, `"topic":"`+string(topic)+`"`) {
				t.Errorf("a digest of %s is for %s", kind, text)
			}
		}
	})
}
