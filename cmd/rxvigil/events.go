package main

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/push"
	"github.com/rxvigil/rxvigil/rules"
)

// input is a transaction as rules see it.
func (e *engine) input(ctx context.Context, tx *cdc.Transaction) (rules.Input, error) {
	in := rules.Input{Tx: tx.Tx, Changes: tx.Changes}
	for _, m := range tx.Messages {
		if m.At.After(e.wall) {
			e.wall = m.At
		}
		if m.Op == "canary" {
			in.Kept = keptOf(m)
		}
		c, ok, err := e.command(ctx, m)
		if err != nil {
			return in, err
		}
		if ok {
			in.Commands = append(in.Commands, c)
		}
	}
	if len(tx.Messages) > 0 {
		in.Wall = e.wall
	}
	for _, f := range tx.Faults {
		in.Faults = append(in.Faults, rules.Fault{Tenant: f.Tenant, Table: f.Table, Column: f.Column, Reason: f.Reason, Text: f.Text})
	}
	in.Faults = append(in.Faults, e.strangers(tx)...)
	for range tx.Forged {
		in.Faults = append(in.Faults, rules.Fault{Table: "logical messages", Reason: "forged"})
	}
	return in, nil
}

// keptOf is what a canary tells of the WAL that is kept for us; nil when it tells nothing.
func keptOf(m cdc.Message) *rules.Kept {
	var k rules.Kept
	if len(m.Data) == 0 || json.Unmarshal(m.Data, &k) != nil {
		return nil
	}
	return &k
}

// strangers are events sent for a tenant that nobody knows.
func (e *engine) strangers(tx *cdc.Transaction) []rules.Fault {
	var faults []rules.Fault
	for _, m := range tx.Messages {
		if m.Op != "event" {
			continue
		}
		_, known := e.rules.Load().FindTenant(string(m.Tenant))
		comes := slices.ContainsFunc(tx.Changes, func(c rxvigil.Change) bool { return c.Record().Tenant == m.Tenant })
		if !known && !comes {
			faults = append(faults, rules.Fault{Table: "rxvigil.notify", Column: "tenant", Reason: "no_tenant", Text: string(m.Tenant[:min(len(m.Tenant), 60)])})
		}
	}
	return faults
}

// command is what a message asks the rules to do, if anything.
func (e *engine) command(ctx context.Context, m cdc.Message) (rules.Command, bool, error) {
	c := rules.Command{Op: rules.Op(m.Op), Operation: m.ID, Tenant: m.Tenant, Alert: m.Alert}
	switch c.Op {
	case rules.RunTick:
		if err := json.Unmarshal(m.Data, &c.Tick); err != nil {
			return c, false, nil // a message of ours that is none
		}
		return c, true, nil
	case rules.SetThreshold:
		if err := json.Unmarshal(m.Data, &c.Override); err != nil {
			return c, false, nil
		}
		err := e.asked(ctx, &c, m)
		return c, true, err
	case rules.Acknowledge, rules.Snooze, rules.Unsnooze:
		if m.Until != nil {
			c.Until = *m.Until
		}
		err := e.asked(ctx, &c, m)
		return c, true, err
	}
	return c, false, nil
}

// asked adds who asked for a command, and what they said.
func (e *engine) asked(ctx context.Context, c *rules.Command, m cdc.Message) error {
	return e.retry(ctx, "read request", func() (err error) {
		c.By, c.Note, err = e.store.Request(ctx, m.Tenant, m.ID)
		return err
	})
}

// telling is what a transaction means: what happened row by row in the order delivered, then its transitions. They are named and encoded
// some at a time, for a boot may tell of each shelf.
type telling struct {
	tx          *cdc.Transaction
	happened    []cdc.Happening
	transitions []rules.Transition
	named       int    // so many of them have become events
	next        uint32 // the next ordinal of what happened
}

// toldTogether is how many events are made at once, and share their memory.
const toldTogether = 512

