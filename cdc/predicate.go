package cdc

// test is a compiled Predicate.
type test struct {
	column int
	in     map[string]bool
	negate bool
	null   bool
	truth  bool
}

func compileTest(p *Predicate, at func(string) (int, error)) (*test, error) {
	if p == nil {
		return nil, nil
	}
	i, err := at(p.Column)
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
