package cdc

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "record WAL and golden files anew")

func TestRecordedWALDecodesAsItDid(t *testing.T) {
	t.Parallel()
	for name, workload := range recordings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden := filepath.Join("testdata", "wal", name+".golden")
			if *update {
				var lines bytes.Buffer
				for _, m := range record(t, workload) {
					fmt.Fprintln(&lines, hex.EncodeToString(m))
				}
				must(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				must(t, os.WriteFile(filepath.Join("testdata", "wal", name+".hex"), lines.Bytes(), 0o600))
			}
			var d Decoder
			var got strings.Builder
			for _, m := range recorded(t, name) {
				f, err := d.Decode(m)
				must(t, err)
				got.WriteString(tellFrame(f))
			}
			if *update {
				must(t, os.WriteFile(golden, []byte(got.String()), 0o600))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			if diff := cmp.Diff(got.String(), string(want)); diff != "" {
				t.Errorf("(-got +want):\n%s", diff)
			}
		})
	}
}

// tellFrame shows a frame in a line.
func tellFrame(f *Frame) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%c", f.Kind)
	switch f.Kind {
	case 'B', 'C':
		fmt.Fprintf(&b, " lsn %X end %X xid %d at %s", f.LSN, f.EndLSN, f.XID, f.Time.Format("2006-01-02T15:04:05.000000Z07:00"))
	case 'R':
		fmt.Fprintf(&b, " %s.%s identity %c", f.Relation.Schema, f.Relation.Name, f.Relation.ReplicaIdentity)
		for _, c := range f.Relation.Columns {
			fmt.Fprintf(&b, " %s:%v", c.Name, c.Key)
		}
	case 'I', 'U', 'D':
		fmt.Fprintf(&b, " %s", f.Relation.Name)
		if f.OldKind != 0 {
			fmt.Fprintf(&b, " old %c%s", f.OldKind, tellRow(f.Old))
		}
		if f.Kind != 'D' {
			fmt.Fprintf(&b, " new%s", tellRow(f.New))
		}
	case 'T':
		fmt.Fprintf(&b, " %d relations", len(f.Truncated))
	case 'M':
		fmt.Fprintf(&b, " transactional %v %q %q", f.Transactional, f.Prefix, f.Content)
	}
	return b.String() + "\n"
}

func tellRow(row []Column) string {
	var b strings.Builder
	for _, c := range row {
		switch {
		case c.State == NotSent:
			b.WriteString(" notsent")
		case c.State == Text && len(c.Data) > 40:
			fmt.Fprintf(&b, " t(%d bytes)", len(c.Data))
		case c.State == Text:
			fmt.Fprintf(&b, " t%q", c.Data)
		default:
			fmt.Fprintf(&b, " %c", c.State)
		}
	}
	return b.String()
}

// wire builds a message by hand.
func wire(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch v := p.(type) {
		case byte:
			b = append(b, v)
		case rune:
			b = append(b, byte(v))
		case uint16:
			b = append(b, byte(v>>8), byte(v))
		case uint32:
			b = append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
		case string:
			b = append(append(b, v...), 0)
		case []byte:
			b = append(b, v...)
		default:
			panic(fmt.Sprintf("wire: %T", p))
		}
	}
	return b
}

// relation 7 has a key column k and a value v.
func relation7() []byte {
	return wire('R', uint32(7), "public", "lots", 'd', uint16(2), byte(1), "k", uint32(25), ^uint32(0), byte(0), "v", uint32(25), ^uint32(0))
}

func text(s string) []byte { return wire('t', uint32(len(s)), []byte(s)) }

func TestTheFourColumnStatesAreKeptApart(t *testing.T) {
	t.Parallel()
	var d Decoder
	decode := func(m []byte) *Frame {
		t.Helper()
		f, err := d.Decode(m)
		must(t, err)
		return f
	}
	decode(relation7())
	for _, c := range []struct {
		what     string
		message  []byte
		old, new string
	}{
		{"present and null", wire('I', uint32(7), 'N', uint16(2), text("a"), 'n'), "", ` t"a" n`},
		{"an empty text is no null", wire('I', uint32(7), 'N', uint16(2), text(""), text("")), "", ` t"" t""`},
		{"unchanged", wire('U', uint32(7), 'N', uint16(2), text("a"), 'u'), "", ` t"a" u`},
		{"a key change", wire('U', uint32(7), 'K', uint16(2), text("a"), 'n', 'N', uint16(2), text("b"), 'u'), ` t"a" notsent`, ` t"b" u`},
		{"a whole old row", wire('U', uint32(7), 'O', uint16(2), text("a"), 'n', 'N', uint16(2), text("b"), text("c")), ` t"a" n`, ` t"b" t"c"`},
		{"a deleted key", wire('D', uint32(7), 'K', uint16(2), text("a"), 'n'), ` t"a" notsent`, ""},
		{"a null within a key", wire('D', uint32(7), 'K', uint16(2), 'n', 'n'), ` n notsent`, ""},
		{"a deleted row", wire('D', uint32(7), 'O', uint16(2), text("a"), 'n'), ` t"a" n`, ""},
	} {
		f := decode(c.message)
		if got := tellRow(f.Old); got != c.old {
			t.Errorf("%s: old%s, want%s", c.what, got, c.old)
		}
		if got := tellRow(f.New); got != c.new {
			t.Errorf("%s: new%s, want%s", c.what, got, c.new)
		}
	}
}

