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
	var names []string
	for _, s := range r.resolved.Sources {
		if s.table != t {
			continue
		}
		for _, name := range s.columns() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	rel := &Relation{Schema: t.Schema, Name: t.Name}
	var quoted []string
	for _, name := range names {
		c := t.column(name)
		rel.Columns = append(rel.Columns, RelationColumn{Name: name, Type: c.Type, Key: c.Identity})
		quoted = append(quoted, pgx.Identifier{name}.Sanitize())
	}
	w := &pictureWriter{ctx: ctx, sink: sink, c: newCollector(sink), width: len(names)}
	w.c.fresh = true
	for _, s := range r.resolved.Sources {
		if s.table != t {
			continue
		}
		p, err := compile(s, rel)
		if err != nil {
			return 0, err
		}
		w.plans = append(w.plans, p)
	}
	only := "ONLY "
	if t.Partitioned {
		only = ""
	}
	sql := "COPY (SELECT " + strings.Join(quoted, ", ") + " FROM " + only + t.Quoted() + ") TO STDOUT"
	if _, err := conn.PgConn().CopyTo(ctx, w, sql); err != nil {
		return w.rows, fmt.Errorf("copy: %w", err)
	}
	return w.rows, w.flush()
}

// pictureWriter takes COPY's lines and hands their rows on in batches.
type pictureWriter struct {
	ctx     context.Context
	sink    Sink
	c       *collector
	plans   []*plan
	width   int
	rows    int
	partial []byte
	cols    []Column
}

const pictureBatch = 2000

// Write takes COPY data: usually one whole row, but a row may be cut anywhere.
func (w *pictureWriter) Write(b []byte) (int, error) {
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

func (w *pictureWriter) row(line []byte) error {
	var err error
	if w.cols, err = copyRow(w.cols, line, w.width); err != nil {
		return err
	}
	f := Frame{Kind: 'I', New: w.cols}
	for _, p := range w.plans {
		if err := w.c.change(p, &f); err != nil {
			return err
		}
	}
	w.c.row++
	if w.rows++; w.rows%pictureBatch == 0 {
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
