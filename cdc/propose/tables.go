package propose

import (
	"fmt"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// enough is the score from which a table is taken for a kind.
const enough = 0.5

// candidate is a table that may be a kind.
type candidate struct {
	table *table
	where []*predicate
	score float64
	why   []string
}

// tables finds the table of each kind, in an order in which each can build on those before.
func (g *guess) tables() {
	for _, k := range []rxvigil.Kind{
		rxvigil.KindTenant, rxvigil.KindBranch, rxvigil.KindMedicine, rxvigil.KindLot, rxvigil.KindPatient, rxvigil.KindPrescription,
		rxvigil.KindPrescriptionLine, rxvigil.KindSale, rxvigil.KindSaleLine, rxvigil.KindMovement, rxvigil.KindLevel,
	} {
		g.table(k)
	}
	g.joined()
	g.dispensing()
	slices.SortStableFunc(g.p.Entities, func(a, b *Entity) int { return int(a.Kind) - int(b.Kind) })
	for _, k := range []rxvigil.Kind{rxvigil.KindMedicine, rxvigil.KindLot} {
		if g.of[k] == nil {
			g.doubt("mapping."+k.String(), fmt.Sprintf("No table looks like the %ss. Which one is it? Without it there is nothing to watch.", k))
		}
	}
}

func (g *guess) table(k rxvigil.Kind) {
	var found []candidate
	for _, t := range g.db.tables {
		if t.readable && !g.used[t] && len(t.key) > 0 {
			if c := g.weigh(k, t); c.score >= enough*0.8 {
				found = append(found, c)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return int(1000*b.score) - int(1000*a.score) })
	if len(found) == 0 || found[0].score < enough {
		if c, ok := g.shared(k); ok {
			g.take(k, c, nil)
		}
		return
	}
	var rivals []string
	for _, c := range found[1:] {
		if c.score > found[0].score*0.85 {
			rivals = append(rivals, c.table.String())
		}
	}
	g.take(k, found[0], rivals)
}

func (g *guess) take(k rxvigil.Kind, c candidate, rivals []string) {
	e := &Entity{
		Kind: k, Table: c.table.String(), Confidence: min(c.score, 0.99), Why: c.why,
		table: c.table, key: c.table.key, where: c.where, asks: map[string][]int{},
	}
	if c.table.rows >= 0 {
		e.Why = append(e.Why, fmt.Sprintf("about %d rows", c.table.rows))
	}
	g.of[k], g.used[c.table] = e, true
	g.p.Entities = append(g.p.Entities, e)
	if len(rivals) > 0 {
		g.ask(e, "table", fmt.Sprintf("Is %s the table of the %ss?", e.Table, k), rivals...)
	} else if e.Confidence < 0.7 {
		g.ask(e, "table", fmt.Sprintf("Is %s really the table of the %ss? It is %s sure.", e.Table, k, percent(e.Confidence)))
	}
}

// weigh scores a table as a kind. What a kind cannot do without gives 0.
func (g *guess) weigh(k rxvigil.Kind, t *table) candidate {
	c := candidate{table: t}
	named := fit(t.words, tableTerms(k))
	if aboutNothing(t) && named < 0.9 {
		return c
	}
	add := func(share, much float64, why string) {
		c.score += share * much
		if share*much >= 0.04 {
			c.why = append(c.why, why)
		}
	}
	field := func(share float64, name string) {
		if column, sure := bestColumn(t, k, name, nil); column != nil {
			add(share, sure, column.name)
		}
	}
	referred := min(1, float64(t.referredBy)/3)
	switch k {
	case rxvigil.KindTenant, rxvigil.KindBranch:
		add(0.7, named, "its name")
		add(0.3, referred, fmt.Sprintf("%d tables refer to it", t.referredBy))
		if tenant := g.of[rxvigil.KindTenant]; k == rxvigil.KindBranch && tenant != nil && paths(t, tenant.table, flat) != nil {
			add(0.1, 1, "it belongs to a tenant")
		}
	case rxvigil.KindMedicine:
		add(0.5, named, "its name")
		field(0.15, "name")
		field(0.1, "price")
		field(0.15, "reorder_level")
		field(0.1, "requires_prescription")
		add(0.15, referred, fmt.Sprintf("%d tables refer to it", t.referredBy))
	case rxvigil.KindLot:
		on, sure := bestColumn(t, k, "on_hand", nil)
		if on == nil || g.way(t, rxvigil.KindMedicine) == nil || movementLike(t) {
			return c
		}
		add(0.35, named, "its name")
		add(0.2, sure, on.name)
		switch expires, sure := bestColumn(t, k, "expires", nil); {
		case expires != nil:
			add(0.35, sure, expires.name)
		case g.beyond(t, k, "expires") != nil:
			add(0.25, 1, "its batch has an expiry")
		default:
			return candidate{}
		}
		field(0.1, "number")
	case rxvigil.KindSale, rxvigil.KindPrescription:
		add(0.65, named, "its name")
		if child := g.childOf(t); child != nil {
			add(0.25, 1, child.String()+" has its lines")
		}
		field(0.1, "status")
	case rxvigil.KindSaleLine, rxvigil.KindPrescriptionLine:
		parent := g.of[rxvigil.KindSale]
		if k == rxvigil.KindPrescriptionLine {
			parent = g.of[rxvigil.KindPrescription]
		}
		if parent == nil || referenceTo(t, parent.table) == nil || g.way(t, rxvigil.KindMedicine) == nil && g.way(t, rxvigil.KindLot) == nil {
			return c
		}
		add(0.3, named, "its name")
		add(0.35, 1, "it belongs to "+parent.Table)
		field(0.35, "quantity")
	case rxvigil.KindPatient:
		add(0.6, named, "its name")
		field(0.1, "first_name")
		field(0.15, "birth_date")
		field(0.05, "phone")
		add(0.1, referred, fmt.Sprintf("%d tables refer to it", t.referredBy))
	case rxvigil.KindLevel:
		if g.way(t, rxvigil.KindMedicine) == nil || g.way(t, rxvigil.KindBranch) == nil {
			return c
		}
		add(0.6, named, "its name")
		field(0.4, "reorder_level")
	case rxvigil.KindMovement:
		if g.way(t, rxvigil.KindMedicine) == nil && g.way(t, rxvigil.KindLot) == nil {
			return c
		}
		add(0.65, named, "its name")
		field(0.2, "quantity")
		field(0.15, "reason")
	}
	return c
}

func flat(*table) int { return 1 }

// movementLike tells a ledger's name: its quantities are no stock.
func movementLike(t *table) bool { return fit(t.words, tableTerms(rxvigil.KindMovement)) >= 0.8 }

// way is the best path from a table to the table of a kind; nil: there is none.
func (g *guess) way(t *table, k rxvigil.Kind) []hop {
	e := g.of[k]
	if e == nil || e.table == t {
		return nil
	}
	if all := paths(t, e.table, g.preference); len(all) > 0 {
		return all[0]
	}
	return nil
}

// preference ranks the tables on a path: what belongs to a branch belongs to the branch's tenant.
func (g *guess) preference(t *table) int {
	for i, k := range []rxvigil.Kind{rxvigil.KindBranch, rxvigil.KindLot, rxvigil.KindMedicine} {
		if e := g.of[k]; e != nil && e.table == t {
			return i
		}
	}
	return 4
}

// childOf is a table whose rows are lines of a document: it refers to it, and to goods, with a quantity.
func (g *guess) childOf(t *table) *table {
	for _, child := range g.db.tables {
		if child == t || referenceTo(child, t) == nil {
			continue
		}
		quantity, _ := bestColumn(child, rxvigil.KindSaleLine, "quantity", nil)
		if quantity != nil && (g.way(child, rxvigil.KindMedicine) != nil || g.way(child, rxvigil.KindLot) != nil) {
			return child
		}
	}
	return nil
}

func referenceTo(t, to *table) *column {
	for _, c := range t.columns {
		if c.refers != nil && c.refers.to == to && keyed(c.refers) {
			return c
		}
	}
	return nil
}

// shared finds a kind in a table that is another one as well: the stock in the medicine's own row, or documents told apart
// by a column.
func (g *guess) shared(k rxvigil.Kind) (candidate, bool) {
	if k == rxvigil.KindLot {
		m := g.of[rxvigil.KindMedicine]
		if m == nil {
			return candidate{}, false
		}
		on, sure := bestColumn(m.table, k, "on_hand", nil)
		expires, _ := bestColumn(m.table, k, "expires", nil)
		if on == nil || expires == nil {
			return candidate{}, false
		}
		return candidate{table: m.table, score: 0.5 + sure*0.4, why: []string{"no table of lots, and " + m.Table + " has " + on.name + " and " + expires.name}}, true
	}
	switch k {
	case rxvigil.KindSaleLine:
		return g.sharedLines()
	case rxvigil.KindMovement:
		return g.sharedMovements()
	case rxvigil.KindPatient, rxvigil.KindPrescription, rxvigil.KindSale:
	default:
		return candidate{}, false
	}
	for _, t := range g.db.tables {
		if !t.readable || len(t.key) == 0 || k != rxvigil.KindPatient && g.childOf(t) == nil {
			continue
		}
		for _, c := range t.columns {
			if words := ofKind(c, k); len(words) > 0 {
				return candidate{
					table: t, where: append([]*predicate{{column: c.name, in: words}}, notReversed(t)...), score: 0.75,
					why: []string{fmt.Sprintf("rows of %s whose %s says so", t, c.name)},
				}, true
			}
		}
	}
	return candidate{}, false
}

// ofKind lists the words of a discriminating column that mean a kind.
func ofKind(c *column, k rxvigil.Kind) []string {
	if c.class != text || !holds(c.words, "type", "kind", "tipo", "jenis", "loai") || len(c.vocabulary()) < 2 {
		return nil
	}
	var words []string
	for _, w := range c.vocabulary() {
		if fit(wordsOf(w), append(tableTerms(k), documentTerms(k)...)) >= 0.9 {
			words = append(words, w)
		}
	}
	return words
}