func TestWhatIsNoMessageIsAnError(t *testing.T) {
	t.Parallel()
	for what, m := range map[string][]byte{
		"nothing":                          {},
		"an unknown kind":                  wire('Z'),
		"a row of an unknown relation":     wire('I', uint32(8), 'N', uint16(0)),
		"too few columns":                  wire('I', uint32(7), 'N', uint16(1), text("a")),
		"too many columns":                 wire('I', uint32(7), 'N', uint16(3), text("a"), text("b"), text("c")),
		"a binary column":                  wire('I', uint32(7), 'N', uint16(2), text("a"), 'b', uint32(0)),
		"a column longer than the message": wire('I', uint32(7), 'N', uint16(2), text("a"), 't', ^uint32(0), []byte("x")),
		"an insert with an old row":        wire('I', uint32(7), 'K', uint16(2), text("a"), 'n'),
		"a delete with a new row":          wire('D', uint32(7), 'N', uint16(2), text("a"), 'n'),
		"an update without a new row":      wire('U', uint32(7), 'K', uint16(2), text("a"), 'n'),
		"bytes behind a row":               wire('I', uint32(7), 'N', uint16(2), text("a"), 'n', 'n'),
		"a relation with 65535 columns":    wire('R', uint32(9), "s", "t", 'd', ^uint16(0)),
		"a truncation of 4 billion tables": wire('T', ^uint32(0), byte(0)),
		"a name without an end":            wire('R', uint32(9), []byte("public")),
		"a message that lies":              wire('M', byte(1), []byte("lsn lsn "), "p", ^uint32(0)),
	} {
		var d Decoder
		_, err := d.Decode(relation7())
		must(t, err)
		if f, err := d.Decode(m); err == nil {
			t.Errorf("%s decodes as %s", what, tellFrame(f))
		}
	}
}

func TestEveryCutOfAMessageIsAnError(t *testing.T) {
	t.Parallel()
	for name := range recordings {
		var d Decoder
		for _, m := range recorded(t, name) {
			for n := range m {
				var torn Decoder
				torn.relations = d.relations
				if m[0] == 'R' {
					torn.relations = nil
				}
				if f, err := torn.Decode(m[:n:n]); err == nil && n > 0 && m[0] != 'Y' && m[0] != 'O' {
					t.Fatalf("%d of %d bytes of %q decode as %s", n, len(m), m[0], tellFrame(f))
				}
			}
			_, err := d.Decode(m)
			must(t, err)
		}
	}
}

func TestDecodingARowAllocatesNothing(t *testing.T) {
	var d Decoder
	var rows [][]byte
	for _, name := range []string{"shop", "toast", "full"} {
		for _, m := range recorded(t, name) {
			_, err := d.Decode(m)
			must(t, err)
			if bytes.ContainsRune([]byte("IUD"), rune(m[0])) {
				rows = append(rows, slices.Clone(m))
			}
		}
	}
	got := testing.AllocsPerRun(100, func() {
		for _, m := range rows {
			if _, err := d.Decode(m); err != nil {
				t.Fatal(err)
			}
		}
	})
	if len(rows) < 10 || got != 0 {
		t.Errorf("%d rows cost %v allocations, want 0", len(rows), got)
	}
}

func TestEveryKindOfMessageIsRecorded(t *testing.T) {
	t.Parallel()
	got := map[string]bool{}
	for name := range recordings {
		var d Decoder
		for _, m := range recorded(t, name) {
			f, err := d.Decode(m)
			must(t, err)
			kind := string(f.Kind)
			if f.OldKind != 0 {
				kind += string(f.OldKind)
			}
			got[kind] = true
			for _, c := range slices.Concat(f.Old, f.New) {
				got[kind+" "+string(c.State)] = true
			}
			if f.Kind == 'M' {
				got[fmt.Sprint("M ", f.Transactional)] = true
			}
		}
	}
	for _, kind := range []string{
		"B", "C", "R", "Y", "O", "T", "M true", "M false", "I t", "I n", "U t", "U n", "U u", "UK t", "UK n", "UK u", "UK \x00", "UO t", "UO n", "UO u", "DK t", "DK \x00", "DO t", "DO n",
	} {
		if !got[kind] {
			t.Errorf("%q is not recorded", kind)
		}
	}
}

// FuzzDecode decodes a relation and then a message of it.
func FuzzDecode(f *testing.F) {
	for name := range recordings {
		var d Decoder
		announced := map[*Relation][]byte{}
		for _, m := range recorded(f, name) {
			frame, err := d.Decode(m)
			must(f, err)
			if frame.Kind == 'R' {
				announced[frame.Relation] = m
			}
			f.Add(announced[frame.Relation], m)
		}
	}
	for _, m := range [][]byte{{}, {'R'}, wire('T', uint32(1), byte(0), uint32(7)), wire('I', uint32(7), 'N', uint16(2), text("a"), 'u')} {
		f.Add(relation7(), m)
	}
	f.Fuzz(func(t *testing.T, relation, m []byte) {
		var d Decoder
		_, _ = d.Decode(relation)
		frame, err := d.Decode(m)
		if err != nil {
			return
		}
		for _, row := range [][]Column{frame.Old, frame.New} {
			if len(row) != 0 && len(row) != len(frame.Relation.Columns) {
				t.Errorf("%d columns in a row of %d", len(row), len(frame.Relation.Columns))
			}
		}
		if frame.Kind == 'D' && frame.OldKind == 0 || frame.Kind == 'I' && len(frame.New) == 0 && len(frame.Relation.Columns) > 0 {
			t.Errorf("%q without its row", frame.Kind)
		}
	})
}
