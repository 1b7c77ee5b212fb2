package cdc

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// shape is the mapped tables as the catalog shows them, by OID: what may change without a word in the stream. It is kept with
// the images that it belongs to.
type shape map[uint32]*tableShape

// tableShape is one table's partitions that hold rows; of a table that has none, the table itself.
type tableShape struct {
	Leaves map[uint32]leafShape `json:"leaves"`
	Dirty  string               `json:"dirty,omitempty"` // why its images are not true; empty: they are
}

type leafShape struct {
	File     uint32 `json:"file"` // relfilenode
	Identity string `json:"identity"`
}

// parseShape reads a kept shape; nil where there is none that can be read.
func parseShape(text []byte) shape {
	var s shape
	if len(text) == 0 || json.Unmarshal(text, &s) != nil {
		return nil
	}
	return s
}

// treeSQL walks partitioned tables down to the partitions that hold rows; a table that is none is its own. It is our own because
// pg_partition_tree locks what it finds, and would wait for the app, and the app for us.
const treeSQL = `
WITH RECURSIVE tree (root, oid) AS (
    SELECT r, r FROM unnest($1::oid[]) AS r
    UNION ALL SELECT tree.root, i.inhrelid FROM tree JOIN pg_class p ON p.oid = tree.oid AND p.relkind = 'p' JOIN pg_inherits i ON i.inhparent = tree.oid AND NOT i.inhdetachpending
)`

const shapeSQL = treeSQL + `
SELECT tree.root, c.oid, c.relfilenode, c.relreplident::text FROM tree JOIN pg_class c ON c.oid = tree.oid AND c.relkind = 'r'`

// readShape asks the catalog. A table that is gone has no leaves.
func readShape(ctx context.Context, conn *pgx.Conn, tables ...*Table) (shape, error) {
	s := shape{}
	var oids []uint32
	for _, t := range tables {
		s[t.OID] = &tableShape{Leaves: map[uint32]leafShape{}}
		oids = append(oids, t.OID)
	}
	rows, err := conn.Query(ctx, shapeSQL, oids)
	if err != nil {
		return nil, fmt.Errorf("read shape: %w", err)
	}
	var table, leaf uint32
	var is leafShape
	if _, err := pgx.ForEachRow(rows, []any{&table, &leaf, &is.File, &is.Identity}, func() error {
		s[table].Leaves[leaf] = is
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read shape: %w", err)
	}
	return s, nil
}

// against tells why a table must be read whole, for what went or was rewritten; else which leaves are new.
func (t *tableShape) against(now *tableShape) (reason string, added []uint32) {
	for leaf, was := range t.Leaves {
		is, there := now.Leaves[leaf]
		switch {
		case !there:
			return "a partition went", nil
		case is.File != was.File:
			return "it was rewritten or truncated", nil
		}
	}
	for leaf := range now.Leaves {
		if _, known := t.Leaves[leaf]; !known {
			added = append(added, leaf)
		}
	}
	return "", added
}

// reidentified tells whether the replica identity of a leaf is another one than it was.
func (t *tableShape) reidentified(now *tableShape) bool {
	for leaf, is := range now.Leaves {
		if was, known := t.Leaves[leaf]; known && was.Identity != is.Identity {
			return true
		}
	}
	return false
}
