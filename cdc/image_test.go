package cdc

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rxvigil/rxvigil"
)

// lotSource is a source of lots from a table of texts, with its plan.
func lotSource(t testing.TB) (*source, *plan) {
	t.Helper()
	spec := &Source{
		Table: "lots", Key: Columns{"id"}, Tenant: &Expr{Column: "tenant"}, Branch: &Expr{Column: "branch"},
		Gone: Predicates{{Column: "deleted", In: []string{"t"}}},
	}
	fields := map[string]*Expr{"medicine": {Column: "medicine"}, "number": {Column: "number"}, "expires": {Column: "expires"}, "on_hand": {Column: "packs", Times: "size"}, "reserved": {Column: "reserved"}}
	s := &source{kind: rxvigil.KindLot, spec: spec, table: &Table{Schema: "public", Name: "lots"}, schema: rxvigil.NewSchema(rxvigil.KindLot)}
	for _, f := range s.schema.Fields {
		s.fields = append(s.fields, fields[f.Name])
	}
	rel := &Relation{Schema: "public", Name: "lots"}
	for name, oid := range map[string]uint32{
		"id": oidInt4, "tenant": oidText, "branch": oidText, "medicine": oidInt4, "number": oidText, "expires": oidDate, "packs": oidInt4, "size": oidInt4,
		"reserved": oidNumeric, "deleted": oidBool,
	} {
		rel.Columns = append(rel.Columns, RelationColumn{Name: name, Type: oid, Key: name == "id"})
	}
	p, err := compile(s, rel)
	must(t, err)
	return s, p
}

// row builds a row for a plan's relation: columns that are not named are null.
func row(s *source, p *plan, values map[string]string) []Column {
	cols := make([]Column, 10)
	for i := range cols {
		cols[i].State = Null
	}
	set := func(i int, name string) {
		switch v, ok := values[name]; {
		case v == "<unchanged>":
			cols[i].State = Unchanged
		case ok:
			cols[i] = Column{State: Text, Data: []byte(v)}
		}
	}
	set(p.key[0], "id")
	set(p.tenant.column, "tenant")
	set(p.branch.column, "branch")
	set(p.gone[0].column, "deleted")
	for i, st := range p.steps {
		if st != nil {
			set(st.column, s.schema.Fields[i].Name)
			for _, o := range st.operations {
				set(o.with.column, "size")
			}
		}
	}
	return cols
}

var byMeaning = cmp.Options{cmp.AllowUnexported(rxvigil.Value{}), cmpopts.IgnoreFields(rxvigil.Record{}, "Schema")}

func TestAnImageReadsAsTheRowItWasMadeOf(t *testing.T) {
	t.Parallel()
	s, p := lotSource(t)
	faults := 0
	report := func(*step, error, []byte) { faults++ }
	first := p.encode(nil, row(s, p, map[string]string{"id": "1", "tenant": "t1", "branch": "b1", "medicine": "7", "number": "", "on_hand": "3", "size": "4", "deleted": "t"}), nil, report)
	got, err := s.record("1", first)
	must(t, err)
	want := &rxvigil.Record{ID: "1", Tenant: "t1", Branch: "b1", Gone: true, Values: make([]rxvigil.Value, len(s.schema.Fields))}
	want.Values[rxvigil.LotMedicine] = rxvigil.ValueOf(rxvigil.TypeRef, "7")
	want.Values[rxvigil.LotNumber] = rxvigil.TextOf("")
	want.Values[rxvigil.LotExpires] = rxvigil.Null(rxvigil.TypeDay)
	want.Values[rxvigil.LotOnHand] = rxvigil.ValueOf(rxvigil.TypeNumber, "12")
	want.Values[rxvigil.LotReserved] = rxvigil.Null(rxvigil.TypeNumber)
	if diff := cmp.Diff(got, want, byMeaning); diff != "" || faults != 0 {
		t.Errorf("%d faults (-got +want):\n%s", faults, diff)
	}

	second := p.encode(nil, row(s, p, map[string]string{"id": "1", "tenant": "t1", "number": "<unchanged>", "medicine": "<unchanged>", "deleted": "f"}), first, report)
	got, err = s.record("1", second)
	must(t, err)
	want.Gone, want.Branch, want.Values[rxvigil.LotOnHand] = false, "", rxvigil.Null(rxvigil.TypeNumber)
	if diff := cmp.Diff(got, want, byMeaning); diff != "" {
		t.Errorf("what is unchanged comes from the image before (-got +want):\n%s", diff)
	}
	lost, err := s.record("1", p.encode(nil, row(s, p, map[string]string{"tenant": "t1", "number": "<unchanged>"}), nil, report))
	must(t, err)
	if v := lost.Value(rxvigil.LotNumber); !v.IsUnknown() {
		t.Errorf("unchanged without an image before is %q, want unknown", v.Text())
	}
}

func TestATornImageIsAnError(t *testing.T) {
	t.Parallel()
	s, p := lotSource(t)
	image := p.encode(nil, row(s, p, map[string]string{"id": "1", "tenant": "t1", "number": "long enough", "deleted": "f"}), nil, nil)
	for n := range image {
		if r, err := s.record("1", image[:n]); !errors.Is(err, errTorn) {
			t.Errorf("%d of %d bytes give %v, %v", n, len(image), r, err)
		}
	}
	m := &Memory{&Resolved{Sources: []*source{s}}}
	for _, key := range []string{"", "i", "i\x00", "l\x00\x00x", "i\x00\x01x"} {
		if _, err := m.Record(nil, []byte(key), image); !errors.Is(err, errTorn) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if r, err := m.Record(nil, []byte("i\x00\x00lot"), image); err != nil || r.ID != "lot" || r.Tenant != "t1" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestMappingARowAllocatesNothing(t *testing.T) {
	s, p := lotSource(t)
	cols := row(s, p, map[string]string{"id": "1", "tenant": "t1", "branch": "b1", "medicine": "7", "number": "L-1", "expires": "2027-01-31", "on_hand": "3", "size": "4", "reserved": "1.50", "deleted": "t"})
	image := p.encode(nil, cols, nil, nil)
	buf, key := bytes.Clone(image), make([]byte, 0, 64)
	got := testing.AllocsPerRun(100, func() {
		buf = p.encode(buf[:0], cols, image, nil)
		key, _ = p.appendKey(imageKey(key[:0], s), cols)
	})
	if got != 0 || !bytes.Equal(buf, image) {
		t.Errorf("%v allocations, want 0", got)
	}
}

func FuzzImage(f *testing.F) {
	s, p := lotSource(f)
	f.Add([]byte(nil), "a", true)
	f.Add(p.encode(nil, row(s, p, map[string]string{"tenant": "t1", "number": "n"}), nil, nil), "", false)
	f.Add([]byte{0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1}, "x", false)
	f.Fuzz(func(t *testing.T, torn []byte, number string, unchanged bool) {
		_, _ = s.record("1", torn) // an error at most
		values := map[string]string{"tenant": "t", "number": number, "medicine": number}
		if unchanged {
			values["number"] = "<unchanged>"
		}
		image := p.encode(nil, row(s, p, values), torn, func(*step, error, []byte) {})
		r, err := s.record("1", image)
		must(t, err)
		if !unchanged && number != "<unchanged>" && r.Text(rxvigil.LotNumber) != number || r.Tenant != "t" {
			t.Errorf("%q comes back as %q of %q", number, r.Text(rxvigil.LotNumber), r.Tenant)
		}
	})
}
