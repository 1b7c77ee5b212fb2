package cdc

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// fit finds a table as the catalog shows it now, and compiles its sources for it. A table that no mapping fits cannot be read.
func (q *rereads) fit(ctx context.Context, conn *pgx.Conn, t *Table) (*Table, []*plan, error) {
	tables, err := readCatalog(ctx, conn)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(tables, func(now *Table) bool { return now.OID == t.OID })
	if i < 0 {
		return nil, nil, fmt.Errorf("table %s is gone", t)
	}
	plans, err := q.resolved.plans(t, tables[i])
	return tables[i], plans, err
}

// copyAgain writes the image of each row under its key into the picture.
func (q *rereads) copyAgain(ctx context.Context, conn *pgx.Conn, rr *reread) ([]uint32, int, error) {
	now, plans, err := q.fit(ctx, conn, rr.table) // as the snapshot shows it
	if err != nil {
		return nil, 0, err
	}
	w := &imageWriter{picture: q.picture, plans: plans, faults: rr.faults}
	w.report = w.misread
	leaves, from := now.Leaves, []string{now.from()}
	if rr.leaves != nil {
		if leaves, from, err = partitions(ctx, conn, rr); err != nil {
			return nil, 0, err
		}
	}
	n := 0
	for _, f := range from {
		rows, err := copyRows(ctx, conn, q.resolved.columns(rr.table), f, w.take)
		if err != nil {
			return nil, n, err
		}
		n += rows
	}
	return leaves, n, nil
}

// partitionNamesSQL asks for names that the search path cannot bend.
const partitionNamesSQL = `
SELECT c.oid, format('ONLY %I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ($1::oid[])`

// partitions gives the new leaves that are still there, as COPY reads them.
func partitions(ctx context.Context, conn *pgx.Conn, rr *reread) (leaves []uint32, from []string, err error) {
	rows, err := conn.Query(ctx, partitionNamesSQL, rr.leaves)
	if err != nil {
		return nil, nil, fmt.Errorf("name partitions: %w", err)
	}
	names := map[uint32]string{}
	var oid uint32
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&oid, &name}, func() error { names[oid] = name; return nil }); err != nil {
		return nil, nil, fmt.Errorf("name partitions: %w", err)
	}
	for _, leaf := range slices.Sorted(maps.Keys(names)) {
		if _, there := rr.shape.Leaves[leaf]; there {
			leaves, from = append(leaves, leaf), append(from, names[leaf])
		}
	}
	return leaves, from, nil
}

// imageWriter makes images of COPY's rows.
type imageWriter struct {
	picture Scratch
	plans   []*plan
	faults  map[string][]misread
	report  report
	key     []byte
	image   []byte
	listed  int
}

// listedMisreads is how many values of one picture are told as faults, one by one.
const listedMisreads = 1000

func (w *imageWriter) take(f *Frame) error {
	for _, p := range w.plans {
		var ok bool
		if w.key, ok = p.appendKey(imageKey(w.key[:0], p.source), f.New); !ok || !p.exists(f.New, false) {
			continue
		}
		w.image = p.encode(w.image[:0], f.New, nil, w.report)
		if err := w.picture.Put(w.key, w.image); err != nil {
			return fatal(err)
		}
	}
	return nil
}

func (w *imageWriter) misread(st *step, err error, text []byte) {
	if w.listed++; w.listed > listedMisreads {
		return
	}
	m := misread{st, err, slices.Clone(text)}
	w.faults[string(w.key)] = append(w.faults[string(w.key)], m)
}
