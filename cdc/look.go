package cdc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// What the stream never tells is found by looking: at the start, and each time a canary of ours is read back. What differs
// from the shape that the images belong to is read again.

// lookPatience is how long the stream waits for the catalog.
const lookPatience = 5 * time.Second

var errNewSchema = errors.New("a schema came or went that the mapping means: the tables are read again")

// look compares the catalog with what is kept.
func (s *stream) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	switch more, err := s.resolved.newcomers(ctx, s.catalog); {
	case err != nil:
		return err
	case more:
		return errNewSchema
	}
	hidden, err := s.unpublished(ctx)
	if err != nil {
		return err
	}
	now, err := readShape(ctx, s.catalog, s.resolved.Tables...)
	if err != nil {
		return err
	}
	if s.shape == nil {
		s.shape = shape{}
	}
	for _, t := range s.resolved.Tables {
		if s.shape[t.OID] == nil {
			s.shape[t.OID], s.reshaped = now[t.OID], true
		}
		if slices.Contains(hidden, t) {
			s.spoil(t, "it was not published")
		}
		s.compare(ctx, t, now[t.OID])
	}
	return nil
}

// compare wants a table read again, or its new leaves, where its shape is another one.
func (s *stream) compare(ctx context.Context, t *Table, now *tableShape) {
	kept := s.shape[t.OID]
	reason, added := kept.against(now)
	switch {
	case kept.Dirty != "":
		s.rereads.want(errand{table: t, reason: kept.Dirty})
	case reason != "":
		s.rereads.want(errand{table: t, reason: reason})
	case len(added) > 0:
		s.rereads.want(errand{table: t, reason: "a partition came", leaves: added})
	case kept.reidentified(now):
		s.log.WarnContext(ctx, "replica_identity_changed", "table", t.String())
		maps.Copy(kept.Leaves, now.Leaves)
		s.reshaped = true
	}
}

// unpublished publishes again what somebody took out of our publication, and gives the tables that were not, or not wholly,
// in it. While the app holds a lock on one of them it is left for the next time.
func (s *stream) unpublished(ctx context.Context) ([]*Table, error) {
	oid, fits, _, err := readPublication(ctx, s.catalog, s.cfg.Publication, s.resolved.Tables)
	switch {
	case err != nil:
		return nil, err
	case oid != s.kept.Identity.Publication:
		return nil, fmt.Errorf("publication %q was made anew", s.cfg.Publication)
	case fits:
		return nil, nil
	}
	hidden, err := s.missing(ctx, oid)
	if err != nil {
		return nil, err
	}
	_, _, err = publish(ctx, s.catalog, s.cfg.Publication, s.resolved.Tables)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && !final(err) {
		s.log.WarnContext(ctx, "not_published", "error", err.Error())
		return nil, nil
	}
	s.log.WarnContext(ctx, "published_again", "tables", len(hidden))
	return hidden, err
}

const membersSQL = `
SELECT ARRAY(SELECT prrelid FROM pg_publication_rel r WHERE prpubid = p.oid AND to_jsonb(r) ->> 'prattrs' IS NULL AND to_jsonb(r) ->> 'prqual' IS NULL)::oid[],
       p.pubviaroot OR NOT (p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate)
FROM pg_publication p WHERE p.oid = $1`

// missing gives the tables that a publication does not publish with all their rows, columns and changes.
func (s *stream) missing(ctx context.Context, publication uint32) ([]*Table, error) {
	var members []uint32
	var odd bool
	if err := s.catalog.QueryRow(ctx, membersSQL, publication).Scan(&members, &odd); err != nil {
		return nil, fmt.Errorf("read publication: %w", err)
	}
	var missing []*Table
	for _, t := range s.resolved.Tables {
		if odd || !slices.Contains(members, t.OID) {
			missing = append(missing, t)
		}
	}
	return missing, nil
}

// spoil says that the images of a table are not true until it was read again. It is kept with the open transaction.
func (s *stream) spoil(t *Table, reason string) {
	if kept := s.shape[t.OID]; kept != nil && kept.Dirty == "" {
		kept.Dirty, s.reshaped = reason, true
	}
	if !slices.Contains(s.spoiled, t) {
		s.spoiled = append(s.spoiled, t)
	}
}

// wantSpoiled wants tables read again that the transaction just committed has spoiled.
func (s *stream) wantSpoiled() {
	for _, t := range s.spoiled {
		if kept := s.shape[t.OID]; kept != nil {
			s.rereads.want(errand{table: t, reason: kept.Dirty, xid: s.tx.XID})
		}
	}
	s.spoiled = s.spoiled[:0]
}

// keepShape hands the shape to the sink when it changed: it is stored with the transaction that is handed on next.
func (s *stream) keepShape(ctx context.Context) error {
	if !s.reshaped {
		return nil
	}
	s.reshaped = false
	text, err := json.Marshal(s.shape)
	if err != nil {
		return fmt.Errorf("encode shape: %w", err)
	}
	s.kept.Shape = text
	return fatal(s.sink.Shape(ctx, text))
}
