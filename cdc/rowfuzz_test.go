package cdc

import (
	"testing"

	"github.com/rxvigil/rxvigil"
)

// shopLots is the source of lots in the shop's mapping.
func shopLots(t testing.TB) *source {
	t.Helper()
	m := parseMapping(t, shopMapping)
	s := &source{kind: rxvigil.KindLot, spec: &m.Lot[0], table: &Table{Schema: "public", Name: "lots"}, schema: rxvigil.NewSchema(rxvigil.KindLot)}
	s.fields = make([]*Expr, len(s.schema.Fields))
	for name, e := range m.Lot[0].Fields {
		s.fields[s.schema.Index(name)] = &e
	}
	return s
}

// FuzzRow takes what a server may say of a table and of a row, from bytes to images: it never fails, every image reads back,
// and the same row again is no news.
func FuzzRow(f *testing.F) {
	for _, name := range []string{"shop", "full", "origin"} {
		var d Decoder
		var lots []byte
		for _, m := range recorded(f, name) {
			frame, err := d.Decode(m)
			must(f, err)
			switch {
			case frame.Relation == nil || frame.Relation.Name != "lots":
			case frame.Kind == 'R':
				lots = m
			default:
				f.Add(lots, m)
			}
		}
	}
	s := shopLots(f)
	f.Fuzz(func(t *testing.T, relation, m []byte) {
		var d Decoder
		announced, err := d.Decode(relation)
		if err != nil || announced.Kind != 'R' {
			return
		}
		p, err := compile(s, announced.Relation)
		if err != nil {
			return
		}
		frame, err := d.Decode(m)
		if err != nil || len(frame.Old)+len(frame.New) == 0 {
			return
		}
		memory := newMemory()
		c := newCollector(memory)
		for again := range 2 {
			c.reset()
			must(t, c.change(p, frame))
			tx, err := c.finish(rxvigil.Tx{})
			must(t, err)
			memory.write(tx)
			if again == 1 && len(tx.Writes) > 0 {
				t.Errorf("the same row again wrote %q", tx.Writes)
			}
			for key, image := range memory.images {
				_, err := p.record(key[3:], image)
				must(t, err)
			}
		}
	})
}