func (e *engine) telling(tx *cdc.Transaction, out rules.Outcome) (telling, error) {
	happened, err := e.awaitLines(tx, e.happenings(tx, out))
	if err != nil {
		return telling{}, err
	}
	if len(happened) > hugeTransaction || e.large.tooMuch() {
		happened = asResyncs(happened)
	}
	e.happened = happened
	t := telling{tx: tx, happened: happened, transitions: out.Transitions}
	e.findLast(&t)
	return t, nil
}

func (t *telling) len() int { return len(t.happened) + len(t.transitions) }

func (t *telling) done() bool { return t.named == t.len() }

func (t *telling) tenant(i int) rxvigil.Tenant {
	if i < len(t.happened) {
		return t.happened[i].Tenant
	}
	return t.transitions[i-len(t.happened)].Alert.Tenant
}

// findLast finds the last event that each tenant sees of a transaction.
func (e *engine) findLast(t *telling) {
	clear(e.last)
	for i := t.len() - 1; i >= 0; i-- {
		if of := t.tenant(i); i == t.len()-1 || of != t.tenant(i+1) { // mostly all are of one tenant
			if _, found := e.last[of]; !found {
				e.last[of] = i
			}
		}
	}
}

// nextEvents names the next of them. They are good until the next call.
func (e *engine) nextEvents(t *telling) []rxvigil.Event {
	events := e.named[:0]
	for ; !t.done() && len(events) < toldTogether; t.named++ {
		ev := e.nextEvent(t)
		ev.Last = e.last[ev.Tenant] == t.named
		events = append(events, ev)
	}
	e.named = events
	return events
}

// nextEvent names the next of them. A row's index stands in the high bits of the ordinal; where one row means more than sixteen events, they
// take the next ordinals.
func (e *engine) nextEvent(t *telling) rxvigil.Event {
	if i := t.named - len(t.happened); i >= 0 {
		c := &t.transitions[i]
		return e.event(t.tx, rxvigil.FirstTransition+uint32(i), c.Event, c.Alert.Tenant, c.Alert.Branch, rxvigil.AlertChange{Alert: c.Alert, From: c.From})
	}
	h := &t.happened[t.named]
	t.next = max(t.next, h.Row<<4) + 1
	tenant, branch := h.Tenant, h.Branch
	if _, ours := h.Data.(*rxvigil.StockLevel); !ours { // they may be a record's own, whose memory is used again
		tenant, branch = e.ownTenant(tenant), e.ownBranch(branch)
	}
	return e.event(t.tx, t.next-1, h.Type, tenant, branch, h.Data)
}

// forgetHappened lets go of what happened in a transaction, once it is encoded; the room for it is used again.
func (e *engine) forgetHappened() {
	clear(e.happened)
	if cap(e.happened) > hugeTransaction/10 {
		e.happened = nil
	}
}

// manyWords is how many words are remembered, for there are few tenants and branches.
const manyWords = 1 << 16

func (e *engine) ownTenant(t rxvigil.Tenant) rxvigil.Tenant { return rxvigil.Tenant(e.word(string(t))) }

func (e *engine) ownBranch(b rxvigil.Branch) rxvigil.Branch { return rxvigil.Branch(e.word(string(b))) }

// word is the one copy of a name that many events have.
func (e *engine) word(s string) string {
	w, known := e.words[s]
	if !known {
		if len(e.words) >= manyWords {
			clear(e.words)
		}
		w = strings.Clone(s)
		e.words[w] = w
	}
	return w
}

func (e *engine) event(tx *cdc.Transaction, ordinal uint32, t rxvigil.EventType, tenant rxvigil.Tenant, branch rxvigil.Branch, data rxvigil.EventData) rxvigil.Event {
	pos := rxvigil.Position{Epoch: e.epoch, LSN: tx.LSN, Ordinal: ordinal}
	return rxvigil.Event{Pos: pos, Type: t, Tenant: tenant, Branch: branch, At: tx.At, XID: tx.XID, Data: data}
}

