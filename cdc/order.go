package cdc

import (
	"fmt"
	"slices"
	"strings"
)

// order puts the tables in an order in which each stands behind those that it needs: what its rows look up, and the parents of
// its lines. A cycle has none, and is refused.
func (r *resolver) order() {
	o := &ordering{resolver: r, state: map[*Table]byte{}}
	for _, t := range r.out.Tables {
		o.visit(t, nil)
	}
}

type ordering struct {
	*resolver
	state map[*Table]byte // 1: being visited, 2: done
}

func (o *ordering) visit(t *Table, way []*Table) {
	if o.state[t] == 2 {
		return
	}
	way = append(way, t)
	if o.state[t] == 1 {
		o.cycle(way[slices.Index(way, t):])
		return
	}
	o.state[t] = 1
	for _, needed := range o.needs(t) {
		o.visit(needed, way)
	}
	o.state[t] = 2
	o.out.order = append(o.out.order, t)
}

func (o *ordering) needs(t *Table) (all []*Table) {
	for _, s := range o.out.Sources {
		if s.table != t {
			continue
		}
		if s.look != nil {
			for _, h := range s.look.hops {
				all = append(all, h.ref.table)
			}
		}
		if len(s.parents) > 0 && s.parents[0].table != t {
			all = append(all, s.parents[0].table)
		}
	}
	return all
}

func (o *ordering) cycle(way []*Table) {
	path := "$.mapping"
	for _, s := range o.out.Sources {
		if s.table == way[len(way)-2] && s.look != nil && slices.ContainsFunc(s.look.hops, func(h *hop) bool { return h.ref.table == way[0] }) {
			path = s.path
		}
	}
	var names []string
	for _, t := range way {
		names = append(names, t.String())
	}
	o.fail(path, fmt.Sprintf("lookups go round in a circle: %s: no order could be found in which their rows are read", strings.Join(names, " needs ")), "leave one of them out")
}
