package propose

import (
	"slices"

	"github.com/rxvigil/rxvigil"
)

// reference is what a column names: a row of another table, by a column that is unique there.
type reference struct {
	to       *table
	column   string
	declared bool // by a foreign key; else its name says so, and the values in the sample are all there
}

// hop is one step of a path: a column, and the table that it leads to.
type hop struct {
	from *column
	to   *table
}

// longestPath is how many tables may lie between a row and what it belongs to.
const longestPath = 4

// paths gives the shortest ways by references from a table to another one: those of equal length, the better ones first.
func paths(from, to *table, prefer func(*table) int) [][]hop {
	type way struct{ hops []hop }
	edge := []way{{}}
	at := func(w way) *table {
		if len(w.hops) == 0 {
			return from
		}
		return w.hops[len(w.hops)-1].to
	}
	for range longestPath {
		var next []way
		var found [][]hop
		for _, w := range edge {
			for _, c := range at(w).columns {
				r := c.refers
				if r == nil || c.generated || r.to == from || !keyed(r) || slices.ContainsFunc(w.hops, func(h hop) bool { return h.to == r.to }) {
					continue
				}
				longer := way{append(slices.Clone(w.hops), hop{c, r.to})}
				if r.to == to {
					found = append(found, longer.hops)
				}
				next = append(next, longer)
			}
		}
		if len(found) > 0 {
			slices.SortStableFunc(found, func(a, b []hop) int { return rank(a, prefer) - rank(b, prefer) })
			return found
		}
		edge = next
	}
	return nil
}

// keyed tells whether a reference names a row by its primary key.
func keyed(r *reference) bool { return slices.Equal(r.to.key, []string{r.column}) }

func rank(hops []hop, prefer func(*table) int) int {
	sum := 0
	for _, h := range hops {
		sum += 10 * prefer(h.to)
		if h.from.optional {
			sum += 3
		}
		if !h.from.refers.declared {
			sum++
		}
	}
	return sum
}

// via is the expression of a path: the last column that is read, looked up table by table.
func via(hops []hop) expr {
	e := expr{column: hops[0].from.name}
	for i := 1; i < len(hops); i++ {
		by := e
		e = expr{column: hops[i].from.name, from: hops[i-1].to.String(), by: &by}
	}
	return e
}

// guessReferences finds references that no foreign key declares: a column named for a table, of a type its key has.
func guessReferences(db *Database) []*column {
	var guessed []*column
	for _, t := range db.tables {
		for _, c := range t.columns {
			if c.refers != nil || c.class != text && c.class != number {
				continue
			}
			if r := guessReference(db, t, c); r != nil {
				c.refers = r
				guessed = append(guessed, c)
			}
		}
	}
	return guessed
}

func guessReference(db *Database, t *table, c *column) *reference {
	if n := len(c.words); n < 2 || !holds(c.words[n-1:], "id", "ref", "uuid") {
		return nil
	}
	stem := c.words[:len(c.words)-1]
	var best *table
	for _, to := range db.tables {
		if to == t || len(to.key) != 1 || to.schema != t.schema && to.schema != "public" {
			continue
		}
		key := to.column(to.key[0])
		if key == nil || key.typeName != c.typeName {
			continue
		}
		if slices.Equal(to.words, stem) {
			return &reference{to: to, column: key.name}
		}
		// batch_id means product_batches where there is no table of batches.
		if len(to.words) > len(stem) && slices.Equal(to.words[len(to.words)-len(stem):], stem) && (best == nil || len(to.words) < len(best.words)) {
			best = to
		}
	}
	if best == nil {
		best = bySynonym(db, t, c, stem)
	}
	if best == nil {
		return nil
	}
	return &reference{to: best, column: best.key[0]}
}

// bySynonym finds the only table of the kind that a column's name means: order_id of a table beside sales_orders.
func bySynonym(db *Database, t *table, c *column, stem []string) *table {
	for _, k := range rxvigil.Kinds() {
		if fit(stem, tableTerms(k)) < 0.6 {
			continue
		}
		var found []*table
		for _, to := range db.tables {
			if to != t && len(to.key) == 1 && fit(to.words, tableTerms(k)) >= 0.8 && to.column(to.key[0]) != nil && to.column(to.key[0]).typeName == c.typeName {
				found = append(found, to)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return nil
}
