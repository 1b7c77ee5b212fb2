package propose

import (
	"fmt"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// Some apps have one table for all documents, told apart by a column, and one for their lines.

// documentTerms are words of a column that tells documents apart, beside the names of tables.
func documentTerms(k rxvigil.Kind) []phrase {
	if k == rxvigil.KindSale {
		return terms("outbound shipment, outbound, outgoing, stock issue, issue, dispatch, delivery note:9, customer invoice, out invoice, customer sale")
	}
	return nil
}

// notReversed leaves out documents that only undo others.
func notReversed(t *table) []*predicate {
	no := false
	for _, c := range t.columns {
		if c.class == truth && fit(c.words, terms("is cancellation, cancellation, is reversal, reversal, is reversed, is storno, is credit note")) >= 0.9 {
			return []*predicate{{column: c.name, truth: &no}}
		}
	}
	return nil
}

// sharedLines finds the lines of sales among those of other documents of the same table.
func (g *guess) sharedLines() (candidate, bool) {
	sale, other := g.of[rxvigil.KindSale], g.of[rxvigil.KindPrescriptionLine]
	if sale == nil || other == nil || len(sale.where) == 0 || referenceTo(other.table, sale.table) == nil {
		return candidate{}, false
	}
	return candidate{table: other.table, score: 0.7, why: []string{"it has the lines of all that " + sale.Table + " has"}}, true
}

// linesOf takes of a table of lines those of the kind's documents, as their own table tells.
func (g *guess) linesOf(e *Entity) {
	kind := rxvigil.KindSale
	if e.Kind == rxvigil.KindPrescriptionLine {
		kind = rxvigil.KindPrescription
	}
	for _, of := range g.p.Entities {
		if of.Kind != kind {
			continue
		}
		for _, p := range of.where {
			by := *e.parent
			i := slices.IndexFunc(e.where, func(o *predicate) bool { return o.column == p.column })
			if i < 0 {
				e.where = append(e.where, &predicate{column: p.column, from: of.Table, by: &by, in: slices.Clone(p.in), null: p.null, truth: p.truth})
				continue
			}
			e.where[i].in = append(e.where[i].in, p.in...)
		}
	}
}

// dispensing counts as sold what is handed out by prescriptions that stand in one table with sales.
func (g *guess) dispensing() {
	sale, prescription := g.of[rxvigil.KindSale], g.of[rxvigil.KindPrescription]
	if sale == nil || prescription == nil || sale.table != prescription.table || len(prescription.where) == 0 {
		return
	}
	e := &Entity{
		Kind: rxvigil.KindSale, Table: sale.Table, Confidence: 0.6, Why: []string{"what a prescription hands out is used, too"},
		table: sale.table, key: sale.key, where: prescription.where, silent: true, nth: 1, asks: map[string][]int{},
	}
	g.p.Entities = append(g.p.Entities, e)
	g.ask(e, "silent", "Are goods handed out on a prescription without a sale? Then they count as sold, and only the prescription is told.")
}

// sharedMovements finds lines that say themselves whether goods came in or went out.
func (g *guess) sharedMovements() (candidate, bool) {
	lot := g.of[rxvigil.KindLot]
	if lot == nil {
		return candidate{}, false
	}
	for _, t := range g.db.tables {
		c := referenceTo(t, lot.table)
		kind, _ := bestColumn(t, rxvigil.KindMovement, "reason", nil)
		if !t.readable || len(t.key) == 0 || c == nil || kind == nil || !bothWays(kind.vocabulary()) {
			continue
		}
		var where []*predicate
		if no := false; c.optional {
			where = append(where, &predicate{column: c.name, null: &no})
		}
		return candidate{table: t, where: append(where, moved(t)...), score: 0.6, why: []string{kind.name + " says whether goods came in or went out"}}, true
	}
	return candidate{}, false
}

func bothWays(words []string) bool {
	signs := map[string]bool{}
	for _, w := range words {
		if sign, certain := signOf(w); certain {
			signs[sign] = true
		}
	}
	return len(signs) == 2
}

// moved takes lines of documents that are no longer only intended.
func moved(t *table) []*predicate {
	for _, c := range t.columns {
		if c.refers == nil || !keyed(c.refers) {
			continue
		}
		status, _ := bestColumn(c.refers.to, rxvigil.KindSale, "status", nil)
		if status == nil || len(status.vocabulary()) < 3 {
			continue
		}
		words := slices.DeleteFunc(status.vocabulary(), func(w string) bool {
			canonical, _ := meaningOf(rxvigil.KindSale, w)
			return canonical == "pending" || canonical == "draft"
		})
		return []*predicate{{column: status.name, from: c.refers.to.String(), by: &expr{column: c.name}, in: words}}
	}
	return nil
}

// tenantOfBranches takes for tenants what branches name, where no table of theirs was found.
func (g *guess) tenantOfBranches() {
	b := g.of[rxvigil.KindBranch]
	if g.of[rxvigil.KindTenant] != nil || b == nil || b.tenant == nil || b.tenant.from != "" || b.tenant.konst != "" || b.tenant.none {
		return
	}
	e := &Entity{
		Kind: rxvigil.KindTenant, Table: b.Table, Confidence: b.Confidence * 0.8, Why: []string{"each branch names one"},
		table: b.table, key: []string{b.tenant.column}, bare: true, asks: map[string][]int{},
	}
	g.p.Entities = slices.Insert(g.p.Entities, 0, e)
}

// joined finds to whom patients belong in a table that joins them with branches: it is their table then.
func (g *guess) joined() {
	p, b := g.of[rxvigil.KindPatient], g.of[rxvigil.KindBranch]
	if p == nil || b == nil || g.way(p.table, rxvigil.KindBranch) != nil || g.way(p.table, rxvigil.KindTenant) != nil {
		return
	}
	for _, t := range g.db.tables {
		if g.used[t] || !t.readable || len(t.columns) > 8 || referenceTo(t, b.table) == nil {
			continue
		}
		ways := paths(t, p.table, flat)
		if len(ways) == 0 || len(ways[0]) > 2 {
			continue
		}
		p.base, p.through, p.batch = p.table, ways[0], ways[0][0].to
		p.table, p.Table, p.key = t, t.String(), []string{ways[0][0].from.name}
		p.Why = append(p.Why, t.String()+" says which branches know them")
		g.used[t] = true
		g.ask(p, "table", fmt.Sprintf("%s says which branch knows a patient. Does a patient belong to the pharmacy of that branch?", t))
		return
	}
}

// reroot reads what tells of an entity from the table that says to whom it belongs.
func (e *Entity) reroot() {
	if e.base == nil {
		return
	}
	by := via(e.through)
	for i := range e.Fields {
		if v := &e.Fields[i].value; v.from == "" && v.konst == "" {
			v.from, v.by = e.base.String(), &by
		}
	}
	for _, p := range append(slices.Clone(e.where), e.gone) {
		if p != nil && p.from == "" {
			p.from, p.by = e.base.String(), &by
		}
	}
}

// notAvailable takes for reserved what the total has more than what is available.
func (e *Entity) notAvailable(total *column) bool {
	if total == nil || !holds(total.words, "total") {
		return false
	}
	for _, c := range e.table.columns {
		if c.class != number || len(c.words) != len(total.words) || !holds(c.words, "available", "free") {
			continue
		}
		rest := func(words []string) []string {
			return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return holds([]string{w}, "total", "available", "free") })
		}
		if !slices.Equal(rest(c.words), rest(total.words)) {
			continue
		}
		for _, f := range e.Fields {
			if f.Name == "on_hand" {
				v := f.value
				v.minus = c.name
				e.Fields = append(e.Fields, Field{Name: "reserved", Confidence: 0.7, Why: "the total without " + c.name, value: v})
				return true
			}
		}
	}
	return false
}

// nameBeyond finds the name of a branch in the table of names, partners or addresses that it refers to.
func nameBeyond(t *table) *Field {
	for _, c := range t.columns {
		if c.refers == nil || !keyed(c.refers) || !holds(c.words, "name", "party", "partner", "contact", "address", "organisation", "organization") {
			continue
		}
		way := []hop{{c, c.refers.to}}
		for range 2 {
			at := way[len(way)-1].to
			by := via(way)
			if name, score := bestColumn(at, rxvigil.KindBranch, "name", nil); name != nil && score >= sure {
				return &Field{Name: "name", Confidence: 0.8, Why: at.String() + "." + name.name, value: expr{column: name.name, from: at.String(), by: &by}}
			}
			i := slices.IndexFunc(at.columns, func(c *column) bool { return c.refers != nil && keyed(c.refers) && c.refers.to != t })
			if i < 0 {
				break
			}
			way = append(way, hop{at.columns[i], at.columns[i].refers.to})
		}
	}
	return nil
}
