package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
	"github.com/rxvigil/rxvigil/rules/pgstore"
)

// speaker writes what people and schedules say into the source's WAL, and waits until the engine has read it back.
type speaker struct {
	source   *pgxpool.Pool
	requests requests
	key      cdc.Key
	e        *engine
}

// requests keeps free text in our own table; the message in the WAL only names it.
type requests interface {
	PutRequest(ctx context.Context, r pgstore.Request) error
}

// Act changes an alert.
func (s *speaker) Act(ctx context.Context, t rxvigil.Tenant, a push.Action) (push.Outcome, error) {
	if _, _, err := (desk{s.e}).Alert(ctx, t, a.Alert); err != nil {
		return push.Outcome{}, err
	}
	id := newID()
	if err := s.requests.PutRequest(ctx, pgstore.Request{ID: id, Tenant: t, Op: string(a.Verb), By: a.By, Note: a.Note}); err != nil {
		return push.Outcome{}, err
	}
	m := cdc.Message{Op: string(a.Verb), At: time.Now().UTC(), ID: id, Tenant: t, Alert: a.Alert}
	if a.Verb == push.Snooze {
		m.Until = &a.Until
	}
	return s.say(ctx, id, t, m)
}

// SetThreshold sets or withdraws a threshold.
func (s *speaker) SetThreshold(ctx context.Context, t rxvigil.Tenant, c push.ThresholdChange) (push.Outcome, error) {
	if _, ok := s.e.rules.Load().Medicine(t, c.Medicine); !ok {
		return push.Outcome{}, push.ErrNotFound
	}
	data, err := json.Marshal(rules.Override{Rule: c.Rule, Medicine: c.Medicine, Branch: c.Branch, Value: c.Value})
	if err != nil {
		return push.Outcome{}, fmt.Errorf("encode threshold: %w", err)
	}
	id := newID()
	if err := s.requests.PutRequest(ctx, pgstore.Request{ID: id, Tenant: t, Op: string(rules.SetThreshold), By: c.By}); err != nil {
		return push.Outcome{}, err
	}
	return s.say(ctx, id, t, cdc.Message{Op: string(rules.SetThreshold), At: time.Now().UTC(), ID: id, Tenant: t, Data: data})
}

// Emit publishes custom events in one transaction. Its last message carries the operation's id.
func (s *speaker) Emit(ctx context.Context, t rxvigil.Tenant, events []push.CustomEvent) (push.Outcome, error) {
	var messages []cdc.Message
	for _, ev := range events {
		messages = append(messages, cdc.Message{
			Op: "event", At: time.Now().UTC(), Tenant: t, Branch: string(ev.Branch), Type: string(ev.Type), Data: ev.Data,
		})
	}
	id := newID()
	messages[len(messages)-1].ID = id
	return s.say(ctx, id, t, messages...)
}

// say emits messages in one transaction and waits until the last is read back, or ctx ends.
func (s *speaker) say(ctx context.Context, id string, t rxvigil.Tenant, messages ...cdc.Message) (push.Outcome, error) {
	answers, forget := s.e.waiting.expect(id)
	defer forget()
	head, _ := s.e.log.Head()
	out := push.Outcome{Operation: id, Cursor: head}
	if err := pgx.BeginFunc(ctx, s.source, func(tx pgx.Tx) error {
		_, err := s.key.Emit(ctx, tx, messages...)
		return err
	}); err != nil {
		return out, fmt.Errorf("write into the source's WAL: %w", err)
	}
	select {
	case <-ctx.Done():
		return out, nil
	case a := <-answers:
		out.Done, out.Applied, out.Reason, out.Alert = true, a.receipt.Applied, a.receipt.Reason, a.receipt.Alert
		out.Cursor = rxvigil.EndOf(s.e.epoch, a.lsn)
		return out, s.complete(&out, t, messages[0].Alert)
	}
}

// complete finds the alert as it is after a command that changed nothing because it had ended.
func (s *speaker) complete(out *push.Outcome, t rxvigil.Tenant, id string) error {
	if out.Alert != nil || id == "" {
		return nil
	}
	a, _, err := s.e.store.Alert(context.Background(), t, id)
	if errors.Is(err, rules.ErrNotFound) {
		return push.ErrNotFound
	}
	out.Alert = &a
	return err
}

// Tick sends a planned moment on its way.
func (s *speaker) Tick(ctx context.Context, t rules.Tick) error {
	data, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("encode tick: %w", err)
	}
	_, err = s.key.Emit(ctx, s.source, cdc.Message{Op: string(rules.RunTick), At: time.Now().UTC(), Tenant: t.Tenant, Data: data})
	return err
}

// calendar is the rules' memory as the scheduler asks it, whichever engine is in use.
type calendar struct{ e *engine }

// Tenants lists who is to be scanned.
func (c calendar) Tenants() []rules.TenantInfo { return c.e.rules.Load().Tenants() }

// LastOccurrence is the newest known moment of a scan.
func (c calendar) LastOccurrence(scan string, t rxvigil.Tenant) string {
	return c.e.rules.Load().LastOccurrence(scan, t)
}

func isFenced(err error) bool { return errors.Is(err, rules.ErrFenced) }
