package push

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rxvigil/rxvigil"
)

type rawJSON = json.RawMessage

// picture is portal B's two aggregates of one tenant, as data of a message.
type picture struct{ stock, expiry rawJSON }

// aggregates makes each tenant's picture once for all who ask at the same head and within the same second.
type aggregates struct {
	log  *Log
	desk AlertDesk

	mu     sync.Mutex
	newest map[rxvigil.Tenant]*drawing
}

// drawing is a picture that one connection draws while the others wait for it.
type drawing struct {
	head rxvigil.Position
	at   time.Time
	done chan struct{}

	picture picture // set before done is closed
	err     error
}

func newAggregates(l *Log, d AlertDesk) *aggregates {
	return &aggregates{log: l, desk: d, newest: map[rxvigil.Tenant]*drawing{}}
}

// of gives a tenant's picture at the head or later.
func (a *aggregates) of(ctx context.Context, t Tenant, who *rights) (picture, error) {
	if who != nil && !who.Grant.EveryBranch {
		return a.draw(ctx, t, who) // of their branches: nobody else's picture
	}
	d, mine := a.drawing(t.ID)
	if mine {
		d.picture, d.err = a.draw(context.WithoutCancel(ctx), t, nil)
		close(d.done)
	}
	select {
	case <-d.done:
		return d.picture, d.err
	case <-ctx.Done():
		return picture{}, ctx.Err()
	}
}

func (a *aggregates) drawing(t rxvigil.Tenant) (d *drawing, mine bool) {
	head, _ := a.log.Head()
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if d = a.newest[t]; d != nil && d.head == head && now.Sub(d.at) < time.Second {
		return d, false
	}
	d = &drawing{head: head, at: now, done: make(chan struct{})}
	a.newest[t] = d
	return d, true
}

func (a *aggregates) draw(ctx context.Context, t Tenant, who *rights) (picture, error) {
	ctx, cancel := context.WithTimeout(ctx, readBack)
	defer cancel()
	open, err := a.desk.Open(ctx, t.ID)
	if err != nil {
		return picture{}, err
	}
	open = slices.DeleteFunc(slices.Clone(open), func(alert rxvigil.Alert) bool { return !who.in(alert.Branch) })
	return newPicture(open, today(t.Zone)), nil
}

// today is the civil date in a tenant's zone; UTC when that has no name we know.
func today(zone string) rxvigil.Day {
	z, err := time.LoadLocation(zone)
	if err != nil {
		z = time.UTC
	}
	return rxvigil.DayOf(time.Now(), z)
}

// aggregate is the data of stock_alert and expiry_alert.
type aggregate[T any] struct {
	Count     int    `json:"count"`
	Medicines []T    `json:"medicines"`
	Message   string `json:"message"`
}

type lowMedicine struct {
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	CurrentStock  rxvigil.Value  `json:"currentStock"`
	MinStockLevel rxvigil.Value  `json:"minStockLevel"`
	Urgency       string         `json:"urgency"`
	BranchID      rxvigil.Branch `json:"branchId"`
}

type expiringMedicine struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	ExpiryDate      rxvigil.Value  `json:"expiryDate"`
	DaysUntilExpiry *int           `json:"daysUntilExpiry"`
	Urgency         string         `json:"urgency"`
	BatchNumber     string         `json:"batchNumber"`
	BranchID        rxvigil.Branch `json:"branchId"`
}

// newPicture draws the open alerts of the two kinds that portal B knows.
func newPicture(open []rxvigil.Alert, today rxvigil.Day) picture {
	low, expiring := []lowMedicine{}, []expiringMedicine{}
	for i := range open {
		switch a := &open[i]; a.Kind {
		case "low_stock":
			low = append(low, newLowMedicine(a))
		case "expiry":
			expiring = append(expiring, newExpiringMedicine(a, today))
		}
	}
	return picture{
		stock: mustJSON(aggregate[lowMedicine]{len(low), low, fmt.Sprintf("%d low or out of stock", len(low))}),
		expiry: mustJSON(aggregate[expiringMedicine]{
			len(expiring), expiring, fmt.Sprintf("%d expired or expiring soon", len(expiring)),
		}),
	}
}

func newLowMedicine(a *rxvigil.Alert) lowMedicine {
	stock := a.Values.Get("available")
	return lowMedicine{
		ID: a.Subject.ID, Name: a.Subject.Name, Urgency: stockUrgency(stock.Number()), BranchID: a.Branch,
		CurrentStock: stock, MinStockLevel: a.Values.Get("min"),
	}
}

func stockUrgency(available rxvigil.Number) string {
	if available.Known() && available.Sign() <= 0 {
		return "critical"
	}
	return "warning"
}

// newExpiringMedicine counts the days itself: an alert's own number is of the day it was last judged.
func newExpiringMedicine(a *rxvigil.Alert, today rxvigil.Day) expiringMedicine {
	m := expiringMedicine{
		ID: a.Subject.Medicine, Name: a.Subject.Name, ExpiryDate: a.Values.Get("expires"),
		Urgency: "info", BatchNumber: a.Subject.Lot, BranchID: a.Branch,
	}
	if m.ID == "" {
		m.ID = a.Subject.ID
	}
	day, ok := m.ExpiryDate.Day()
	if !ok || !day.Finite() {
		return m
	}
	days := today.Until(day)
	m.DaysUntilExpiry, m.Urgency = &days, expiryUrgency(days)
	return m
}

func expiryUrgency(days int) string {
	switch {
	case days <= 7:
		return "critical"
	case days <= 30:
		return "warning"
	}
	return "info"
}
