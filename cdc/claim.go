package cdc

import (
	"fmt"
	"reflect"
	"slices"
)

// claims refuses two sources of one kind that may both take the same row for the same tenant: it would be two entities under
// one id.
func (r *resolver) claims() {
	for i, a := range r.out.Sources {
		for _, b := range r.out.Sources[i+1:] {
			if a.kind != b.kind || a.table != b.table || !slices.Equal(a.spec.Key, b.spec.Key) || a.head != nil || b.head != nil || strangers(a.spec.Tenant, b.spec.Tenant) || a.spec.Where.excludes(b.spec.Where) {
				continue
			}
			r.fail(b.path, fmt.Sprintf("a row of %s may be claimed by %s, too: it would be two of a kind under one id", b.table, a.path),
				"add where: to both, with words of one column that differ")
		}
	}
}

// strangers tells whether two sources name two tenants outright.
func strangers(a, b *Expr) bool {
	return a != nil && b != nil && a.Const != nil && b.Const != nil && *a.Const != *b.Const
}

// excludes tells whether no row can be as both ask.
func (p Predicates) excludes(others Predicates) bool {
	return slices.ContainsFunc(p, func(a Predicate) bool {
		return slices.ContainsFunc(others, func(b Predicate) bool { return a.excludes(&b) || b.excludes(&a) })
	})
}

func (p *Predicate) excludes(other *Predicate) bool {
	if !reflect.DeepEqual(p.expr(), other.expr()) {
		return false
	}
	switch {
	case p.In != nil && other.In != nil:
		return !slices.ContainsFunc(p.In, func(word string) bool { return slices.Contains(other.In, word) })
	case p.In != nil && other.NotIn != nil:
		return !slices.ContainsFunc(p.In, func(word string) bool { return !slices.Contains(other.NotIn, word) })
	case p.Null != nil && other.Null != nil:
		return *p.Null != *other.Null
	case p.Null != nil && *p.Null:
		return other.In != nil || other.True != nil // null is none of the words, and neither true nor false
	case p.True != nil && other.True != nil:
		return *p.True != *other.True
	}
	return false
}
