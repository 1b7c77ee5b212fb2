package propose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rxvigil/rxvigil"
)

// likely is the score from which a column is taken for a field, and sure the one from which nothing is asked.
const (
	likely = 0.45
	sure   = 0.75
)

// match scores a column as a field: by its name, and by whether its type can hold such a value.
func match(c *column, k rxvigil.Kind, field string, t rxvigil.FieldType) float64 {
	if c.generated || c.refers != nil || c.typeName == "uuid" {
		return 0
	}
	vocabulary := fieldTerms(k, field)
	named := max(fitColumn(c.words, vocabulary), 0.95*fitColumn(without(c.words, c.table.words), vocabulary))
	if len(c.table.words) > 1 { // product_name of pharmacy_products
		named = max(named, 0.9*fitColumn(without(c.words, c.table.words[len(c.table.words)-1:]), vocabulary))
	}
	if c.filled == 0 && c.table.rows > 0 { // what is never filled in says little
		named *= 0.6
	}
	if (k == rxvigil.KindMovement || k == rxvigil.KindSaleLine) && holds(c.words, "prescribed", "requested", "ordered", "expected", "suggested") {
		named *= 0.5 // what was wanted is not what moved
	}
	return named * suits(c.class, t)
}

// suits tells how well a class of values serves as a type.
func suits(c class, t rxvigil.FieldType) float64 {
	switch t {
	case rxvigil.TypeNumber:
		return map[class]float64{number: 1}[c]
	case rxvigil.TypeDay:
		return map[class]float64{day: 1, naive: 0.95, instant: 0.95}[c]
	case rxvigil.TypeInstant:
		return map[class]float64{instant: 1, naive: 1}[c]
	case rxvigil.TypeTruth:
		return map[class]float64{truth: 1}[c]
	case rxvigil.TypeStatus:
		return map[class]float64{text: 1, truth: 1}[c]
	}
	return map[class]float64{text: 1, number: 0.8}[c]
}

func fieldType(k rxvigil.Kind, field string) rxvigil.FieldType {
	s := rxvigil.NewSchema(k)
	return s.Fields[s.Index(field)].Type
}

// bestColumn finds the column of a field that is not taken yet.
func bestColumn(t *table, k rxvigil.Kind, field string, taken map[*column]bool) (*column, float64) {
	var best *column
	score := likely
	for _, c := range t.columns {
		if s := match(c, k, field, fieldType(k, field)); !taken[c] && s > score {
			best, score = c, s
		}
	}
	if best == nil {
		return nil, 0
	}
	return best, score
}

// beyond finds a field one table further: the expiry of a batch that the stock's row names.
func (g *guess) beyond(t *table, k rxvigil.Kind, field string) *Field {
	var best *Field
	for _, c := range t.columns {
		if c.refers == nil || !keyed(c.refers) || g.isOrganisation(c.refers.to) || g.of[rxvigil.KindMedicine] != nil && g.of[rxvigil.KindMedicine].table == c.refers.to {
			continue
		}
		found, score := bestColumn(c.refers.to, k, field, nil)
		if found == nil || score < sure || best != nil && best.Confidence >= score*0.9 {
			continue
		}
		best = &Field{
			Name: field, Confidence: score * 0.9, Why: c.refers.to.String() + "." + found.name,
			value: g.valued(expr{column: found.name, from: c.refers.to.String(), by: &expr{column: c.name}}, found, fieldType(k, field)),
		}
	}
	return best
}

func (g *guess) isOrganisation(t *table) bool {
	for _, k := range []rxvigil.Kind{rxvigil.KindTenant, rxvigil.KindBranch, rxvigil.KindPatient} {
		if e := g.of[k]; e != nil && e.table == t {
			return true
		}
	}
	return false
}

// pick is a column offered for a field.
type pick struct {
	field  string
	column *column
	score  float64
}

