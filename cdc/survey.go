package cdc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/rxvigil/rxvigil"
)

// Survey maps rows of the source's tables as they are now, without slot, publication or memory: for people who write a mapping.
type Survey struct {
	// Rows is how many rows of a table are read at most; tables that others look up, or whose rows have lines, are read up to
	// a hundred times as many.
	Rows int
	// Table limits what is seen to one table. What its rows look up is read all the same.
	Table string
}

// Seen is a row, and what one source of the mapping makes of it. A table without rows is seen once, without a row.
type Seen struct {
	Table   string
	Kind    rxvigil.Kind
	Name    string   // of the kind; of a custom entity its own
	Fields  []string // that the mapping fills
	Columns []string // that it reads
	Row     []*string
	// Personal tells which columns hold what only some roles may see: look at them, and show them to nobody.
	Personal []bool
	Record   *rxvigil.Record // nil: the row is none of the kind
	Nobodys  bool            // it belongs to no tenant, on purpose
	Cut      bool            // not all rows of the table are read
	Faults   []Fault
}

const surveyPatience = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '60s'; SET LOCAL row_security = off"

// Look reads, and gives each row to see. The mapping must have been resolved without a fatal finding. A table that is locked is
// an error: a survey waits for nobody.
func (o Survey) Look(ctx context.Context, dsn string, m *Mapping, see func(Seen) error) error {
	conn, err := Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	r, findings, err := Resolve(ctx, conn, m)
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Fatal {
			return fmt.Errorf("%s: %s", strings.TrimPrefix(f.Path, "$."), f.What)
		}
	}
	var only *Table
	if o.Table != "" {
		if only = find(r.Tables, unquoteName(o.Table)); only == nil {
			return fmt.Errorf("no entity of the mapping comes from a table %q%s", o.Table, suggestion(o.Table, r.Tables))
		}
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("begin survey: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, surveyPatience); err != nil {
		return fmt.Errorf("begin survey: %w", err)
	}
	kept := imageMap{}
	for _, t := range r.order {
		look := tableSurvey{Resolved: r, table: t, images: kept, see: see}
		if only != nil && t != only {
			look.see = func(Seen) error { return nil }
		}
		if err := look.read(ctx, conn, o.limit(r, t)); err != nil {
			return fmt.Errorf("survey %s: %w", t, err)
		}
		if t == only {
			return nil
		}
	}
	return nil
}

func suggestion(name string, tables []*Table) string {
	if hint := didYouMean(name, tableNames(tables)); hint != "" {
		return ": " + hint
	}
	return ""
}

// limit is how many rows of a table are read: more of one that others need.
func (o Survey) limit(r *Resolved, t *Table) int {
	needed := slices.ContainsFunc(r.Sources, func(s *source) bool { return s.table == t && (s.isReference() || s.lines != nil) })
	if needed {
		return 100 * o.Rows
	}
	return o.Rows
}

// tableSurvey maps the rows of one table, one at a time.
type tableSurvey struct {
	*Resolved
	table  *Table
	images imageMap
	see    func(Seen) error
}

func (v *tableSurvey) read(ctx context.Context, conn *pgx.Conn, limit int) error {
	plans, err := v.plans(v.table, v.table)
	if err != nil {
		return err
	}
	c := newCollector(v.images)
	c.fresh, c.sources = true, v.Sources
	columns := v.columns(v.table)
	rows := 0
	_, err = copyRows(ctx, conn, columns, v.table.from()+fmt.Sprintf(" LIMIT %d", limit), func(f *Frame) error {
		rows++
		c.reset()
		for _, p := range plans {
			if err := c.change(p, f); err != nil {
				return err
			}
		}
		tx, err := c.finish(rxvigil.Tx{})
		if err != nil {
			return err
		}
		if err := v.show(plans, columns, f.New, tx, rows == limit); err != nil {
			return err
		}
		v.images.write(tx.Writes)
		return nil
	})
	if err != nil || rows > 0 {
		return err
	}
	for _, p := range plans {
		if !p.isReference() {
			err = errors.Join(err, v.see(v.seen(p, columns)))
		}
	}
	return err
}

func (v *tableSurvey) seen(p *plan, columns []string) Seen {
	of := p.entity()
	s := Seen{Table: v.table.String(), Kind: of.kind, Name: of.kind.String(), Columns: columns, Personal: v.personal(columns), Nobodys: of.nobodys}
	if of.kind == rxvigil.KindCustom {
		s.Name = of.schema.Life.Name
	}
	for i, e := range of.fields {
		if e != nil {
			s.Fields = append(s.Fields, of.schema.Fields[i].Name)
		}
	}
	return s
}

// show gives a row to see, once for each source of its table.
func (v *tableSurvey) show(plans []*plan, columns []string, row []Column, tx *Transaction, cut bool) error {
	for _, p := range plans {
		if p.isReference() {
			continue
		}
		seen := v.seen(p, columns)
		seen.Cut = cut
		for _, c := range row {
			if c.State != Text {
				seen.Row = append(seen.Row, nil)
				continue
			}
			text := string(c.Data)
			seen.Row = append(seen.Row, &text)
		}
		of, found := p.entity(), 0
		for _, f := range tx.Faults {
			if f.Kind == p.kind {
				seen.Faults = append(seen.Faults, f)
			}
		}
		for _, w := range tx.Writes {
			if w.Key[0] != 'i' || len(w.Value) == 0 || w.Value[0]&flagOut != 0 || string(w.Key[:3]) != string(imageKey(nil, of)) {
				continue
			}
			var err error
			if seen.Record, err = of.record(string(w.Key[3:]), w.Value); err != nil {
				return err
			}
			if found++; found > 1 {
				seen.Faults = nil // told already
			}
			if err := v.see(seen); err != nil {
				return err
			}
		}
		if found > 0 {
			continue
		}
		if err := v.see(seen); err != nil {
			return err
		}
	}
	return nil
}

// entity is the source of what rows of this one are shown as.
func (s *source) entity() *source {
	if s.head != nil {
		return s.head
	}
	return s
}

// personal tells which columns a personal field is made of.
func (v *tableSurvey) personal(columns []string) []bool {
	out := make([]bool, len(columns))
	for _, s := range v.Sources {
		if s.table != v.table || s.isReference() {
			continue
		}
		for i, e := range s.fields {
			for _, name := range e.columns() {
				if at := slices.Index(columns, name); at >= 0 && s.schema.Fields[i].Personal {
					out[at] = true
				}
			}
		}
	}
	return out
}

// imageMap keeps images in memory.
type imageMap map[string][]byte

func (m imageMap) write(writes []Write) {
	for _, w := range writes {
		if w.Key[0] == 'i' { // indexes serve changes, and a survey has none
			m[string(w.Key)] = slices.Clone(w.Value)
		}
	}
}

// Image gives what was written.
func (m imageMap) Image(key []byte) ([]byte, bool, error) {
	v, ok := m[string(key)]
	return v, ok, nil
}

// Keys finds nothing: a survey has no indexes.
func (m imageMap) Keys([]byte, func([]byte) bool) error { return nil }

// Scratch is none: one row is never too much for memory.
func (m imageMap) Scratch(string) Scratch { return noScratch{} }

type noScratch struct{}

var errNoScratch = errors.New("a survey has no scratch")

func (noScratch) Put([]byte, []byte) error                     { return errNoScratch }
func (noScratch) Get([]byte) ([]byte, bool, error)             { return nil, false, errNoScratch }
func (noScratch) Walk([]byte, func([]byte, []byte) bool) error { return errNoScratch }
func (noScratch) Clear() error                                 { return nil }
