package propose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rxvigil/rxvigil"
)

const (
	sampleRows = 500 // read of each table
	fewValues  = 24  // a column with more values than that is no vocabulary
)

// samples reads some rows of each table that looks like a pharmacy's: the words in columns that have few of them, the sign
// of numbers, and how many rows have a value. Personal columns are counted, never read. References that no foreign key
// declares are kept when the rows they name are there.
func (r *reading) samples(ctx context.Context) error {
	guessed := guessReferences(r.db)
	for _, c := range guessed {
		if !c.table.readable || !c.refers.to.readable {
			continue
		}
		there, err := r.namesRows(ctx, c)
		if err != nil {
			return err
		}
		if !there {
			c.refers = nil
			continue
		}
		c.refers.to.referredBy++
	}
	for _, t := range r.db.tables {
		if !t.readable || aboutNothing(t) {
			continue
		}
		for _, look := range []func(context.Context, *table) error{r.checks, r.sample} {
			if err := look(ctx, t); err != nil && !busy(err) {
				return err
			}
		}
	}
	return nil
}

// namesRows tells whether the values of a column are keys of the table it seems to name. Without values the name decides.
func (r *reading) namesRows(ctx context.Context, c *column) (bool, error) {
	from, to := pgx.Identifier{c.table.schema, c.table.name}.Sanitize(), pgx.Identifier{c.refers.to.schema, c.refers.to.name}.Sanitize()
	sql := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM %s k WHERE k.%s = v.v)) FROM (SELECT DISTINCT s.v FROM (SELECT %s AS v FROM %s LIMIT %d) s WHERE s.v IS NOT NULL LIMIT 50) v",
		to, pgx.Identifier{c.refers.column}.Sanitize(), pgx.Identifier{c.name}.Sanitize(), from, sampleRows)
	var all, there int
	err := r.careful(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, sql).Scan(&all, &there) })
	if busy(err) {
		return true, nil
	}
	return err == nil && there*10 >= all*9, err
}

// sample fills in what the columns of a table hold.
func (r *reading) sample(ctx context.Context, t *table) error {
	var want []string
	var columns []*column
	for _, c := range t.columns {
		name := "s." + pgx.Identifier{c.name}.Sanitize()
		switch {
		case !c.personal && c.refers == nil && !slices.Contains(t.key, c.name) && (c.class == text || c.class == truth):
			want = append(want, fmt.Sprintf("CASE WHEN length(%s::text) <= 40 THEN %s::text ELSE '' END", name, name))
		case c.class == number && !c.personal:
			want = append(want, fmt.Sprintf("CASE WHEN %[1]s < 0 THEN '-' WHEN %[1]s IS NOT NULL THEN '+' END", name))
		default:
			want = append(want, fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN '' END", name))
		}
		columns = append(columns, c)
	}
	if len(want) == 0 {
		return nil
	}
	sql := fmt.Sprintf("SELECT %s FROM (SELECT * FROM %s LIMIT %d) s", strings.Join(want, ", "), pgx.Identifier{t.schema, t.name}.Sanitize(), sampleRows)
	counts, rows := make([]map[string]int, len(columns)), 0
	err := r.careful(ctx, func(tx pgx.Tx) error {
		found, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			rows++
			for i, v := range found.RawValues() {
				if v != nil && len(counts[i]) <= fewValues {
					if counts[i] == nil {
						counts[i] = map[string]int{}
					}
					counts[i][string(v)]++
				} else if v != nil {
					counts[i]["\x00more"]++
				}
			}
		}
		return found.Err()
	})
	if err != nil {
		return err
	}
	if t.rows < int64(rows) {
		t.rows = int64(rows)
	}
	for i, c := range columns {
		c.learn(counts[i], rows)
	}
	return nil
}

func (c *column) learn(counts map[string]int, rows int) {
	if rows == 0 {
		return
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	c.filled = float64(sum) / float64(rows)
	if c.class == number {
		c.negative = counts["-"] > 0
		return
	}
	if len(counts) > fewValues || c.personal {
		return
	}
	for word, n := range counts {
		if word != "" {
			c.values = append(c.values, value{word, n})
		}
	}
	slices.SortFunc(c.values, func(a, b value) int {
		if a.rows != b.rows {
			return b.rows - a.rows
		}
		return strings.Compare(a.text, b.text)
	})
}

// careful does one thing in a savepoint: a table that is locked or slow costs the look at it, not the whole.
func (r *reading) careful(ctx context.Context, do func(pgx.Tx) error) error {
	tx, err := r.tx.Begin(ctx)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback(ctx))
	}
	return tx.Commit(ctx)
}

// busy tells that somebody else has a table, or that it is too large to look at in time.
func busy(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "57014")
}

// words lists what a column may say: what its type or a constraint allows, and what it was seen to say.
func (c *column) vocabulary() []string {
	words := slices.Clone(c.labels)
	for _, v := range c.values {
		if !slices.Contains(words, v.text) {
			words = append(words, v.text)
		}
	}
	return words
}

// aboutNothing tells that a table's name says it is none of a pharmacy's.
func aboutNothing(t *table) bool {
	return fit(t.words, ignoredTerms()) >= 0.8 && fit(t.words, tableTerms(rxvigil.KindMovement)) < 0.6
}
