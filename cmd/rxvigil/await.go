package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rxvigil/rxvigil"
	"github.com/rxvigil/rxvigil/cdc"
)

// A sale or prescription that came without lines is not told of for a while, where the mapping says so: its lines may come in a later
// transaction, and then it comes with them. Those that wait are kept beside the images.

// awaited is a document that waits for its lines.
type awaited struct {
	Until  time.Time           `json:"until"`
	Tenant rxvigil.Tenant      `json:"tenant"`
	Branch rxvigil.Branch      `json:"branch"`
	Types  []rxvigil.EventType `json:"types"` // that are told when no line came
	Data   json.RawMessage     `json:"data"`

	lsn uint64 // of the transaction in which it came, if that is the present one
}

// awaitedSpace is the first byte of the keys of documents that wait, beside those of images.
const awaitedSpace = 'w'

func awaitedKey(r *rxvigil.Record) string {
	return string([]byte{awaitedSpace, byte(r.Kind())}) + string(r.Tenant) + "\x00" + r.ID
}

// awaitLines takes out of what happened what is not to be told yet, and adds what has waited long enough.
func (e *engine) awaitLines(tx *cdc.Transaction, happened []cdc.Happening) ([]cdc.Happening, error) {
	if len(e.awaited) == 0 && !slices.ContainsFunc(happened, mayWait) {
		return happened, nil
	}
	now := e.rules.Load().Now()
	told := happened[:0:0]
	for i, h := range happened {
		d, ok := h.Data.(rxvigil.EntityChange)
		if !ok || d.Record.Schema.Settle == 0 {
			told = append(told, h)
			continue
		}
		instead, err := e.await(tx, &happened[i], &d, now)
		if err != nil {
			return nil, err
		}
		told = append(told, instead...)
	}
	return e.waitedEnough(told, now)
}

// mayWait tells whether something is the coming of a document that may wait for its lines.
func mayWait(h cdc.Happening) bool {
	if h.Type != rxvigil.SaleCreated && h.Type != rxvigil.PrescriptionCreated {
		return false
	}
	d, ok := h.Data.(rxvigil.EntityChange)
	return ok && d.Record.Schema.Settle > 0
}

// await gives what is told instead of what happened to a document.
func (e *engine) await(tx *cdc.Transaction, h *cdc.Happening, d *rxvigil.EntityChange, now time.Time) ([]cdc.Happening, error) {
	key := awaitedKey(d.Record)
	w := e.awaited[key]
	came := h.Type == rxvigil.SaleCreated || h.Type == rxvigil.PrescriptionCreated
	switch {
	case w == nil && (!came || len(d.Lines) > 0):
		return []cdc.Happening{*h}, nil
	case w == nil:
		w = &awaited{Until: now.Add(d.Record.Schema.Settle), Tenant: e.ownTenant(h.Tenant), Branch: e.ownBranch(h.Branch), lsn: tx.LSN}
		w.Types, w.Data = []rxvigil.EventType{h.Type}, rxvigil.DataJSON(*d)
	case w.lsn == tx.LSN: // what else its coming means
		w.Types = append(w.Types, h.Type)
	case d.Before == nil: // it went, and nobody had heard of it
		return nil, e.keepAwaited(key, nil)
	case len(d.Lines) > 0:
		return cdc.Came(h.Row, d), e.keepAwaited(key, nil)
	default:
		w.Types, w.Branch = w.Types[:0], e.ownBranch(h.Branch)
		for _, one := range cdc.Came(h.Row, d) {
			w.Types, w.Data = append(w.Types, one.Type), rxvigil.DataJSON(one.Data)
		}
	}
	return nil, e.keepAwaited(key, w)
}

// waitedEnough tells of documents to which no line came in time.
func (e *engine) waitedEnough(told []cdc.Happening, now time.Time) ([]cdc.Happening, error) {
	var late []string
	for key, w := range e.awaited {
		if !now.Before(w.Until) {
			late = append(late, key)
		}
	}
	slices.Sort(late)
	for _, key := range late {
		w := e.awaited[key]
		for _, t := range w.Types {
			told = append(told, cdc.Happening{Type: t, Tenant: w.Tenant, Branch: w.Branch, Data: rxvigil.Custom{JSON: w.Data}})
		}
		if err := e.keepAwaited(key, nil); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(told, func(a, b cdc.Happening) int { return cmp.Compare(a.Row, b.Row) })
	return told, nil
}

// keepAwaited keeps a document that waits in the open group; nil: it waits no longer.
func (e *engine) keepAwaited(key string, w *awaited) error {
	put := e.disk.PutImage
	if e.disk.InBulk() {
		put = e.disk.BulkImage
	}
	if w == nil {
		delete(e.awaited, key)
		return put([]byte(key), nil)
	}
	e.awaited[key] = w
	value, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("keep what waits for its lines: %w", err)
	}
	return put([]byte(key), value)
}

// recallAwaited reads what waited when the engine stopped.
func (e *engine) recallAwaited() error {
	clear(e.awaited)
	var failed error
	err := e.disk.Images([]byte{awaitedSpace}, func(key, value []byte) bool {
		w := &awaited{}
		if failed = json.Unmarshal(value, w); failed != nil {
			failed = fmt.Errorf("read what waits for its lines: %w", failed)
			return false
		}
		e.awaited[string(key)] = w
		return true
	})
	return cmp.Or(err, failed)
}
