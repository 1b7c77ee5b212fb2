package cdc

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// relation compiles the plans of a table. A table that no longer fits degrades, loudly, and nothing else does.
func (s *stream) relation(ctx context.Context, rel *Relation) error {
	table, err := s.tableOf(ctx, rel.ID)
	if err != nil {
		return err
	}
	wasUnfit := len(s.unfit[rel.ID]) > 0
	s.plans[rel.ID], s.unfit[rel.ID] = nil, nil
	if table == nil {
		return nil
	}
	if err := s.domains(ctx, rel); err != nil {
		return err
	}
	for _, src := range s.resolved.Sources {
		if src.table != table || !src.takesRows() {
			continue
		}
		p, err := compile(src, rel)
		if err != nil {
			s.log.ErrorContext(ctx, "mapping_degraded", "source", src.name(), "error", err.Error())
			s.unfit[rel.ID] = append(s.unfit[rel.ID], Fault{Kind: src.said(), Table: table.String(), Reason: "unreadable", Text: err.Error()})
			continue
		}
		s.plans[rel.ID] = append(s.plans[rel.ID], p)
	}
	if wasUnfit && len(s.unfit[rel.ID]) == 0 {
		s.rereads.hurry(table)
	}
	return nil
}

const baseTypeSQL = `
WITH RECURSIVE base AS (
    SELECT oid, typtype, typbasetype FROM pg_type WHERE oid = $1
    UNION ALL SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_type t ON t.oid = base.typbasetype WHERE base.typtype = 'd'
) SELECT oid FROM base WHERE typtype <> 'd'`

// firstUserOID is the first OID that is not PostgreSQL's own.
const firstUserOID = 16384

// domains puts base types in the place of domains: the stream names a column's declared type.
func (s *stream) domains(ctx context.Context, rel *Relation) error {
	for i := range rel.Columns {
		c := &rel.Columns[i]
		if c.Type < firstUserOID {
			continue
		}
		err := s.catalog.QueryRow(ctx, baseTypeSQL, c.Type).Scan(&c.Type)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) { // none: dropped since
			return fmt.Errorf("find base type: %w", err)
		}
	}
	return nil
}

const inProgressSQL = `SELECT coalesce(pg_xact_status($1::text::xid8) = 'in progress', false)`

// visible waits until the catalog shows what the transaction at hand did to it. A commit is sent to us before other sessions see
// it, and long before where it waits for a synchronous standby: a partition made in it would not be known for one.
func (s *stream) visible(ctx context.Context) error {
	for {
		var running bool
		if err := s.catalog.QueryRow(ctx, inProgressSQL, strconv.FormatUint(s.tx.XID, 10)).Scan(&running); err != nil {
			return fmt.Errorf("ask for a transaction's state: %w", err)
		}
		if !running {
			return nil
		}
		if err := wait(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

const rootSQL = `SELECT coalesce(pg_partition_root($1)::oid, $1)`

// tableOf gives the mapped table that a relation is, or is a partition of.
func (s *stream) tableOf(ctx context.Context, oid uint32) (*Table, error) {
	if t, ok := s.resolved.leaves[oid]; ok {
		return t, nil
	}
	if err := s.visible(ctx); err != nil {
		return nil, err
	}
	var root uint32
	if err := s.catalog.QueryRow(ctx, rootSQL, oid).Scan(&root); err != nil {
		return nil, fmt.Errorf("find partition root: %w", err)
	}
	s.resolved.leaves[oid] = s.resolved.leaves[root]
	return s.resolved.leaves[root], nil
}
