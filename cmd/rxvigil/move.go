package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rxvigil/rxvigil/cdc"
	"github.com/rxvigil/rxvigil/rules/pgstore"
)

// Moved follows the source to the timeline of a standby that was promoted. What we stored there last may not have gone along,
// for our own writes stand behind the transactions they are about: then, and when this process did not itself write them and
// cannot know, the answer is no.
func (e *engine) Moved(ctx context.Context, id cdc.Identity) (bool, error) {
	if !e.started {
		return false, nil
	}
	identity, err := json.Marshal(id)
	if err != nil {
		return false, fmt.Errorf("encode identity: %w", err)
	}
	var row pgstore.Engine
	if err := e.retry(ctx, "read the engine's row", func() (err error) { row, err = e.store.Status(ctx); return err }); err != nil {
		return false, err
	}
	if row.Position.Epoch == e.epoch && row.Position.LSN < e.saved || row.Position.Epoch != e.epoch && e.saved > 0 {
		return false, nil
	}
	if err := e.retry(ctx, "identify", func() error { return e.store.Identify(ctx, id.String(), e.epoch, id.Slot) }); err != nil {
		return false, err
	}
	e.disk.Identify(identity)
	if err := e.disk.Commit(); err != nil {
		return false, err
	}
	return true, e.disk.Sync() // nobody sends this again: the next process would take the promotion for one it has not seen
}