func (e *engine) happenings(tx *cdc.Transaction, out rules.Outcome) []cdc.Happening {
	r := e.rules.Load()
	all := e.happened[:0]
	if e.large != nil {
		all = e.large.happened
	}
	all = append(all, toEach(r, cdc.Happenings(tx.Changes, e.medicineNames(r, tx.Changes)))...)
	for i := range out.Stock {
		s := &out.Stock[i]
		all = append(all, cdc.Happening{Row: s.Row, Type: rxvigil.StockChanged, Tenant: s.Tenant, Branch: s.Branch, Data: &s.Level})
	}
	for i := range out.Digests {
		d := &out.Digests[i]
		all = append(all, cdc.Happening{Type: rxvigil.Notification, Tenant: d.Tenant, Branch: d.Branch, Data: rxvigil.Custom{JSON: push.DigestJSON(digestOf(d))}})
	}
	for _, m := range tx.Messages {
		if m.Op != "event" {
			continue
		}
		t, known := r.FindTenant(string(m.Tenant))
		if !known {
			continue // strangers said so
		}
		all = append(all, cdc.Happening{
			Row: m.Row, Type: rxvigil.EventType(m.Type), Tenant: t.ID, Branch: rxvigil.Branch(m.Branch), Data: rxvigil.Custom{JSON: m.Data},
		})
	}
	slices.SortStableFunc(all, func(a, b cdc.Happening) int { return cmp.Compare(a.Row, b.Row) })
	return all
}

// digestOf is a summary as push tells it.
func digestOf(s *rules.Summary) push.Digest {
	d := push.Digest{Rule: s.Rule, Of: s.Kind, Period: string(s.Period), Since: s.Since, Until: s.Until, New: s.New, Open: s.Open, Message: s.Message}
	for i := range s.Items {
		a := &s.Items[i]
		d.Items = append(d.Items, push.DigestItem{Alert: a.ID, Severity: a.Severity, Message: a.Message})
	}
	return d
}

// medicineNames looks names up as the transaction leaves them, and those of medicines that went in it as they were.
func (e *engine) medicineNames(r *rules.Engine, changes []rxvigil.Change) cdc.Names {
	return func(t rxvigil.Tenant, id string) string {
		if m, ok := r.Medicine(t, id); ok {
			return m.Name
		}
		for i := range changes {
			if rec := changes[i].Record(); rec.Kind() == rxvigil.KindMedicine && rec.ID == id && (rec.Tenant == t || rec.Tenant == rxvigil.EveryTenant) {
				return rec.Text(rxvigil.MedicineName)
			}
		}
		return e.large.nameOf(t, id)
	}
}

// toEach makes what happened to something of every tenant happen to it in each of them, one by one.
func toEach(r *rules.Engine, happened []cdc.Happening) []cdc.Happening {
	shared := func(h cdc.Happening) bool { return h.Tenant == rxvigil.EveryTenant }
	if !slices.ContainsFunc(happened, shared) {
		return happened
	}
	tenants := r.Tenants()
	var all []cdc.Happening
	for _, h := range happened {
		if !shared(h) {
			all = append(all, h)
			continue
		}
		for i := range tenants {
			h.Tenant = tenants[i].ID
			all = append(all, h)
		}
	}
	return all
}

// asResyncs stands for the events of a transaction that is too large to tell: one for each tenant, at its first event.
func asResyncs(happened []cdc.Happening) []cdc.Happening {
	var out []cdc.Happening
	seen := map[rxvigil.Tenant]bool{}
	for _, h := range happened {
		if !seen[h.Tenant] {
			seen[h.Tenant] = true
			out = append(out, cdc.Happening{Row: h.Row, Type: rxvigil.Resync, Tenant: h.Tenant, Data: rxvigil.Custom{}})
		}
	}
	return out
}
