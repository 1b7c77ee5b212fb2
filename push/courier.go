package push

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
)

// Courier carries alerts out of the house, to one receiver. It is one more reader of the log, with a cursor for each tenant that
// outlives the process: what was told while nobody carried is carried later, in order, and nothing is told twice but what was on
// its way when we died, under the same id. While the receiver does not answer the line stands: the log is the queue.
type Courier struct {
	CourierOptions
	Log      *Log
	Alerts   AlertDesk
	Book     CourierBook
	Receiver Receiver
	Metrics  *CourierMetrics
	Logger   *slog.Logger
	// Tenants lists everybody there is; the courier serves those that its options name.
	Tenants func() []rxvigil.Tenant

	cursors map[rxvigil.Tenant]*Cursor
	kept    map[rxvigil.Tenant]string // as the book has them
	base    string                    // where a tenant begins that was not there before
}

// CourierOptions are what an operator says of a courier.
type CourierOptions struct {
	Name     string           // of its positions in the book, and in metrics
	Only     []rxvigil.Tenant // none: every tenant
	Severity rxvigil.Severity // the mildest that is carried; empty: all
	Branch   rxvigil.Branch   // empty: every branch
	GiveUp   time.Duration    // for how long one letter is tried; 0 is a day
}

// Receiver is somebody outside who is told of alerts.
type Receiver interface {
	// Deliver tells one letter. An error that is final says that trying again is no use.
	Deliver(ctx context.Context, l Letter) error
}

// Repeater is a receiver that forgets what it is not told again.
type Repeater interface {
	// Every is how often it must be told what is open.
	Every() time.Duration
	// Repeat tells all that is open.
	Repeat(ctx context.Context, open []rxvigil.Alert) error
}

// Letter is one event on its way out: a transition of an alert, or that something may have been missed.
type Letter struct {
	ID    string // the same however often it is sent
	Type  rxvigil.EventType
	Alert *rxvigil.Alert // nil of a resync and of a digest
	Body  []byte         // the native envelope
}

// CourierBook keeps how far each courier is, and what it could not deliver.
type CourierBook interface {
	Positions(ctx context.Context, courier string) (map[rxvigil.Tenant]string, error)
	// KeepPosition notes that everything of a tenant up to cursor is delivered.
	KeepPosition(ctx context.Context, courier string, t rxvigil.Tenant, cursor string) error
	// Bury notes a letter that was given up.
	Bury(ctx context.Context, courier, id string, t rxvigil.Tenant, reason string, body []byte) error
}

const (
	gathering = 100 * time.Millisecond // a burst of transactions is looked through once
	quietKeep = time.Minute            // a quiet tenant's position must not fall off the log
)

// Run carries until ctx ends. Only the book can stop it, and it is tried again.
func (c *Courier) Run(ctx context.Context) error {
	if c.restore(ctx) != nil {
		return nil
	}
	quiet := time.NewTicker(quietKeep)
	defer quiet.Stop()
	repeat, stop := c.repeats()
	defer stop()
	for ctx.Err() == nil {
		wake := c.Log.moves()
		c.round(ctx)
		select {
		case <-ctx.Done():
		case <-wake:
			pause(ctx, gathering)
		case <-repeat:
			c.repeat(ctx)
		case <-quiet.C:
			c.keepQuiet(ctx)
		}
	}
	c.keepQuiet(context.WithoutCancel(ctx))
	return nil
}

// moves gives a channel that is closed when the head of the log moves.
func (l *Log) moves() <-chan struct{} {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.heads.wait()
}

func (c *Courier) restore(ctx context.Context) (err error) {
	c.cursors = map[rxvigil.Tenant]*Cursor{}
	return c.insist(ctx, "read the courier's positions", func() error {
		c.kept, err = c.Book.Positions(ctx, c.Name)
		c.base = c.kept[everyone]
		return err
	})
}

// round carries everything there is. On the first start of all, what is in the log already is old news; a tenant that comes later
// is carried from its beginning.
func (c *Courier) round(ctx context.Context) {
	head, started := c.Log.Head()
	if !started {
		return
	}
	if c.base == "" {
		c.base = head.String()
	}
	for _, t := range c.Tenants() {
		if len(c.Only) > 0 && !slices.Contains(c.Only, t) {
			continue
		}
		if c.cursors[t] == nil {
			c.cursors[t] = c.Log.open(t, c.filter(), cmp.Or(c.kept[t], c.base))
		}
		c.carry(ctx, t, c.cursors[t])
	}
	if ctx.Err() == nil {
		c.base = head.String()
	}
}

