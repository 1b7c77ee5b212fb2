package push

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rxvigil/rxvigil"
)

// How a letter is tried: at once, then after a second, and each time twice as long up to five minutes, with jitter so that many
// couriers do not knock at the same moment.
const (
	firstPause  = time.Second
	longest     = 5 * time.Minute
	usualGiveUp = 24 * time.Hour
	mostRefused = 3 // tries of a letter that the receiver says it will never take
)

// refusal is an answer that is no success.
type refusal struct {
	status int
	body   string
}

// Error says what the receiver answered.
func (r *refusal) Error() string {
	return fmt.Sprintf("answered %d %s: %s", r.status, http.StatusText(r.status), r.body)
}

// final tells whether the receiver objects to the letter itself, and not to us, our address or the moment.
func (r *refusal) final() bool {
	return r.status == http.StatusBadRequest || r.status == http.StatusRequestEntityTooLarge || r.status == http.StatusUnprocessableEntity
}

// try delivers a letter, however often it takes; one that is given up is buried. It returns early only when ctx ends.
func (c *Courier) try(ctx context.Context, t rxvigil.Tenant, l Letter) {
	began, refused := time.Now(), 0
	defer c.Metrics.standing(c.Name, time.Time{})
	for wait := firstPause; ; wait = min(2*wait, longest) {
		err := c.Receiver.Deliver(ctx, l)
		if err == nil {
			c.Metrics.delivered.WithLabelValues(c.Name).Inc()
			return
		}
		if ctx.Err() != nil {
			return
		}
		c.Metrics.failures.WithLabelValues(c.Name).Inc()
		c.Metrics.standing(c.Name, began)
		c.Logger.Warn("letter_not_delivered", "courier", c.Name, "id", l.ID, "error", err.Error())
		if r := (*refusal)(nil); errors.As(err, &r) && r.final() {
			refused++
		}
		if refused >= mostRefused || time.Since(began) >= c.giveUp() {
			c.bury(ctx, t, l, err)
			return
		}
		pause(ctx, jitter(wait))
	}
}

func (c *Courier) giveUp() time.Duration {
	if c.GiveUp <= 0 {
		return usualGiveUp
	}
	return c.GiveUp
}

func (c *Courier) bury(ctx context.Context, t rxvigil.Tenant, l Letter, cause error) {
	c.Metrics.dead.WithLabelValues(c.Name).Inc()
	c.Logger.Error("letter_given_up", "courier", c.Name, "id", l.ID, "error", cause.Error())
	_ = c.insist(ctx, "bury a letter", func() error { // only the end of ctx stops it
		return c.Book.Bury(ctx, c.Name, l.ID, t, cause.Error(), l.Body)
	})
}

// insist tries until it works or ctx ends.
func (c *Courier) insist(ctx context.Context, what string, try func() error) error {
	for wait := firstPause; ; wait = min(2*wait, longest) {
		err := try()
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		c.Logger.Warn("courier_stands", "courier", c.Name, "doing", what, "error", err.Error())
		pause(ctx, jitter(wait))
	}
}

// repeats ticks for a receiver that forgets; for any other the channel is nil.
func (c *Courier) repeats() (<-chan time.Time, func()) {
	r, ok := c.Receiver.(Repeater)
	if !ok {
		return nil, func() {}
	}
	ticker := time.NewTicker(r.Every())
	return ticker.C, ticker.Stop
}

// repeat tells a receiver that forgets what is open. One that does not answer is told at the next tick.
func (c *Courier) repeat(ctx context.Context) {
	var open []rxvigil.Alert
	for t := range c.cursors {
		all, err := c.Alerts.Open(ctx, t)
		if err != nil {
			c.Logger.Warn("courier_cannot_read", "courier", c.Name, "error", err.Error())
			return
		}
		for _, a := range all {
			if a.Digest == "" && a.Severity.Rank() >= c.Severity.Rank() && (c.Branch == "" || a.Branch == "" || a.Branch == c.Branch) {
				open = append(open, a)
			}
		}
	}
	if err := c.Receiver.(Repeater).Repeat(ctx, open); err != nil && ctx.Err() == nil {
		c.Metrics.failures.WithLabelValues(c.Name).Inc()
		c.Logger.Warn("open_alerts_not_repeated", "courier", c.Name, "error", err.Error())
	}
}

// jitter is between half of a time and the whole of it.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2) }

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// CourierMetrics are what operators watch of couriers. One serves all of them.
type CourierMetrics struct {
	delivered, failures, dead *prometheus.CounterVec
	since                     *prometheus.GaugeVec
}

// NewCourierMetrics registers them.
func NewCourierMetrics(r prometheus.Registerer) *CourierMetrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"courier"})
	}
	m := &CourierMetrics{
		delivered: counter("rxvigil_notify_delivered_total", "Letters that a receiver took."),
		failures:  counter("rxvigil_notify_failures_total", "Tries that failed."),
		dead:      counter("rxvigil_notify_dead_letters_total", "Letters that were given up."),
		since: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "rxvigil_notify_standing_since_seconds", Help: "Unix time since which a courier's oldest letter is not taken; 0: none waits.",
		}, []string{"courier"}),
	}
	r.MustRegister(m.delivered, m.failures, m.dead, m.since)
	return m
}

// standing notes since when a courier waits for its receiver; zero: it does not.
func (m *CourierMetrics) standing(courier string, since time.Time) {
	n := 0.0
	if !since.IsZero() {
		n = float64(since.Unix())
	}
	m.since.WithLabelValues(courier).Set(n)
}
