package propose

import (
	"fmt"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// identity finds what names an entity where that is not the key of its table.
func (g *guess) identity(e *Entity) {
	switch e.Kind {
	case rxvigil.KindLot:
		g.lotIdentity(e)
	case rxvigil.KindLevel:
		g.levelIdentity(e)
	}
}

// lotIdentity names a lot by its batch where the row of its stock is only a balance, so that movements, which name the batch,
// find it. A batch that is not one branch's own may lie in several.
func (g *guess) lotIdentity(e *Entity) {
	if m := g.way(e.table, rxvigil.KindMedicine); len(m) == 1 && !m[0].from.refers.declared {
		g.ask(e, "where", fmt.Sprintf("Nothing declares that %s is a key of %s. Where it names none, shall the stock wait for it? Then add: where: {column: %s, from: %s, by: %s, null: false}.",
			m[0].from.name, m[0].to, m[0].from.refers.column, m[0].to, m[0].from.name))
	}
	if own, _ := bestColumn(e.table, e.Kind, "expires", nil); own != nil {
		return
	}
	for _, c := range e.table.columns {
		if c.refers == nil || !keyed(c.refers) || g.way(c.refers.to, rxvigil.KindMedicine) == nil {
			continue
		}
		expires, _ := bestColumn(c.refers.to, e.Kind, "expires", nil)
		if expires == nil || e.branch != nil && g.way(c.refers.to, rxvigil.KindBranch) == nil {
			continue
		}
		e.key, e.batch = []string{c.name}, c.refers.to
		g.ask(e, "key", fmt.Sprintf("A lot is named by its %s, as movements name it. Has %s never more than one row for it?", c.name, e.Table), strings.Join(e.table.key, ", "))
		return
	}
}

// levelIdentity takes the newest row for a medicine in a branch where a run writes new ones.
func (g *guess) levelIdentity(e *Entity) {
	for _, c := range e.table.columns {
		if c.class == text && len(c.vocabulary()) > 0 && c.refers == nil && holds(c.words, "status", "state") {
			g.ask(e, "where", fmt.Sprintf("Does a row count whatever %s says (%s)? Else add: where: {column: %s, not_in: […]}.", c.name, strings.Join(c.vocabulary(), ", "), c.name))
		}
	}
	branch, medicine := g.way(e.table, rxvigil.KindBranch), g.way(e.table, rxvigil.KindMedicine)
	newest := newestColumn(e.table)
	if len(branch) != 1 || len(medicine) != 1 || newest == nil || len(e.key) != 1 {
		return
	}
	e.key, e.newest = []string{branch[0].from.name, medicine[0].from.name}, newest.name
	g.ask(e, "newest", fmt.Sprintf("Of several rows for a medicine in a branch the last one by %s counts. Is that right?", newest.name))
}

func newestColumn(t *table) *column {
	var best *column
	score := likely
	for _, c := range t.columns {
		if s := fit(c.words, newestTerms()) * suits(c.class, rxvigil.TypeInstant); s > score {
			best, score = c, s
		}
	}
	return best
}
