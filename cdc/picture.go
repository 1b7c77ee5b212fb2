package cdc

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// copyTable streams a table's mapped columns through the plans of its sources.
func (r *Reader) copyTable(ctx context.Context, conn *pgx.Conn, sink Sink, t *Table) (int, error) {
	plans, err := r.resolved.plans(t, t)
	if err != nil {
		return 0, err
	}
	w := &pictureWriter{ctx: ctx, sink: sink, c: newCollector(sink), plans: plans}
	w.c.fresh, w.c.sources = true, r.resolved.Sources
	n, err := copyRows(ctx, conn, r.resolved.columns(t), t.from(), w.take)
	if err != nil {
		return n, err
	}
	return n, w.flush()
}

// columns lists the columns that the sources of a table read, each once.
func (r *Resolved) columns(t *Table) []string {
	var names []string
	for _, s := range r.Sources {
		if s.table != t {
			continue
		}
		for _, name := range s.columns() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// plans compiles the sources of a table for a copy of their columns, as the table is now.
func (r *Resolved) plans(t, now *Table) ([]*plan, error) {
	rel := &Relation{Schema: now.Schema, Name: now.Name}
	for _, name := range r.columns(t) {
		c := now.column(name)
		if c == nil {
			return nil, fmt.Errorf("%s has no column %q", now, name)
		}
		rel.Columns = append(rel.Columns, RelationColumn{Name: name, Type: c.Type, Key: c.Identity})
	}
	var plans []*plan
	for _, s := range r.Sources {
		if s.table != t || !s.takesRows() {
			continue
		}
		p, err := compile(s, rel)
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// from is a table as COPY reads it: with its partitions, and without tables that inherit from it.
func (t *Table) from() string {
	if t.Partitioned {
		return t.Quoted()
	}
	return "ONLY " + t.Quoted()
}

// copyRows hands on the rows of a table, as inserts; a frame is good during the call.
func copyRows(ctx context.Context, conn *pgx.Conn, names []string, from string, take func(*Frame) error) (int, error) {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, pgx.Identifier{name}.Sanitize())
	}
	w := &copyWriter{width: len(names), take: take}
	sql := "COPY (SELECT " + strings.Join(quoted, ", ") + " FROM " + from + ") TO STDOUT"
	if _, err := conn.PgConn().CopyTo(ctx, w, sql); err != nil {
		return w.rows, fmt.Errorf("copy: %w", err)
	}
	return w.rows, nil
}

// copyWriter cuts COPY's lines into rows.
type copyWriter struct {
	take    func(*Frame) error
	width   int
	rows    int
	partial []byte
	cols    []Column
}

// Write takes COPY data: usually one whole row, but a row may be cut anywhere.
func (w *copyWriter) Write(b []byte) (int, error) {
	n := len(b)
	if len(w.partial) > 0 {
		b = append(w.partial, b...)
	}
	for {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			break
		}
		if err := w.row(b[:end]); err != nil {
			return 0, err
		}
		b = b[end+1:]
	}
	w.partial = append(w.partial[:0], b...)
	return n, nil
}

func (w *copyWriter) row(line []byte) error {
	var err error
	if w.cols, err = copyRow(w.cols, line, w.width); err != nil {
		return err
	}
	w.rows++
	return w.take(&Frame{Kind: 'I', New: w.cols})
}

// pictureWriter hands rows on to the sink in batches.
type pictureWriter struct {
	ctx   context.Context
	sink  Sink
	c     *collector
	plans []*plan
}

const pictureBatch = 2000

func (w *pictureWriter) take(f *Frame) error {
	for _, p := range w.plans {
		if err := w.c.change(p, f); err != nil {
			return err
		}
	}
	if w.c.row++; w.c.row == pictureBatch {
		return w.flush()
	}
	return nil
}

func (w *pictureWriter) flush() error {
	tx, err := w.c.finish(rxvigil.Tx{})
	if err != nil {
		return err
	}
	if err := w.sink.Picture(w.ctx, tx); err != nil {
		return fatal(err)
	}
	w.c.reset()
	return nil
}