// fields finds the columns of an entity's fields, the surest first, so that no column serves twice.
func (g *guess) fields(e *Entity) {
	if e.bare {
		return
	}
	schema := rxvigil.NewSchema(e.Kind)
	var picks []pick
	for _, f := range schema.Fields {
		if f.Name == "native_status" || f.Type == rxvigil.TypeRef {
			continue
		}
		for _, c := range e.told().columns {
			if s := match(c, e.Kind, f.Name, f.Type); s >= likely && !slices.Contains(e.told().key, c.name) {
				picks = append(picks, pick{f.Name, c, s})
			}
		}
	}
	slices.SortStableFunc(picks, func(a, b pick) int { return int(1000*b.score) - int(1000*a.score) })
	taken, chosen := map[*column]bool{}, map[string]pick{}
	for _, p := range picks {
		if _, done := chosen[p.field]; !done && !taken[p.column] {
			chosen[p.field], taken[p.column] = p, true
		}
	}
	for _, f := range schema.Fields {
		g.field(e, f, chosen, picks, taken)
	}
	g.gone(e)
	e.reroot()
	if len(e.missing) > 0 {
		var paths []string
		for _, name := range e.missing {
			paths = append(paths, e.path()+".fields."+name)
		}
		e.asks["missing"] = []int{len(g.p.Doubts) + 1}
		g.p.Doubts = append(g.p.Doubts, Doubt{Paths: paths, Question: fmt.Sprintf("No column of %s looks like its %s. Is there one?", e.Table, strings.Join(e.missing, ", "))})
	}
}

func (g *guess) field(e *Entity, f rxvigil.Field, chosen map[string]pick, picks []pick, taken map[*column]bool) {
	if f.Name == "native_status" || f.Name == parentField(e.Kind) {
		return
	}
	if f.Type == rxvigil.TypeRef {
		g.refers(e, f.Name)
		return
	}
	p, found := chosen[f.Name]
	if !found {
		if e.Kind == rxvigil.KindLot && g.held(e, f.Name) {
			return
		}
		if e.Kind == rxvigil.KindLot && f.Name == "reserved" && e.notAvailable(chosen["on_hand"].column) {
			g.ask(e, "fields.reserved", "Is what is not available of the total reserved?")
			return
		}
		if further := nameBeyond(e.table); e.Kind == rxvigil.KindBranch && f.Name == "name" && further != nil {
			e.Fields = append(e.Fields, *further)
			g.ask(e, "fields.name", fmt.Sprintf("Is the name of a branch %s?", further.Why))
			return
		}
		if further := g.beyond(e.table, e.Kind, f.Name); further != nil && e.Kind == rxvigil.KindLot {
			e.Fields = append(e.Fields, *further)
			g.ask(e, "fields."+f.Name, fmt.Sprintf("Is the %s of a lot %s?", f.Name, further.Why))
			return
		}
		e.missing = append(e.missing, f.Name)
		return
	}
	e.Fields = append(e.Fields, Field{
		Name: f.Name, Confidence: min(p.score, 0.99), Why: "its name and type",
		value: g.valued(expr{column: p.column.name}, p.column, f.Type),
	})
	line := "fields." + f.Name
	var rivals []string
	for _, r := range picks {
		if r.field == f.Name && r.column != p.column && r.score > p.score*0.75 && !taken[r.column] {
			rivals = append(rivals, r.column.name)
		}
	}
	switch {
	case len(rivals) > 0:
		g.ask(e, line, fmt.Sprintf("Which column is the %s of a %s? %s was taken.", f.Name, e.Kind, p.column.name), rivals...)
	case p.score < sure:
		g.ask(e, line, fmt.Sprintf("Is %s the %s of a %s?", p.column.name, f.Name, e.Kind))
	}
	g.meaning(e, f, p.column)
}

// valued adds to an expression what the type of its column needs.
func (g *guess) valued(v expr, c *column, t rxvigil.FieldType) expr {
	if c.class == naive && t == rxvigil.TypeInstant || c.class != day && t == rxvigil.TypeDay {
		v.zone = g.p.Zone
	}
	if t == rxvigil.TypeNumber && holds(c.words, "pack", "packet", "box", "carton", "boite") {
		for _, size := range c.table.columns {
			if size.class == number && fit(size.words, terms("pack size, packet size, box size, units per pack, unit per pack, units per box, pieces per pack, conversion factor:8")) >= 0.8 {
				if holds(c.words, "per", "price", "cost") { // of a pack, not of what is in it
					v.over, v.round = size.name, 6
					continue
				}
				v.times = size.name
				if strings.HasPrefix(c.typeName, "double") || strings.HasPrefix(size.typeName, "double") || c.typeName == "real" {
					v.round = 6
				}
			}
		}
	}
	return v
}

