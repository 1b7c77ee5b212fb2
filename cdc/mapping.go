package cdc

import (
	"fmt"

	"github.com/rxvigil/rxvigil"
)

// Mapping says what the app's tables mean, in the words of a pharmacy. It is the "mapping:" part of the configuration file;
// Resolve checks it against a live catalog.
type Mapping struct {
	// Ignore names tables that are known and left out on purpose: they are not published, and check does not ask about them.
	Ignore []string `yaml:"ignore,omitempty"`

	Tenant           Sources `yaml:"tenant,omitempty"`
	Branch           Sources `yaml:"branch,omitempty"`
	Medicine         Sources `yaml:"medicine,omitempty"`
	Lot              Sources `yaml:"lot,omitempty"`
	Sale             Sources `yaml:"sale,omitempty"`
	SaleLine         Sources `yaml:"sale_line,omitempty"`
	Prescription     Sources `yaml:"prescription,omitempty"`
	PrescriptionLine Sources `yaml:"prescription_line,omitempty"`
	Patient          Sources `yaml:"patient,omitempty"`
	Movement         Sources `yaml:"movement,omitempty"`
}

// Sources are the tables an entity comes from: usually one, written without a list.
type Sources []Source

// UnmarshalYAML accepts one source or a list of them.
func (s *Sources) UnmarshalYAML(unmarshal func(any) error) error {
	var list []Source
	if unmarshal(&list) == nil {
		*s = list
		return nil
	}
	var one Source
	if err := unmarshal(&one); err != nil {
		return err
	}
	*s = Sources{one}
	return nil
}

// Source says how rows of one table become entities of one kind. One table may serve several kinds.
type Source struct {
	Table string `yaml:"table"`
	// Where keeps the rows that are this kind of entity; the others are none.
	Where *Predicate `yaml:"where,omitempty"`
	// Key is the column, or the columns, of the entity's id. They must be part of the replica identity.
	Key Columns `yaml:"key"`
	// Tenant and Branch name the columns that hold their ids. A line has a Parent instead and takes both from it.
	Tenant *Expr `yaml:"tenant,omitempty"`
	Branch *Expr `yaml:"branch,omitempty"`
	Parent *Expr `yaml:"parent,omitempty"`
	// Gone tells a soft-deleted row.
	Gone   *Predicate      `yaml:"gone,omitempty"`
	Fields map[string]Expr `yaml:"fields,omitempty"`
	// Extra fields travel with the events under their own names; no rule reads them.
	Extra map[string]Expr `yaml:"extra,omitempty"`
}

// Columns is one column name or a list of them.
type Columns []string

// UnmarshalYAML accepts a name or a list of names.
func (c *Columns) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if unmarshal(&list) == nil {
		*c = list
		return nil
	}
	var one string
	if err := unmarshal(&one); err != nil {
		return err
	}
	*c = Columns{one}
	return nil
}

// Predicate is a question about one column: one of In, NotIn, Null, True.
type Predicate struct {
	Column string   `yaml:"column"`
	In     []string `yaml:"in,omitempty"`
	NotIn  []string `yaml:"not_in,omitempty"`
	Null   *bool    `yaml:"null,omitempty"`
	True   *bool    `yaml:"true,omitempty"`
}

