package cdc

import (
	"context"
	"fmt"
)

// truncate empties tables. Where only some partitions of one went, the table is read again.
func (s *stream) truncate(ctx context.Context, f *Frame) error {
	if s.skip {
		return nil
	}
	done := map[*Table]bool{}
	for _, id := range f.Truncated {
		table := s.resolved.leaves[id]
		if table == nil || done[table] {
			continue
		}
		done[table] = true
		whole, err := s.wholly(ctx, table, f.Truncated)
		if err != nil {
			return err
		}
		s.noteTruncation(table)
		if !whole {
			s.spoil(table, "some of its partitions were truncated")
			continue
		}
		for _, src := range s.resolved.Sources {
			if src.table != table || !src.takesRows() {
				continue
			}
			if err := s.c.truncate(src); err != nil {
				return fatal(err)
			}
		}
	}
	s.c.row++
	return nil
}

const spareLeavesSQL = treeSQL + ` SELECT count(*) FROM tree JOIN pg_class c USING (oid) WHERE c.relkind IN ('r', 'f') AND oid <> ALL ($2::oid[])`

// wholly tells whether a truncation leaves nothing of a table. When only some partitions of it were truncated, nobody knows
// which rows went.
func (s *stream) wholly(ctx context.Context, t *Table, truncated []uint32) (bool, error) {
	if !t.Partitioned {
		return true, nil
	}
	var spared int
	if err := s.catalog.QueryRow(ctx, spareLeavesSQL, []uint32{t.OID}, truncated).Scan(&spared); err != nil {
		return false, fmt.Errorf("read partitions of %s: %w", t, err)
	}
	return spared == 0, nil
}
