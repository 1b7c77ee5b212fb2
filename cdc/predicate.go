package cdc

import "slices"

// test is a compiled Predicate.
type test struct {
	column int
	in     map[string]bool
	negate bool
	null   bool
	truth  bool
}

// tests must all hold.
type tests []*test

// lookedUp tells whether one of the questions is about another row: then they are asked when the transaction is netted.
func (all Predicates) lookedUp() bool {
	return slices.ContainsFunc(all, func(p Predicate) bool { return p.From != "" })
}

// own are the questions about the row itself.
func (all Predicates) own() Predicates {
	return slices.DeleteFunc(slices.Clone(all), func(p Predicate) bool { return p.From != "" })
}

func compileTests(all Predicates, at func(*Predicate) (int, error)) (tests, error) {
	var ts tests
	for i := range all {
		t, err := compileTest(&all[i], at)
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	return ts, nil
}

// ask answers for a row; known is false where the row does not tell. One that does not hold decides.
func (ts tests) ask(row []Column) (yes, known bool) {
	known = true
	for _, t := range ts {
		y, k := t.ask(row)
		if k && !y {
			return false, true
		}
		known = known && k
	}
	return true, known
}

// hold tells whether all are known to hold.
func (ts tests) hold(row []Column) bool {
	yes, known := ts.ask(row)
	return yes && known
}

func compileTest(p *Predicate, at func(*Predicate) (int, error)) (*test, error) {
	i, err := at(p)
	if err != nil {
		return nil, err
	}
	t := &test{column: i}
	words := p.In
	switch {
	case p.Null != nil:
		t.null, t.negate = true, !*p.Null
	case p.True != nil:
		t.truth, t.negate = true, !*p.True
	case p.NotIn != nil:
		words, t.negate = p.NotIn, true
	}
	t.in = map[string]bool{}
	for _, w := range words {
		t.in[w] = true
	}
	return t, nil
}

// ask answers the predicate for a row; known is false where the row does not tell.
func (t *test) ask(row []Column) (yes, known bool) {
	c := row[t.column]
	switch {
	case c.State == Unchanged || c.State == NotSent:
		return false, false
	case t.null:
		return (c.State == Null) != t.negate, true
	case t.truth:
		return (c.State == Text && len(c.Data) > 0 && (c.Data[0] == 't' || c.Data[0] == '1')) != t.negate, true
	}
	return (c.State == Text && t.in[string(c.Data)]) != t.negate, true
}
