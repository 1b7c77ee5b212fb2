package propose

import (
	"fmt"
	"slices"

	"github.com/rxvigil/rxvigil"
)

// owners says to whom an entity's rows belong: a line to its document, anything else to a tenant and perhaps a branch.
func (g *guess) owners(e *Entity) {
	switch e.Kind {
	case rxvigil.KindTenant:
		return
	case rxvigil.KindSaleLine, rxvigil.KindPrescriptionLine:
		of := g.of[rxvigil.KindSale]
		if e.Kind == rxvigil.KindPrescriptionLine {
			of = g.of[rxvigil.KindPrescription]
		}
		e.parent = &expr{column: referenceTo(e.table, of.table).name}
		g.linesOf(e)
		return
	case rxvigil.KindLot, rxvigil.KindSale, rxvigil.KindPrescription, rxvigil.KindMovement, rxvigil.KindLevel:
		if way := g.way(e.table, rxvigil.KindBranch); len(way) > 0 && len(way) <= 2 {
			v := via(way)
			e.branch = &v
		}
	}
	g.tenant(e)
}

func (g *guess) tenant(e *Entity) {
	if g.schema != "" && e.table.schema == g.schema {
		e.tenant = &expr{column: "schema"}
		return
	}
	if t := g.of[rxvigil.KindTenant]; t != nil && t.table != e.table {
		if all := paths(e.table, t.table, g.preference); len(all) > 0 {
			v := via(all[0])
			e.tenant = &v
			g.askOtherWays(e, all)
			return
		}
		if c, from := g.tenantColumn(e); c != nil {
			e.tenant = from
			return
		}
		if e.Kind == rxvigil.KindMedicine {
			e.tenant = &expr{column: "every"}
			g.ask(e, "tenant", fmt.Sprintf("Nothing leads from %s to %s. Is it one list that all of them share?", e.Table, t.Table))
			return
		}
		if e.Kind != rxvigil.KindPatient {
			e.tenant = &expr{konst: "main"}
			g.ask(e, "tenant", fmt.Sprintf("Nothing leads from %s to %s. Whose are its rows?", e.Table, t.Table))
			return
		}
		e.tenant = &expr{none: true}
		g.ask(e, "tenant", fmt.Sprintf("Nothing leads from %s to %s. Whose are its rows? Until that is known their events reach nobody.", e.Table, t.Table))
		return
	}
	if c, from := g.tenantColumn(e); c != nil {
		e.tenant = from
		if !g.askedTenant {
			g.askedTenant = true
			g.ask(e, "tenant", fmt.Sprintf("Is %s the pharmacy that a row belongs to? No table of pharmacies was found.", c.name))
		}
		return
	}
	if g.askedTenant && e.Kind == rxvigil.KindPatient { // others have one
		e.tenant = &expr{none: true}
		g.ask(e, "tenant", fmt.Sprintf("Nothing says to which pharmacy a row of %s belongs. Until that is known its events reach nobody.", e.Table))
		return
	}
	if g.askedTenant && e.Kind == rxvigil.KindMedicine {
		e.tenant = &expr{column: "every"}
		g.ask(e, "tenant", fmt.Sprintf("Nothing says to which pharmacy a row of %s belongs. Is it one list that all of them share?", e.Table))
		return
	}
	e.tenant = &expr{konst: "main"}
	switch {
	case g.askedTenant:
		g.ask(e, "tenant", fmt.Sprintf("Nothing says to which pharmacy a row of %s belongs. Whose are they?", e.Table))
	case !g.askedConst:
		g.askedConst = true
		g.ask(e, "tenant", "No table of pharmacies was found: is this the database of one pharmacy?")
	}
}

// askOtherWays asks where ways of the same length lead to the tenant.
func (g *guess) askOtherWays(e *Entity, all [][]hop) {
	var others []string
	for _, way := range all[1:] {
		if rank(way, g.preference) < rank(all[0], g.preference)+10 {
			others = append(others, via(way).String())
		}
	}
	if len(others) > 0 && len(all[0]) > 1 {
		g.ask(e, "tenant", "More than one way leads to the tenant. Which is right where they differ?", others...)
	}
}

// tenantColumn finds a column that is named for a tenant, in the table or in the branch that its rows belong to.
func (g *guess) tenantColumn(e *Entity) (*column, *expr) {
	named := func(t *table) *column {
		for _, c := range t.columns {
			n := len(c.words)
			if n > 1 && !c.generated && !slices.Contains(t.key, c.name) && holds(c.words[n-1:], "id", "code", "key") && fit(c.words[:n-1], terms("tenant, pharmacy, organization, organisation, org, company, business, site, account, clinic, hospital")) >= 0.9 {
				return c
			}
		}
		return nil
	}
	if c := named(e.table); c != nil {
		return c, &expr{column: c.name}
	}
	b := g.of[rxvigil.KindBranch]
	if b == nil || b.table == e.table {
		return nil, nil
	}
	way := g.way(e.table, rxvigil.KindBranch)
	c := named(b.table)
	if way == nil || c == nil {
		return nil, nil
	}
	by := via(way)
	return c, &expr{column: c.name, from: b.Table, by: &by}
}