func (c *Courier) filter() Filter {
	return Filter{Branch: c.Branch, Types: []rxvigil.EventType{
		rxvigil.AlertRaised, rxvigil.AlertChanged, rxvigil.AlertAcknowledged, rxvigil.AlertSnoozed, rxvigil.AlertResolved,
		rxvigil.Notification,
	}}
}

// carry delivers what a tenant's cursor finds, and moves it. It ends where ctx does; the cursor may then stand behind letters that
// were taken and not delivered, and is given up: what the book has is right.
func (c *Courier) carry(ctx context.Context, t rxvigil.Tenant, cursor *Cursor) {
	defer func() {
		if ctx.Err() != nil {
			delete(c.cursors, t)
		}
	}()
	for ctx.Err() == nil {
		s, err := cursor.take(ctx)
		if err != nil {
			c.Logger.Warn("courier_cannot_read", "courier", c.Name, "error", err.Error())
			return
		}
		if s.resync != "" {
			c.deliver(ctx, t, resyncLetter(t, s.resync, cursor.pos), cursor.pos)
		}
		for _, b := range s.batches {
			for _, e := range b.events {
				if e.Pos.Compare(s.after) <= 0 || !cursor.filter.admits(e) || e.Type == rxvigil.Notification && !isDigest(e) {
					continue
				}
				c.deliver(ctx, t, letterOf(e), e.Pos)
			}
		}
		if s.wake != nil {
			return
		}
	}
}

// isDigest tells a digest from what users notify of.
func isDigest(e *Event) bool {
	var envelope struct {
		Data struct{ Kind string }
	}
	return json.Unmarshal(e.JSON, &envelope) == nil && envelope.Data.Kind == "digest"
}

// letterOf makes a letter of an event. What the alert is made of came from us: it always decodes.
func letterOf(e *Event) Letter {
	l := Letter{ID: e.Pos.String(), Type: e.Type, Body: e.JSON}
	var envelope struct {
		Data rxvigil.Alert `json:"data"`
	}
	if e.Type != rxvigil.Resync && e.Type != rxvigil.Notification && json.Unmarshal(e.JSON, &envelope) == nil {
		l.Alert = &envelope.Data
	}
	return l
}

func resyncLetter(t rxvigil.Tenant, reason string, at rxvigil.Position) Letter {
	e := NewEvent(&rxvigil.Event{
		Pos: at, Type: rxvigil.Resync, Tenant: t, At: time.Now(), Data: rxvigil.Custom{JSON: []byte(`{"reason":"` + reason + `"}`)},
	})
	return letterOf(e)
}

// deliver carries one letter, and notes how far the courier is. A letter that its severity keeps at home counts as carried, and
// so does one that a digest will sum up.
func (c *Courier) deliver(ctx context.Context, t rxvigil.Tenant, l Letter, at rxvigil.Position) {
	if l.Alert == nil || l.Alert.Digest == "" && l.Alert.Severity.Rank() >= c.Severity.Rank() {
		c.try(ctx, t, l)
	}
	if ctx.Err() == nil {
		c.keep(ctx, t, at.String())
	}
}

func (c *Courier) keep(ctx context.Context, t rxvigil.Tenant, cursor string) {
	if c.kept[t] == cursor {
		return
	}
	if c.insist(ctx, "keep the courier's position", func() error { return c.Book.KeepPosition(ctx, c.Name, t, cursor) }) == nil {
		c.kept[t] = cursor
	}
}

// keepQuiet notes how far the cursors are although there was nothing to carry.
func (c *Courier) keepQuiet(ctx context.Context) {
	reached := map[rxvigil.Tenant]string{everyone: c.base}
	for t, cursor := range c.cursors {
		if cursor.broken == "" {
			reached[t] = cursor.pos.String()
		}
	}
	for t, at := range reached {
		if at == "" || c.kept[t] == at {
			continue
		}
		if err := c.Book.KeepPosition(ctx, c.Name, t, at); err != nil {
			c.Logger.Warn("courier_position_not_kept", "courier", c.Name, "error", err.Error())
			return
		}
		c.kept[t] = at
	}
}

// everyone is the name in the book of the place where a tenant begins that has none of its own.
const everyone rxvigil.Tenant = ""