// meaning asks what a column's values mean where its type does not say: times without zone, statuses, signs.
func (g *guess) meaning(e *Entity, f rxvigil.Field, c *column) {
	field := &e.Fields[len(e.Fields)-1]
	line := "fields." + f.Name
	switch {
	case f.Type == rxvigil.TypeInstant && c.class == naive:
		g.ask(e, line, fmt.Sprintf("In which zone are the times of %s, which have none?", c.name), "UTC")
	case f.Type == rxvigil.TypeDay && c.class != day:
		g.ask(e, line, fmt.Sprintf("%s is a moment, not a date. In which zone is it the right day?", c.name), "UTC")
	case f.Type == rxvigil.TypeStatus:
		g.words(e, field, c)
	case e.Kind == rxvigil.KindMovement && f.Name == "quantity":
		g.sign(e, field, c)
	}
}

// held takes an is_active of a lot, turned round.
func (g *guess) held(e *Entity, field string) bool {
	if field != "held" {
		return false
	}
	for _, c := range e.table.columns {
		if c.class == truth && fit(c.words, terms("active, is active, enabled, is enabled, sellable, is sellable, available, is available")) >= 0.9 {
			e.Fields = append(e.Fields, Field{
				Name: field, Confidence: 0.7, Why: "what is not active is not sold",
				value: expr{column: c.name, words: [][2]string{{"t", "false"}, {"f", "true"}}},
			})
			g.ask(e, "fields.held", fmt.Sprintf("Is a lot whose %s is false kept out of sale?", c.name))
			return true
		}
	}
	return false
}

func parentField(k rxvigil.Kind) string {
	switch k {
	case rxvigil.KindSaleLine:
		return "sale"
	case rxvigil.KindPrescriptionLine:
		return "prescription"
	}
	return ""
}

// refers finds the path to what a reference field names.
func (g *guess) refers(e *Entity, field string) {
	target := map[string]rxvigil.Kind{
		"medicine": rxvigil.KindMedicine, "lot": rxvigil.KindLot, "patient": rxvigil.KindPatient, "prescription_line": rxvigil.KindPrescriptionLine,
		"prescription": rxvigil.KindPrescription,
	}[field]
	to := g.of[target]
	switch {
	case e.silent && target == rxvigil.KindPrescription:
		e.Fields = append(e.Fields, Field{Name: field, Confidence: 0.9, Why: "the same row", value: expr{column: e.key[0]}})
		return
	case to == nil:
		return // the kind itself is asked for
	case to.table == e.table && (target == rxvigil.KindPrescription || target == rxvigil.KindPrescriptionLine):
		return // another document in the same table
	case to.table == e.table && len(e.key) == 1:
		e.Fields = append(e.Fields, Field{Name: field, Confidence: 0.9, Why: "the same row", value: expr{column: e.key[0]}})
		return
	}
	if to.batch != nil {
		if c := referenceTo(e.table, to.batch); c != nil {
			e.Fields = append(e.Fields, Field{Name: field, Confidence: 0.9, Why: "it names " + to.batch.String() + ", as " + to.Table + " does", value: expr{column: c.name}})
			return
		}
	}
	way := g.way(e.table, target)
	if way == nil || target != rxvigil.KindMedicine && len(way) > 1 {
		if target == rxvigil.KindLot || target == rxvigil.KindMedicine {
			e.missing = append(e.missing, field)
		}
		return
	}
	declared := true
	for _, h := range way {
		declared = declared && h.from.refers.declared
	}
	f := Field{Name: field, Confidence: 0.97, Why: "a foreign key", value: via(way)}
	if !declared {
		f.Confidence, f.Why = 0.85, "its name, and its values are keys there"
	}
	if len(way) > 1 {
		f.Why += fmt.Sprintf(", over %d tables", len(way))
	}
	e.Fields = append(e.Fields, f)
}

// gone finds how the app deletes without deleting.
func (g *guess) gone(e *Entity) {
	yes, no := true, false
	for _, c := range e.told().columns {
		words := without(c.words, e.told().words)
		switch {
		case (c.class == instant || c.class == naive) && fit(words, terms("deleted at, deleted on, deleted datetime, deleted date, removed at, archived at, date suppression, supprime le, deletado em, dihapus pada")) >= 0.9:
			e.gone = &predicate{column: c.name, null: &no}
			return
		case c.class == truth && fit(words, terms("deleted, is deleted, is removed, archived:8, is archived:8, trashed, supprime, eliminado, excluido, dihapus")) >= 0.8:
			e.gone = &predicate{column: c.name, truth: &yes}
			return
		}
	}
}