// UnmarshalYAML reads a predicate key by key: YAML takes a bare null or true for a value, also where it is a name.
func (p *Predicate) UnmarshalYAML(unmarshal func(any) error) error {
	var raw map[any]any
	if err := unmarshal(&raw); err != nil {
		return err
	}
	for key, value := range raw {
		name := fmt.Sprint(key)
		if key == nil {
			name = "null"
		}
		if err := p.set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *Predicate) set(name string, value any) error {
	var ok bool
	switch name {
	case "column":
		p.Column, ok = value.(string)
	case "in":
		p.In, ok = wordsOf(value)
	case "not_in":
		p.NotIn, ok = wordsOf(value)
	case "null", "true":
		var b bool
		if b, ok = value.(bool); name == "null" {
			p.Null = &b
		} else {
			p.True = &b
		}
	default:
		return fmt.Errorf("unknown field %q: %s", name, didYouMean(name, []string{"column", "in", "not_in", "null", "true"}))
	}
	if !ok {
		return fmt.Errorf("field %q cannot be %v", name, value)
	}
	return nil
}

func wordsOf(value any) (words []string, ok bool) {
	list, ok := value.([]any)
	for _, v := range list {
		words = append(words, fmt.Sprint(v))
	}
	return words, ok
}

// Expr says where a value comes from: a column's name alone, or a column with what is to be done to it.
type Expr struct {
	Column string `yaml:"column,omitempty"`
	// Const is a value that no column holds.
	Const *string `yaml:"const,omitempty"`
	// Words translates the app's words into canonical ones. A word that is missing is a visible fault.
	Words map[string]string `yaml:"words,omitempty"`
	// Sign gives a quantity its direction by another column's word.
	Sign *Sign `yaml:"sign,omitempty"`
	// Plus, Minus and Times name a second numeric column; the value is the exact result.
	Plus  string `yaml:"plus,omitempty"`
	Minus string `yaml:"minus,omitempty"`
	Times string `yaml:"times,omitempty"`
	// Zone is the time zone in which a timestamp without zone was meant, or in which an instant becomes a day.
	Zone string `yaml:"zone,omitempty"`
	// Personal keeps the value inside for roles that may not see patients.
	Personal bool `yaml:"personal,omitempty"`
}

// Sign multiplies a quantity by 1, -1 or 0, chosen by a column's word.
type Sign struct {
	Column string         `yaml:"column"`
	Values map[string]int `yaml:"values"`
}

// UnmarshalYAML accepts a column's name alone.
func (e *Expr) UnmarshalYAML(unmarshal func(any) error) error {
	var name string
	if unmarshal(&name) == nil {
		*e = Expr{Column: name}
		return nil
	}
	type plain Expr
	return unmarshal((*plain)(e))
}

// columns lists every column the expression reads.
func (e *Expr) columns() []string {
	if e == nil {
		return nil
	}
	var names []string
	for _, n := range []string{e.Column, e.Plus, e.Minus, e.Times} {
		if n != "" {
			names = append(names, n)
		}
	}
	if e.Sign != nil {
		names = append(names, e.Sign.Column)
	}
	return names
}

// of gives the sources of a kind.
func (m *Mapping) of(k rxvigil.Kind) Sources {
	switch k {
	case rxvigil.KindTenant:
		return m.Tenant
	case rxvigil.KindBranch:
		return m.Branch
	case rxvigil.KindMedicine:
		return m.Medicine
	case rxvigil.KindLot:
		return m.Lot
	case rxvigil.KindSale:
		return m.Sale
	case rxvigil.KindSaleLine:
		return m.SaleLine
	case rxvigil.KindPrescription:
		return m.Prescription
	case rxvigil.KindPrescriptionLine:
		return m.PrescriptionLine
	case rxvigil.KindPatient:
		return m.Patient
	case rxvigil.KindMovement:
		return m.Movement
	}
	return nil
}

// parentOf is the kind whose line k is, or 0.
func parentOf(k rxvigil.Kind) rxvigil.Kind {
	switch k {
	case rxvigil.KindSaleLine:
		return rxvigil.KindSale
	case rxvigil.KindPrescriptionLine:
		return rxvigil.KindPrescription
	}
	return 0
}

// statusWords are the canonical statuses of a kind.
func statusWords(k rxvigil.Kind) []string {
	switch k {
	case rxvigil.KindMedicine:
		return []string{"active", "inactive", "deleted"}
	case rxvigil.KindSale:
		return []string{"draft", "pending", "completed", "partially_returned", "returned", "cancelled", "void"}
	case rxvigil.KindPrescription:
		return []string{"pending", "validated", "partial", "dispensed", "cancelled", "expired"}
	}
	return nil
}
